"""Load a tokenizer so that it splits a text as its tokenizer.json says.

transformers 5 builds a tokenizer that tokenizer_config.json calls Llama's anew, as SentencePiece,
whatever tokenizer.json says. DeepSeekMath's is a byte-level BPE under that name, as are those that the
winners published: it loses every space (https://github.com/huggingface/transformers/issues/48206).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numina.rows import read_object
from numina.terminal import say

PROBE = "Let $x_1 = 12$ and\n\n  print(x ** 2)  # naïve\n```output\n144\n```\nSo it is $\\boxed{144}$."


def load_faithful_tokenizer(folder: Path) -> Any:
    """A folder's tokenizer; once it is saved (`save_pretrained`), it loads right everywhere."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not (folder / "tokenizer.json").exists() or splits_as_stated(tokenizer, folder):
        return tokenizer
    say(f"{folder}: tokenizer.json is not a {type(tokenizer).__name__}, so it is read as it stands")
    stated: Any = PreTrainedTokenizerFast.from_pretrained(folder)
    config = read_object(folder / "tokenizer_config.json")
    for side in ("add_bos_token", "add_eos_token"):
        if isinstance(config.get(side), bool):
            setattr(stated, side, config[side])
    return stated


def splits_as_stated(tokenizer: Any, folder: Path) -> bool:
    """Whether a tokenizer splits a text as the folder's tokenizer.json does."""
    from tokenizers import Tokenizer

    stated = Tokenizer.from_file(str(folder / "tokenizer.json"))
    expected = stated.encode(PROBE, add_special_tokens=False).ids
    return tokenizer.encode(PROBE, add_special_tokens=False) == expected
