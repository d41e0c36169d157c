"""Load a model for inference; a GPTQ checkpoint on a CPU is dequantised once, at load."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.terminal import say


def check_model_folder(model: Path) -> None:
    """Insist on a folder with a model and its tokenizer.

    Raises:
        UserError: one of them is missing.
    """
    for needed in ("config.json", "tokenizer_config.json"):
        if not (model / needed).exists():
            raise UserError(f"{model}: no {needed} there, so no model to load")


def load_model(model: Path, dtype: str) -> Any:
    """Load a causal language model on the GPU where there is one, else on the CPU.

    On a CPU the GPTQ kernel decodes at less than half the speed of plain matrices, so the
    quantised weights are unpacked once into matrices of `dtype`: the same arithmetic, as the
    kernel unpacks to the same values at each step.

    Args:
        model: the model's folder.
        dtype: float32, bfloat16, float16; or auto: float32 on a CPU, else the checkpoint's own.

    Raises:
        UserError: the folder has no model or no tokenizer.
    """
    check_model_folder(model)
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if dtype == "auto" and device == "cpu":
        dtype = "float32"  # few CPUs compute with 16 bits, and the others emulate them
    quantised = getattr(AutoConfig.from_pretrained(model), "quantization_config", None)
    if quantised and device == "cpu":
        say(f"{model}: GPTQ weights unpacked to {dtype} once, for the CPU")
        # Its log of some fifty lines goes to standard output, which is for answers.
        with contextlib.redirect_stdout(sys.stderr):
            from logbar import LogBar

            LogBar.shared().setLevel("WARN")
            from gptqmodel import BACKEND, GPTQModel

            loaded: Any = GPTQModel.load(str(model), backend=BACKEND.GPTQ_TORCH, device="cpu")
        network = loaded.model
        unpack_linears(network)
        network = network.to(getattr(torch, dtype))
    else:
        network = AutoModelForCausalLM.from_pretrained(
            model, dtype="auto" if dtype == "auto" else getattr(torch, dtype), device_map=device
        )
    return network.eval()


def unpack_linears(network: Any) -> None:
    """Replace each GPTQ linear layer of a model by a plain one that holds the same values.

    gptqmodel 7.5 has `dequantize_model` for this, but it gives layers without a bias an empty one.
    """
    from gptqmodel.nn_modules.qlinear.torch import TorchLinear
    from torch import nn

    for name, module in list(network.named_modules()):
        if not isinstance(module, TorchLinear):
            continue
        bias = module.bias if module.bias is not None and module.bias.numel() else None
        plain = nn.Linear(module.in_features, module.out_features, bias=bias is not None)
        plain.weight = nn.Parameter(module.dequantize_weight().T.detach().contiguous())
        if bias is not None:
            plain.bias = nn.Parameter(bias.detach())
        network.set_submodule(name, plain)
