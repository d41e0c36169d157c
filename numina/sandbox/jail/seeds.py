"""Random numbers: a session draws the same in every run, and another than one of another seed."""

from __future__ import annotations

import random
import sys
from typing import Any

seed = 0


def seed_random() -> None:
    random.seed(seed)


def seed_numpy(module: Any) -> None:
    """Seed the generator behind the functions of the module `numpy.random`."""
    module.seed(seed % 2**32)


def seed_sympy(module: Any) -> None:
    """Seed the generator of the module `sympy.core.random`."""
    module.seed(seed)


SEEDS = {"numpy.random": seed_numpy, "sympy.core.random": seed_sympy}


def seed_generators(number: int) -> None:
    """Seed those that are imported; `numina.sandbox.jail.adapt` does it to what comes later."""
    global seed
    seed = number
    seed_random()
    for name, seed_module in SEEDS.items():
        if name in sys.modules:
            seed_module(sys.modules[name])
