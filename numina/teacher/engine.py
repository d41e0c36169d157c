"""A model on OpenAI-compatible servers as a teacher: plain questions, and samples for an agent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import TracebackType

from numina.engine.protocol import Completion, CompletionFailed, Sampling, refuse_too_long
from numina.engine.remote import Prompt
from numina.settings.hardware import Hardware
from numina.settings.teacher import TeacherParams
from numina.teacher.answer import read_answer
from numina.teacher.buyer import Buyer
from numina.teacher.kept import Paid, key_of
from numina.teacher.prompt import conversation

MOST_STOPS = 4  # that OpenAI's API takes
CANARY = "1 + 1 ="


class TeacherEngine:
    """A teacher's model. Use it as an async context manager.

    Args:
        params: the model, and the form in which it is asked.
        hardware: where it is, what it may cost, and where its answers are kept.

    Raises:
        UserError: on entering, the folder of kept answers cannot be used.
    """

    def __init__(self, params: TeacherParams, hardware: Hardware) -> None:
        self.params = params
        self.buyer = Buyer(params.model, self.asked(CANARY), hardware)

    async def __aenter__(self) -> TeacherEngine:
        await self.buyer.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.buyer.__aexit__(kind, error, trace)

    def count_tokens(self, text: str) -> int:
        """An estimate, rather too high: the tokenizer of a model on a server is not known."""
        return -(-len(text.encode(errors="surrogatepass")) // 3)

    def asked(self, text: str, solution: str = "") -> Prompt:
        """A prompt and the solution so far, in the form that the model is asked in."""
        return conversation(text, solution) if self.params.kind == "chat" else text + solution

    async def ask(self, prompt: str, sample: int = 0, temperature: float = 0.0) -> str:
        """The answer to a plain prompt.

        Args:
            prompt: what a user says; with kind completions, a text to continue.
            sample: which answer to the same prompt, from 0; the same one is asked for once.
            temperature: 0 for greedy decoding.

        Raises:
            CompletionFailed: it cannot be answered, or the answer is longer than max_new_tokens.
            UserError: no prompt can be answered, or the budget is spent.
        """
        sampling = Sampling(temperature, self.params.top_p, self.params.max_new_tokens, (), 0)
        answer = await self.answer(prompt, "", sampling, sample)
        if answer.finish == "length":
            raise CompletionFailed(
                f"{self.params.model}: the answer is longer than {sampling.max_new_tokens} tokens"
            )
        return answer.text

    async def answer(
        self, prompt: str, solution: str, sampling: Sampling, sample: int
    ) -> Completion:
        """A kept answer, or one that is bought now.

        Args:
            prompt: what is asked.
            solution: the model's own text so far, with the outputs of its programs.
            sampling: how to decode; its seed is not used.
            sample: which answer to the same text and sampling.

        Raises:
            CompletionFailed: this text cannot be continued, but others may be.
            UserError: no text can be continued, or the budget is spent.
        """
        whole = prompt + solution
        refuse_too_long(whole, self.params.max_context)
        asked = self.asked(prompt, solution)
        key = key_of(
            model=self.params.model,
            kind=self.params.kind,
            prompt=asked,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_new_tokens=sampling.max_new_tokens,
            stop=sampling.stop,
            sample=sample,
        )
        most = Paid(1, self.count_tokens(whole), sampling.max_new_tokens)
        reply = await self.buyer.reply(asked, sampling, most, key)
        return read_answer(self.params.model, reply, whole, sampling, self.count_tokens)


@dataclass(frozen=True, slots=True)
class SampledEngine:
    """An engine for an agent (`numina.agent`): one sample of one prompt, answer by answer.

    Attributes:
        teacher: is asked.
        sample: which one.
        prompt: is what the agent's texts begin with.
        ends: what begins another problem after the solution; "" if nothing does.
    """

    teacher: TeacherEngine
    sample: int
    prompt: str
    ends: str = ""

    async def __aenter__(self) -> SampledEngine:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        return self.teacher.count_tokens(text)

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        solution = prompt.removeprefix(self.prompt)
        if self.ends:
            sampling = replace(sampling, stop=(*sampling.stop[: MOST_STOPS - 1], self.ends))
        found = await self.teacher.answer(self.prompt, solution, sampling, self.sample)
        text, end, _ = found.text.partition(self.ends) if self.ends else ("", "", "")
        return replace(found, text=text, finish="end") if end else found
