"""What DeepSpeed compiles for training on processors, built once, in a folder of our own.

PyTorch's own lock there is a plain file: a build that is killed leaves it, and whoever comes next
waits for ever. So a build has a time limit, and a lock that nobody can hold is removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from numina import terminal
from numina.errors import UserError
from numina.machine import processor
from numina.resume import kept

NAME = "deepspeed_shm_comm"
BUILD = (
    "from deepspeed.accelerator import get_accelerator as g;"
    "g().create_op_builder('ShareMemCommBuilder').load()"
)
BUILD_S = 900  # it takes some 100 s of a core


@contextmanager
def extension(cache: str, on_cards: bool) -> Iterator[dict[str, str]]:
    """The environment in which DeepSpeed trains, with what it needs in place.

    Args:
        cache: the knob hardware.cache.
        on_cards: nothing is compiled then, as the optimiser is PyTorch's.

    Raises:
        UserError: it cannot be built.
    """
    if on_cards:
        yield {}
        return
    folder = kept("extensions", cache) / key()
    folder.mkdir(parents=True, exist_ok=True)
    environment = {"DS_ACCELERATOR": "cpu", "TORCH_EXTENSIONS_DIR": str(folder)}
    with (folder / "in use").open("a") as users:
        # Alone with it, one may repair it; then it is shared with whoever trains meanwhile.
        fcntl.flock(users, fcntl.LOCK_EX if not (folder / "built").exists() else fcntl.LOCK_SH)
        if not (folder / "built").exists():
            build(folder, {**os.environ, **environment})
        elif alone(users.fileno()):
            (folder / NAME / "lock").unlink(missing_ok=True)
        fcntl.flock(users, fcntl.LOCK_SH)
        yield environment


def alone(descriptor: int) -> bool:
    """Whether no other process uses a file that is locked; then it is locked for us alone."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return False
    return True


def key() -> str:
    """What a build is for: the versions, and the processor, whose own instructions it uses."""
    versions = [f"{name}-{metadata.version(name)}" for name in ("torch", "deepspeed")]
    machine = hashlib.sha256(f"{sys.version}{processor()}".encode()).hexdigest()[:8]
    return "-".join([*versions, machine])


def build(folder: Path, environment: dict[str, str]) -> None:
    """Compile anew, in a process that is killed where it takes too long.

    Raises:
        UserError: there is no compiler, it failed, or it took too long.
    """
    if shutil.which(environment.get("CXX", "g++")) is None:
        raise UserError(
            "hardware.processes: training in several processes without cards needs a C++ compiler "
            "(g++), which is not installed"
        )
    shutil.rmtree(folder / NAME, ignore_errors=True)
    terminal.say("compiling what DeepSpeed needs to train on processors, once")
    done = subprocess.Popen(
        [sys.executable, "-c", BUILD],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = done.communicate(timeout=BUILD_S)
    except BaseException as error:
        os.killpg(done.pid, signal.SIGKILL)
        done.wait()
        shutil.rmtree(folder / NAME, ignore_errors=True)
        if isinstance(error, subprocess.TimeoutExpired):
            raise UserError(f"{folder}: not compiled within {BUILD_S} s") from None
        raise
    if done.returncode:
        shutil.rmtree(folder / NAME, ignore_errors=True)
        raise UserError(f"{folder}: cannot be compiled:\n{said[-2000:]}")
    (folder / "built").touch()
