"""GPTQ in 8 or 4 bits (Frantar et al. 2022, arXiv 2210.17323).

The winners set `desc_act: true` (act order), which vLLM has stopped loading. gptqmodel's
`act_group_aware` orders columns group by group instead, and leaves a checkpoint that all load.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from numina.models.calibration import Encoded
from numina.models.checkpoint import prepare, write_checkpoint
from numina.settings.models import Quantize
from numina.terminal import say

DAMP = 0.05  # gptqmodel's: what is added to the Hessian's diagonal, as a share of its mean


def write_gptq(model: Path, rows: Sequence[Encoded], out: Path, params: Quantize) -> None:
    """Quantise a plain model by GPTQ, computed in float32.

    Raises:
        UserError: the model cannot be loaded.
    """
    if params.desc_act:
        say(
            "quantize.desc_act: true, the winners' setting: vLLM does not load this checkpoint; "
            "engine.name=transformers does"
        )
    prepare()
    import torch
    from gptqmodel.quantization.config import GPTQConfig

    config = GPTQConfig(
        bits=params.bits,
        group_size=params.group_size,
        desc_act=params.desc_act,
        act_group_aware=params.act_group_aware and not params.desc_act,
        damp_percent=DAMP,
    )
    write_checkpoint(model, rows, out, config, torch.float32)
