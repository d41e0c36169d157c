"""What is on this machine: versions, engines, accelerators, isolation layers."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from numina.machine import accelerators, machine, versions


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
