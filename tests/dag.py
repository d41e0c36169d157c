"""What the DAG's tests and its maintainer share: the import closure of a stage.

python -m tests.dag          prints the deps that each stage's modules call for
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
# Checks the knobs, whose values DVC compares itself; a new knob must not retrain a model.
NOT_A_DEP = "numina/settings.py"


def module_file(name: str) -> str | None:
    """The repository's file for a dotted module name; None for others and for packages."""
    path = Path(*name.split(".")).with_suffix(".py")
    return str(path) if (ROOT / path).exists() else None


def imported(file: str) -> set[str]:
    """The repository's modules that a file imports, anywhere in it, or starts by their names."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            names = [node.value] if node.value.replace(".", "").isidentifier() else []
        else:
            continue
        found |= {path for name in names if (path := module_file(name))}
    return found


def closure(file: str) -> set[str]:
    """A file and every module of the repository that it reaches."""
    reached: set[str] = set()
    waiting = {file}
    while waiting:
        current = waiting.pop()
        reached.add(current)
        waiting |= imported(current) - reached
    return reached - {NOT_A_DEP}


def stages() -> dict[str, dict[str, Any]]:
    """The stages of dvc.yaml."""
    return yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def stage_module(stage: dict[str, Any]) -> str:
    """The file of the module that a stage runs."""
    words = stage["cmd"].split()
    return words[words.index("-m") + 1].replace(".", "/") + ".py"


if __name__ == "__main__":
    for name, stage in stages().items():
        print(name, *sorted(closure(stage_module(stage))), sep="\n      - ")
