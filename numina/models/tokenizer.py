"""Load a tokenizer so that it splits a text as its tokenizer.json says.

transformers 5 builds a tokenizer that tokenizer_config.json calls Llama's anew, as SentencePiece,
whatever tokenizer.json says. DeepSeekMath's is a byte-level BPE under that name: it then loses
every space (https://github.com/huggingface/transformers/issues/48206).

Tokenizers are loaded with `local_files_only`, here and elsewhere: transformers saves that word in
tokenizer_config.json, so without it the file would depend on HF_HUB_OFFLINE.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numina.models.folder import json_object
from numina.terminal import say

PROBE = (
    "Let $x_1 = 12$ and\n\n  print(x ** 2)  # naïve\n```output\n144\n```\nSo it is $\\boxed{144}$."
)


def load_faithful_tokenizer(folder: Path) -> Any:
    """A folder's tokenizer; once it is saved (`save_pretrained`), it loads right everywhere."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if not (folder / "tokenizer.json").exists():
        return tokenizer
    stated: Any = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    if split(tokenizer) == split(stated):
        return tokenizer
    say(f"{folder}: tokenizer.json is not a {type(tokenizer).__name__}, so it is read as it stands")
    config = json_object(folder / "tokenizer_config.json")
    for side in ("add_bos_token", "add_eos_token"):
        if isinstance(config.get(side), bool):
            setattr(stated, side, config[side])
    return stated


def split(tokenizer: Any) -> list[int]:
    """The tokens of a text with spaces, lines, digits and letters of several kinds."""
    return list(tokenizer.encode(PROBE, add_special_tokens=False))
