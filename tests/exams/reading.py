"""What the tests of exams share."""

import tempfile
from typing import Any

from numina.exams.kept import KeptPages
from numina.exams.pages import Reader
from tests.conftest import changed_params


def reader_of(cache: str = "", url: str = "", timeout_s: float = 20.0, **knobs: Any) -> Reader:
    """How pages are read, with some knobs of `digitize` changed; nothing is kept by default."""
    changes = {f"digitize.{name}": value for name, value in knobs.items()}
    server = {"hardware.vision.url": url, "hardware.vision.timeout_s": timeout_s}
    params = changed_params({**changes, **server})
    return Reader(params.digitize, params.hardware.vision, KeptPages(cache or tempfile.mkdtemp()))
