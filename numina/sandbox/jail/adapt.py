"""Changes that a session makes to library modules when they are imported."""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from numina.sandbox.jail import (
    listeners,
    locks,
    loops,
    pools,
    processes,
    seeds,
    semaphores,
    sharing,
)

Change = Callable[[Any], object]


def replace_queues(module: Any) -> None:
    module.SimpleQueue = module._PySimpleQueue  # the default one waits on kernel locks


def replace_pools(module: Any) -> None:
    module.Pool, module.ThreadPool = pools.Pool, pools.ThreadPool
    module.AsyncResult = module.ApplyResult = pools.AsyncResult


def replace_executors(module: Any) -> None:
    module.ProcessPoolExecutor = pools.ProcessPoolExecutor


def replace_heaps(module: Any) -> None:
    module.Arena._dir_candidates = []  # keep shared values in the session's folder


CHANGES: dict[str, Change] = {
    "_sqlite3": locks.let_sqlite_lock,
    "dbm.dumb": locks.let_dumb_databases_be,
    "fcntl": locks.replace_locks,
    "queue": replace_queues,
    "selectors": loops.replace_selectors,
    "asyncio.selector_events": loops.replace_loops,
    "asyncio.unix_events": loops.replace_signals,
    "multiprocessing.connection": listeners.replace_connections,
    "multiprocessing.context": processes.replace_contexts,
    "multiprocessing.heap": replace_heaps,
    "multiprocessing.pool": replace_pools,
    "multiprocessing.resource_tracker": semaphores.replace_tracker,
    "multiprocessing.shared_memory": sharing.replace_shared_memory,
    "multiprocessing.synchronize": semaphores.replace_semaphores,
    "concurrent.futures.process": replace_executors,
    **seeds.SEEDS,
}


class ChangesOnImport:
    """A finder that lets the others find a module, and changes it after it has been executed."""

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
    """Change modules that are imported later, and those that already are."""
    for name, change in CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])
    sys.meta_path.insert(0, ChangesOnImport())  # pyright: ignore[reportArgumentType]
