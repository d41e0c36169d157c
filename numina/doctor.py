"""What is on this machine: versions, engines, accelerators, isolation layers."""

from __future__ import annotations

import importlib.util
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from numina.machine import accelerators, machine

PACKAGES = (
    "torch",
    "transformers",
    "trl",
    "accelerate",
    "datasets",
    "gptqmodel",
    "dvc",
    "sympy",
    "numpy",
    "vllm",
    "deepspeed",
)


def versions() -> dict[str, str | None]:
    """Installed versions, None for a package that is missing."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def isolation() -> dict[str, bool]:
    """Which of the sandbox's layers this machine gives."""
    from numina.sandbox.pool import can_unshare

    linux = sys.platform == "linux"
    return {
        "resource_limits": True,
        "own_process_group": True,
        "death_with_parent": linux,
        "user_namespace": can_unshare(),
        "network_namespace": can_unshare(),
    }


def examine() -> dict[str, Any]:
    """Everything that `numina doctor` shows."""
    return {
        "machine": machine(),
        "accelerators": accelerators(),
        "engines": {"transformers": importlib.util.find_spec("transformers") is not None},
        "isolation": isolation(),
        "versions": versions(),
        "models": {
            name: (Path("models") / name / "config.json").exists()
            for name in ("base", "cot", "tir", "gptq")
        },
    }
