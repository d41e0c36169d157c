"""What the DAG's tests and its maintainer share: the import closure of a stage.

python -m tests.dag          prints the modules that each stage's deps must cover
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
# Nothing in these can change an out, so no stage depends on them: the knobs, whose values DVC
# compares itself, commands, what only watches, checks, names or reports, and where a path leads.
NEVER_A_DEP = (
    *("numina/settings/", "numina/cli/", "numina/monitor/", "numina/estimate/"),
    *("numina/entry.py", "numina/errors.py", "numina/machine.py", "numina/profile.py"),
    *("numina/local.py", "numina/progress.py", "numina/resume.py", "numina/terminal.py"),
    *("numina/stage_times.py", "numina/overlay.py"),
    *("numina/models/folder.py", "numina/hub/failure.py"),
)


def module_file(name: str) -> str | None:
    """The repository's file for a dotted module name, of a package one that holds something; None
    for others."""
    path = Path(*name.split(".")).with_suffix(".py")
    package = path.with_suffix("") / "__init__.py"
    if (ROOT / package).exists() and (ROOT / package).stat().st_size:
        return str(package)
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
    """A file and every module of the repository that it reaches, less those that never are deps."""
    reached: set[str] = set()
    waiting = {file}
    while waiting:
        current = waiting.pop()
        reached.add(current)
        waiting |= {path for path in imported(current) if not path.startswith(NEVER_A_DEP)}
        waiting -= reached
    return reached


def stages() -> dict[str, dict[str, Any]]:
    """The stages of dvc.yaml by name; one of a `foreach` is its pattern."""
    document = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    return {name: stage.get("do", stage) for name, stage in document["stages"].items()}


def stage_module(stage: dict[str, Any]) -> str:
    """The file of the module that a stage runs."""
    words = stage["cmd"].split()
    return words[words.index("-m") + 1].replace(".", "/") + ".py"


def code_deps(stage: dict[str, Any]) -> list[str]:
    """The deps of a stage that are code."""
    return [dep for dep in stage["deps"] if dep.startswith(("numina/", "stages/"))]


def sections_loaded(stage: dict[str, Any]) -> set[str]:
    """The sections of params.yaml that a stage asks for; `section` stands for its `--section`."""
    words = stage["cmd"].split()
    file = stage_module(stage)
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tuples = {
        ast.unparse(node.targets[0]): node.value.elts
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "settings.load":
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    found.add(argument.value)
                elif isinstance(argument, ast.Starred):
                    found |= {ast.literal_eval(e) for e in tuples[ast.unparse(argument.value)]}
                else:
                    found.add(words[words.index("--section") + 1])
    return found - {"hardware"}


if __name__ == "__main__":
    for name, stage in stages().items():
        print(name, *sorted(closure(stage_module(stage))), sep="\n      - ")
