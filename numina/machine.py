"""The machine that a run was measured on, and the versions that it has."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

# The processor cores that this process may use: the one count of them.
CORES = len(psutil.Process().cpu_affinity()) if psutil.LINUX else os.cpu_count() or 1

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


def machine() -> dict[str, Any]:
    """The processor, the cores this process may use, the memory, and the accelerators."""
    return {
        "processor": processor(),
        "cores": CORES,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "accelerators": accelerators(),
        "python": platform.python_version(),
    }


def processor() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def accelerators() -> list[str]:
    """The names of NVIDIA cards, as their driver tells them; without importing torch."""
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


def versions() -> dict[str, str | None]:
    """Installed versions, None for a package that is missing."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found
