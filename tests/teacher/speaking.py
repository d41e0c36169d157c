"""What the tests of the teacher share: replies of chats, and engines with folders of their own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numina.settings import Params
from tests.conftest import changed_params
from tests.engine.misbehaving import Asked, Reply, Told, completion, serving

PROGRAM = "I run it.\n```python\nprint(6 * 7)\n```"
OPENED = PROGRAM + "\n```output\n"  # as the agent keeps it
END = "So it is $\\boxed{42}$."


def chat(content: Any = "4", reason: Any = "stop", tokens: int = 2, **choice: Any) -> Reply:
    """A good reply of a chat, with some of its parts changed."""
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 3, "completion_tokens": tokens}
    choices = [{"message": message, "finish_reason": reason} | choice]
    return Reply({"choices": choices, "usage": usage})


def solving(asked: Asked) -> Reply:
    """A teacher that runs one program and then answers, as a chat or as completions."""
    if "messages" in asked.body:
        return chat(PROGRAM if len(asked.body["messages"]) == 1 else END)
    text = END if "```output\n42\n```" in asked.body["prompt"] else PROGRAM
    return Reply(completion(text=text, stop_reason="absent"))


def teacher_params(urls: list[str], cache: Path, **changes: Any) -> Params:
    """Settings of a teacher at some URLs; `kind="completions"`, `budget=3`, `depth=2`, ..."""
    hardware = {"urls": list(urls), "timeout_s": 20, "patience_s": 3, "at_once": 8} | {
        key: value for key, value in changes.items() if key in HARDWARE
    }
    asked = {"model": "m"} | {key: value for key, value in changes.items() if key not in HARDWARE}
    given = {f"hardware.teacher.{key}": value for key, value in hardware.items()}
    given |= {f"teacher.{key}": value for key, value in asked.items()}
    return changed_params(given | {"hardware.cache": str(cache), "sandbox.timeout_s": 2.0})


HARDWARE = set(changed_params().hardware.teacher.model_dump())


@contextlib.contextmanager
def serving_beside(told: Told) -> Iterator[str]:
    """The base URL of a server in a thread of its own, for callers that are not asynchronous."""
    started: list[str] = []
    ready, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with serving(told) as urls:
            started.extend(urls)
            ready.set()
            await done.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait(20)
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(20)
        loop.close()
