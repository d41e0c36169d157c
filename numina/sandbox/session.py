"""One session as its caller sees it: the clock, what is printed, and what each block replies."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from numina.sandbox.clock import Clock
from numina.sandbox.output import Output
from numina.sandbox.process import Process
from numina.sandbox.result import Result, failure, lost_result, read_reply
from numina.settings.decoding import Sandbox


class Session:
    """One trace's interpreter; its process starts with its first block.

    Args:
        params: the limits.
        slots: how many blocks may run at once.
        take: a process for a session that begins with some code; None where none will start.
        seed: of the random numbers that it draws.
    """

    def __init__(
        self,
        params: Sandbox,
        slots: asyncio.Semaphore,
        take: Callable[[str], Awaitable[Process | None]],
        seed: int,
    ) -> None:
        self.seed = seed
        self.params, self.slots, self.take = params, slots, take
        self.process: Process | None = None
        self.turn = asyncio.Lock()  # two blocks at once would print into each other's results

    async def run(self, code: str | bytes) -> Result:
        """Run a block; never raises for what the block is or does."""
        if isinstance(code, bytes):
            try:
                code = code.decode()
            except UnicodeDecodeError as error:
                return failure("error", "UnicodeDecodeError", str(error))
        async with self.turn, self.slots:
            if self.params.stateless:
                self.close()
            if self.process is not None:
                return await self._run(self.process, code)
            for _ in range(3):
                self.process = process = await self.take(code)
                if process is None:
                    break
                result = await self._run(process, code)
                # No program can end the zygote: where it has, this session died of that alone.
                if result.status != "killed" or not process.control.is_gone():
                    return result
            return failure("killed", "SandboxError", "no process could be started")

    async def _run(self, process: Process, code: str) -> Result:
        loop = asyncio.get_running_loop()
        params, token = self.params, secrets.token_hex(8)
        printed = process.printed = Output(params.output_mb * 2**20)
        if process.lost:
            self.close()
            return failure("memory", "MemoryError", process.lost)
        started = loop.time()
        process.resume()
        try:
            async with asyncio.timeout(None) as wait:
                clock = Clock(process.pid, params.timeout_s, wait)
                try:
                    request = {"code": code, "token": token, "seed": self.seed}
                    reply = await process.ask(request)
                finally:
                    clock.stop()
        except TimeoutError:
            reply = {"status": "timeout"}
        except OSError:
            reply = None
        wall = loop.time() - started
        process.pause()
        if not process.closed:
            printed.drain(process.output)
        result = read_reply(reply, token, printed, wall)
        if result is None or printed.overflowed or not process.replies.empty():
            status = "output" if printed.overflowed else str((reply or {}).get("status"))
            ended = await process.end()
            if not process.closed:
                printed.drain(process.output)
            result = lost_result(
                status, printed, wall, params, ended, process.told_cpu_s, process.lost
            )
            self.close()
        process.told_cpu_s += result.cpu_s
        return result

    def close(self) -> None:
        """Kill the session and all that belongs to it."""
        if self.process is not None:
            self.process.kill()
            self.process = None
