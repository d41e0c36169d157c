"""Buy the answers of a model: each one once, within a budget and limits, and keep them.

A request passes through these layers: answers on disk (`kept`), the budget (`budget`), limits a
minute (`limits`), a choice of server with pauses, Retry-After and retries
(`numina.engine.balance`), and one server with a time limit for a whole reply
(`numina.engine.remote`). No request is sent to two servers, as both answers would be paid for.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.engine.balance import Balancer
from numina.engine.failure import ServerFailed
from numina.engine.protocol import Sampling
from numina.engine.remote import OPTIONAL, Prompt, Remote, body_of
from numina.errors import UserError
from numina.progress import progress_bar
from numina.resume import cache_folder
from numina.settings.hardware import Hardware, TeacherHardware
from numina.teacher.answer import check_answer, usage_of
from numina.teacher.budget import Budget
from numina.teacher.kept import Kept, Paid
from numina.teacher.limits import Limits

KNOB = "hardware.teacher.urls"
CANARY = Sampling(temperature=0, top_p=1, max_new_tokens=16, stop=(), seed=0)
# A model that reasons before it writes takes no stop strings: its text is then cut here.
OPTIONAL_HERE = OPTIONAL | {"stop": ()}


@dataclass(slots=True, eq=False)
class Purchase:
    """A request that is being paid for.

    Attributes:
        prompt: of a completion, or the messages of a chat.
        sampling: how to decode.
        most: what it may cost.
        key: the name of the answer; "" for a canary, whose answer is not kept.
        in_flight: whether it is at a server now.
    """

    prompt: Prompt
    sampling: Sampling
    most: Paid
    key: str = ""
    in_flight: bool = False


class Buyer:
    """Buys answers of one model. Use it as an async context manager.

    Args:
        model: its name at the servers.
        canary: a prompt that any working server can answer at once.
        hardware: where it is, what it may cost, and where answers are kept.

    Raises:
        UserError: on entering, no server is named, or the folder of kept answers cannot be used.
    """

    def __init__(self, model: str, canary: Prompt, hardware: Hardware) -> None:
        self.model = model
        self.canary = Purchase(canary, CANARY, Paid(1, 0, CANARY.max_new_tokens))
        self.hardware: TeacherHardware = hardware.teacher
        self.folder: Path = cache_folder(hardware.cache) / "answers"
        self.buying: dict[str, tuple[asyncio.Task[dict[str, Any]], Purchase]] = {}
        self.closing = False

    async def __aenter__(self) -> Buyer:
        given = self.hardware
        if not given.urls:
            raise UserError(f"{KNOB}: names no server, such as http://localhost:8000/v1")
        secret = os.environ.get(given.key_variable, "") if given.key_variable else ""
        async with AsyncExitStack() as opened:
            self.kept = Kept(self.folder)
            opened.callback(self.kept.close)
            remotes = []
            for url in given.urls:
                remotes.append(Remote(url, secret, self.model, given.timeout_s, OPTIONAL_HERE))
                opened.push_async_callback(remotes[-1].close)
            self.balancer = Balancer(
                remotes,
                given.at_once,
                given,
                lambda remote: self.send(remote, self.canary),
                KNOB,
                first=1,  # until it is known which parameters a server refuses
            )
            self.budget = Budget(given, lambda: self.kept.paid(self.model))
            self.limits = Limits(given.requests_a_minute, given.tokens_a_minute)
            self.bar = opened.enter_context(progress_bar(None, "answers"))
            self.opened = opened.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let requests in flight end, as they are paid for; give those up that are not sent."""
        self.closing = True
        tasks = [task for task, _ in self.buying.values()]
        for task, purchase in self.buying.values():
            if not purchase.in_flight:
                task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await self.opened.aclose()

    async def reply(self, prompt: Prompt, sampling: Sampling, most: Paid, key: str) -> Any:
        """A kept reply, or one that is bought now.

        It is bought once, also if several ask for it, or the one who asks gives up.

        Args:
            prompt: of a completion, or the messages of a chat.
            sampling: how to decode.
            most: what it may cost.
            key: the name of the reply.

        Raises:
            CompletionFailed: this request cannot be answered, but others can.
            UserError: no request can be answered, or the budget is spent.
        """
        kept = self.kept.get(key)
        if kept is not None:
            return kept
        if key not in self.buying:
            purchase = Purchase(prompt, sampling, most, key)
            task = asyncio.create_task(self.buy(purchase))
            self.buying[key] = task, purchase
            task.add_done_callback(lambda _: self.buying.pop(key))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self.buying[key][0])

    async def buy(self, purchase: Purchase) -> dict[str, Any]:
        async with self.balancer.places:
            await self.budget.room(purchase.most)
            with self.budget.holding(purchase.most):
                return await self.balancer.do(lambda remote: self.send(remote, purchase))

    async def send(self, remote: Remote, purchase: Purchase) -> dict[str, Any]:
        """Send a request to one server, and keep the answer.

        Raises:
            ServerFailed: its reply is not an answer.
            UserError: the run ends.
        """

        async def before() -> None:
            if purchase.key:  # a canary does not wait: it is to say whether the server works now
                await self.limits.admit(purchase.most.tokens)
            if self.closing:
                raise UserError(f"{KNOB}: no longer asked, as the run ends")
            purchase.in_flight = True

        try:
            body = body_of(purchase.prompt, purchase.sampling, seeds=False)
            reply = await remote.complete(body, before)
        finally:
            purchase.in_flight = False
        # From here to the end nothing is awaited, so that no answer is lost on the way.
        return self.received(remote.url, reply, purchase)

    def received(self, where: str, reply: dict[str, Any], purchase: Purchase) -> dict[str, Any]:
        """Keep an answer, and note what was paid for it.

        Raises:
            ServerFailed: it is not an answer, whether or not it was paid for.
        """
        paid = Paid(1, *usage_of(reply))
        if purchase.key:
            self.limits.give_back(purchase.most.tokens - paid.tokens)
        try:
            check_answer(where, reply)
        except ServerFailed:
            if paid.tokens:
                self.kept.put("", reply, self.model, paid)
            raise
        paid = paid if paid.tokens else purchase.most  # the server does not say
        self.kept.put(purchase.key, reply, self.model, paid)
        self.bar.set_postfix_str(self.budget.line(), refresh=False)
        self.bar.update()
        return reply
