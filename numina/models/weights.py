"""Load a model for inference; a GPTQ checkpoint on a CPU is dequantised once, at load."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.models.folder import check_model_folder, check_tokenizer
from numina.models.tokenizer import load_faithful_tokenizer
from numina.terminal import say


def load_model(model: Path, dtype: str) -> Any:
    """Load a causal language model on the GPU if there is one, else on the CPU.

    On a CPU the GPTQ kernel decodes at less than half the speed of plain matrices, so the
    quantised weights are unpacked once into matrices of `dtype`: the same arithmetic, because
    the kernel unpacks to the same values at each step.

    Args:
        model: the model's folder.
        dtype: float32, bfloat16, float16; or auto: float32 on a CPU, else the checkpoint's own.

    Raises:
        UserError: the folder has no model or no tokenizer, or they do not load.
    """
    check_model_folder(model)
    import torch
    from transformers import AutoConfig

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if dtype == "auto" and device == "cpu":
        dtype = "float32"  # few CPUs compute with 16 bits, and the others emulate them
    with loading(model):
        quantised = getattr(AutoConfig.from_pretrained(model), "quantization_config", None)
        if quantised and device == "cpu":
            say(f"{model}: GPTQ weights unpacked to {dtype} once, for the CPU")
            return load_unpacked(model).to(getattr(torch, dtype)).eval()
        return load_plain(model, dtype, device, whole=not quantised).eval()


def load_tokenizer(model: Path) -> Any:
    """Load a model's tokenizer.

    Raises:
        UserError: the folder has none, or it does not load.
    """
    check_tokenizer(model)
    with loading(model):
        return load_faithful_tokenizer(model)


@contextlib.contextmanager
def loading(model: Path) -> Iterator[None]:
    """Turn any failure to load from a folder into a `UserError` with the folder and the reason.

    It catches every Exception because the parser of each kind of file raises its own.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{model}: cannot be loaded: {type(error).__name__}: {reason}") from error


def load_plain(model: Path, dtype: str, device: str, whole: bool) -> Any:
    """Load a model as transformers does.

    Raises:
        UserError: `whole` is set and weights are missing; transformers would initialise them.
    """
    import torch
    from transformers import AutoModelForCausalLM

    loaded: Any = AutoModelForCausalLM.from_pretrained(
        model,
        dtype="auto" if dtype == "auto" else getattr(torch, dtype),
        device_map=device,
        output_loading_info=True,
    )
    network, found = loaded
    if whole and (missing := sorted(found["missing_keys"])):
        raise UserError(f"{model}: {len(missing)} weights are missing, such as {missing[0]}")
    return network


def load_unpacked(model: Path) -> Any:
    """Load a GPTQ checkpoint on the CPU, its weights unpacked."""
    # gptqmodel logs some fifty lines to standard output, which is for answers.
    with contextlib.redirect_stdout(sys.stderr):
        from logbar import LogBar

        LogBar.shared().setLevel("WARN")
        from gptqmodel import BACKEND, GPTQModel

        loaded: Any = GPTQModel.load(str(model), backend=BACKEND.GPTQ_TORCH, device="cpu")
    unpack_linears(loaded.model)
    return loaded.model


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
