"""What is on this machine: versions, engines, accelerators, isolation layers."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

from numina.machine import accelerators, machine, versions
from numina.settings import load


def isolation() -> dict[str, bool]:
    """Which of the sandbox's layers this machine gives, seen on a session."""
    from numina.sandbox.pool import Pool

    async def layers() -> dict[str, bool]:
        params = load().sandbox.model_copy(update={"allow_unisolated": True})
        async with Pool(params) as pool:
            return pool.layers

    return asyncio.run(layers())


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
