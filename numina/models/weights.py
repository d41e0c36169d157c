"""Load a model for inference; a quantised checkpoint on a CPU is unpacked once, at load."""

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

    On a CPU the kernels for GPTQ and AWQ decode at less than half the speed of plain matrices, so
    the quantised weights are unpacked once into matrices of `dtype`: the values that the
    checkpoint stores, which such kernels round to 16 bits at each step.

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
        method = (quantised or {}).get("quant_method")
        if method in ("gptq", "awq") and device == "cpu":
            say(f"{model}: {method.upper()} weights unpacked to {dtype} once, for the CPU")
            return load_unpacked(model, dtype).eval()
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


def load_unpacked(model: Path, dtype: str) -> Any:
    """Load a GPTQ or AWQ checkpoint on the CPU, its weights unpacked to `dtype`.

    gptqmodel holds plain layers in 16 bits, so the checkpoint's own type is asked for, which rounds
    nothing; by default it takes bfloat16 on a CPU, with 8 bits of precision.
    """
    import torch
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model)
    awq = config.quantization_config.get("quant_method") == "awq"
    stored = torch.bfloat16 if config.dtype is torch.bfloat16 else torch.float16
    # gptqmodel logs some fifty lines to standard output, which is for answers.
    with contextlib.redirect_stdout(sys.stderr):
        from logbar import LogBar

        LogBar.shared().setLevel("WARN")
        from gptqmodel import BACKEND, GPTQModel

        backend = BACKEND.AWQ_TORCH if awq else BACKEND.GPTQ_TORCH
        loaded: Any = GPTQModel.load(str(model), backend=backend, device="cpu", dtype=stored)
    network = loaded.model
    unpack_linears(network, stored_scales(model), getattr(torch, dtype))
    return network.to(getattr(torch, dtype))


def stored_scales(model: Path) -> dict[str, Any]:
    """The scales of a checkpoint by name; gptqmodel rounds them to the type of the plain layers."""
    from safetensors import safe_open

    found = {}
    for file in sorted(model.glob("*.safetensors")):
        with safe_open(file, "pt") as stored:
            for name in stored.keys():  # noqa: SIM118 (not a mapping)
                if name.endswith(".scales"):
                    found[name] = stored.get_tensor(name)
    return found


def unpack_linears(network: Any, scales: dict[str, Any], dtype: Any) -> None:
    """Replace each quantised linear layer of a model by a plain one, one after another.

    gptqmodel 7.5 has `dequantize_model` for this, but it gives layers without a bias an empty one,
    and rounds the weights to 16 bits.
    """
    from gptqmodel.nn_modules.qlinear import BaseQuantLinear
    from torch import nn

    names = [name for name, part in network.named_modules() if isinstance(part, BaseQuantLinear)]
    for name in names:
        packed = network.get_submodule(name)
        exact = scales.get(f"{name}.scales", packed.scales).float()
        weight = unpacked(packed, exact).T.to(dtype).contiguous()
        bias = packed.bias if packed.bias is not None and packed.bias.numel() else None
        sizes = packed.in_features, packed.out_features
        plain = nn.Linear(*sizes, bias=bias is not None, device="meta")
        plain.weight = nn.Parameter(weight, requires_grad=False)
        if bias is not None:
            plain.bias = nn.Parameter(bias.detach().to(dtype), requires_grad=False)
        network.set_submodule(name, plain)


def unpacked(packed: Any, scales: Any) -> Any:
    """The weights of a quantised layer in float32, of shape [inputs, outputs].

    Scales are 16-bit numbers and the integers have at most 8 bits, so their products are exact in
    float32, and would be rounded in 16 bits.
    """
    from gptqmodel.nn_modules.qlinear.torch_awq import AwqTorchLinear
    from gptqmodel.quantization.awq.utils.packing_utils import dequantize_gemm

    if isinstance(packed, AwqTorchLinear):
        parts = packed.qweight, packed.qzeros
        return dequantize_gemm(*parts, scales, packed.bits, packed.group_size)
    packed.scales = scales
    # The layer's own attribute of this name is compiled by torch, for a single call.
    return type(packed).dequantize_weight(packed).detach()
