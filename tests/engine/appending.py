"""A model whose tokenizer appends its end token to each text."""

import shutil
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing


def appending(model: Path, out: Path) -> Path:
    """A copy of a model's folder with such a tokenizer."""
    shutil.copytree(model, out)
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    end = tokenizer.token_to_id("<|end|>")
    tokenizer.post_processor = TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
        single="$A <|end|>", special_tokens=[("<|end|>", end)]
    )
    tokenizer.save(str(out / "tokenizer.json"))
    return out
