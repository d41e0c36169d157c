"""Run a stage with the parameters of one of an experiment's variants.

    python -m experiments.variant steps padded stages.sft --section sft_tir ...

The stage reads params.yaml with experiments/steps/params.yaml over it, and over both
experiments/steps/variants/padded.yaml.
"""

import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from numina import entry, overlay
from numina.errors import UserError
from numina.settings.params import document

USAGE = "usage: python -m experiments.variant NAME VARIANT MODULE ARGUMENTS..."


def main() -> None:
    if len(sys.argv) < 4:
        entry.leave(USAGE, 2)
    name, variant, module, *arguments = sys.argv[1:]
    try:
        changes = merged(Path("experiments", name), variant)
    except UserError as error:
        entry.leave(f"error: {error}", 1)
    with tempfile.TemporaryDirectory(prefix="numina-variant-") as scratch:
        # The folder has the experiment's name, as that of the file that it stands for.
        file = Path(scratch, name, f"{variant}.yaml")
        file.parent.mkdir()
        file.write_text(yaml.safe_dump(changes, sort_keys=False), encoding="utf-8")
        os.environ[overlay.VARIABLE] = str(file)
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def merged(folder: Path, variant: str) -> dict[str, Any]:
    """The changes of an experiment with those of a variant over them.

    Raises:
        UserError: a file is missing, not YAML, or not a mapping.
    """
    below, above = mapping(folder / "params.yaml"), mapping(folder / "variants" / f"{variant}.yaml")
    return overlay.overlaid(below, above)


def mapping(file: Path) -> dict[str, Any]:
    """The sections of a file of changes; an empty file has none.

    Raises:
        UserError: it is missing, not YAML, or holds something else.
    """
    found = document(file) or {}
    if not isinstance(found, dict):
        raise UserError(f"{file}: is not a mapping of sections")
    return found


if __name__ == "__main__":
    main()
