"""AWQ in 4 bits (Lin et al. 2023, arXiv 2306.00978)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from numina.models.calibration import Encoded
from numina.models.checkpoint import is_bfloat16, prepare, write_checkpoint
from numina.settings.models import Quantize


def write_awq(model: Path, rows: Sequence[Encoded], out: Path, params: Quantize) -> None:
    """Quantise a plain model by AWQ, computed in 16 bits, the only width that gptqmodel has for it.

    Raises:
        UserError: the model cannot be loaded.
    """
    prepare()
    import torch
    from gptqmodel import BACKEND, QuantizeConfig
    from gptqmodel.quantization import FORMAT, METHOD

    config = QuantizeConfig(
        bits=params.bits,
        group_size=params.group_size,
        method=METHOD.AWQ,
        format=FORMAT.GEMM,
        sym=False,  # with zero points, which AWQ's kernels expect
    )
    dtype = torch.bfloat16 if is_bfloat16(model) else torch.float16
    write_checkpoint(model, rows, out, config, dtype, backend=BACKEND.AWQ_TORCH)
