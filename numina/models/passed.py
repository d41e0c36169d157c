"""Pass a model on as it is: published models, which the recipe evaluates without training them."""

from __future__ import annotations

import shutil
from pathlib import Path

from numina.models.folder import check_model_folder


def pass_on(model: Path, out: Path) -> None:
    """Copy a model's folder, whole or not at all; hidden files and folders stay behind.

    Raises:
        UserError: the folder has no complete model.
    """
    check_model_folder(model)
    temporary = out.with_name(out.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for file in sorted(model.iterdir()):
        if file.is_file() and not file.name.startswith("."):
            shutil.copyfile(file, temporary / file.name)
    shutil.rmtree(out, ignore_errors=True)
    temporary.rename(out)
