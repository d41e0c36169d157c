"""Load a whole model from a folder or the hub, and report in one line why it cannot be loaded."""

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
        key: the setting that names it, if any.

    It catches every Exception because the parser of each kind of file raises its own on broken
    content (safetensors SafetensorError, tokenizers KeyError, gguf struct.error, ...).
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
    """Load a model and refuse missing weights, which transformers would initialise at random.

    Raises:
        ValueError: some are missing, with their number and the first one.
    """
    from transformers import AutoModelForCausalLM

    loaded: Any = AutoModelForCausalLM.from_pretrained(name, output_loading_info=True, **options)
    network, found = loaded
    if missing := sorted(found["missing_keys"]):
        raise ValueError(f"{len(missing)} weights are missing, such as {missing[0]}")
    return network
