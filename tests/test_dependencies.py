"""Whatever is imported is declared."""

import ast
import re
import sys
import tomllib

from tests.conftest import ROOT

# The package that an import comes from, where its name is another.
PACKAGES = {
    "yaml": "pyyaml",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "hydra": "hydra-core",
    "lingua": "lingua-language-detector",
    "logbar": "logbar",
    "_typeshed": "basedpyright",
}


def imports() -> dict[str, str]:
    """The top-level packages that numina and its stages import, each with a file that does."""
    found: dict[str, str] = {}
    for file in [*ROOT.glob("numina/**/*.py"), *ROOT.glob("stages/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            else:
                continue
            found |= {name.split(".")[0]: str(file.relative_to(ROOT)) for name in names}
    return found


def test_every_import_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    declared = {
        re.split(r"[=<>!\[ ;]", line)[0].lower().replace("_", "-")
        for line in [*project["dependencies"], *extras]
    }
    ours = {"numina", "stages", "vllm"}  # vllm: an engine that users install; doctor says how
    undeclared = {
        name: file
        for name, file in imports().items()
        if name not in sys.stdlib_module_names
        and name not in ours
        and PACKAGES.get(name, name).lower().replace("_", "-") not in declared
    }
    assert undeclared == {}
