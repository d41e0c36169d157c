"""Load a whole model from a folder or the hub, and say in one line why one cannot be loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numina.errors import UserError


@contextmanager
def readable(what: str, key: str = "") -> Iterator[None]:
    """Turn any failure to load a model into a `UserError` that names it and the reason.

    Args:
        what: the model, as the message names it.
        key: the knob that names it, if one does.

    Any: each kind of file has a parser of its own, and each fails on broken content in its own way
    (safetensors by SafetensorError, tokenizers by KeyError, gguf by struct.error, ...).
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        where = f"{key}: " if key else ""
        raise UserError(f"{where}cannot load {what}: {type(error).__name__}: {reason}") from error


def load_whole(name: str, **options: Any) -> Any:
    """Load a model, all of whose weights must be there; transformers would draw those that are not.

    Raises:
        ValueError: some are missing, with their number and the first of them.
    """
    from transformers import AutoModelForCausalLM

    loaded: Any = AutoModelForCausalLM.from_pretrained(name, output_loading_info=True, **options)
    network, found = loaded
    if missing := sorted(found["missing_keys"]):
        raise ValueError(f"{len(missing)} weights are missing, such as {missing[0]}")
    return network
