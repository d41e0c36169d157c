"""Ctrl-C while a model is loaded."""

import asyncio
import os
import signal
import threading
import time

import pytest

from numina.engine.interrupt import interruptible


def interrupted(ignored: bool = False) -> bool:
    """Whether Ctrl-C ends a call that blocks the event loop before it returns."""
    returned = []

    async def go() -> None:
        with interruptible():
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            for _ in range(20 if ignored else 300):
                time.sleep(0.1)
        returned.append(True)

    asyncio.run(go())
    return not returned


def test_ctrl_c_ends_what_blocks_the_event_loop():
    # A shell starts what runs in the background with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_ctrl_c_is_ignored_it_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert not interrupted(ignored=True)
    finally:
        signal.signal(signal.SIGINT, before)
