"""Changes to library modules that a session makes when they are imported, and not before."""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from numina.sandbox.jail import loops, processes, seeds

Change = Callable[[Any], object]


def replace_queues(module: Any) -> None:
    module.SimpleQueue = module._PySimpleQueue  # the other waits by the kernel's locks


def replace_pools(module: Any) -> None:
    module.Pool, module.ThreadPool = processes.Pool, processes.ThreadPool
    module.AsyncResult = module.ApplyResult = processes.AsyncResult


def replace_executors(module: Any) -> None:
    module.ProcessPoolExecutor = processes.ProcessPoolExecutor


def replace_heaps(module: Any) -> None:
    module.Arena._dir_candidates = []  # shared values lie in the session's folder


CHANGES: dict[str, Change] = {
    "queue": replace_queues,
    "selectors": loops.replace_selectors,
    "asyncio.selector_events": loops.replace_loops,
    "multiprocessing.context": processes.replace_contexts,
    "multiprocessing.heap": replace_heaps,
    "multiprocessing.pool": replace_pools,
    "concurrent.futures.process": replace_executors,
    **seeds.SEEDS,
}


class ChangesOnImport:
    """A finder that has the others find a module, and changes it once it has been executed."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in CHANGES:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next((s for f in others if (s := f.find_spec(name, path, target))), None)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                CHANGES[name](module)

            loader.exec_module = exec_module
        return spec


def adapt_imports() -> None:
    """Change what is imported from here on, and what has been."""
    for name, change in CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])
    sys.meta_path.insert(0, ChangesOnImport())  # pyright: ignore[reportArgumentType]
