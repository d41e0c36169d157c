"""How a model calls Python in its text, and how the output gets back to it.

A trace is kept in the fenced format of `numina.fences`, whatever the model wrote, so that one
parser finds programs, outputs and answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from numina.fences import OUTPUT_END, OUTPUT_START, OUTPUT_STARTS, blocks, prose, waiting_program

BOX = re.compile(r"\\boxed\b")


class Calls(Protocol):
    """One way of calling Python.

    Attributes:
        stop: strings at which decoding stops, as a program is to be run.
        special: whether the calls are made of special tokens, which are then kept in the text.
        prunes: whether a trace ends where two programs one after another print nothing or fail in
            the same way, for models that were trained to mend a program at the first such output.
    """

    @property
    def stop(self) -> tuple[str, ...]: ...

    @property
    def special(self) -> bool: ...

    @property
    def prunes(self) -> bool: ...

    def left_open(self, text: str) -> str:
        """What makes a call of a text that the model ended itself; "" if it is complete."""
        ...

    def program(self, text: str) -> str:
        """The code to run for a text that ends with a call; "" if there is none."""
        ...

    def reply(self, output: str, left: int) -> str:
        """What follows in the text: the output, and how the model is asked to go on.

        Args:
            output: of the program, as the model is shown it.
            left: how many programs the trace may still run.
        """
        ...

    def readable(self, text: str) -> str:
        """The text in the fenced format."""
        ...


@dataclass(frozen=True, slots=True)
class Fenced:
    """Fenced programs; a model opens the block of the output itself, as after ToRA's training.

    Attributes:
        chat: a chat model may end its turn after a program, without opening the output. If it has
            not boxed an answer yet, the program is run. Source: Qwen2.5-Math,
            evaluation/math_eval.py.
    """

    chat: bool = False
    stop: tuple[str, ...] = OUTPUT_STARTS
    special: bool = False

    @property
    def prunes(self) -> bool:
        return not self.chat

    def left_open(self, text: str) -> str:
        if not self.chat or not text.rstrip().endswith("```"):
            return ""
        last = blocks(text)[-1:]
        ends = last and last[0].kind == "python" and not text[last[0].end :].strip()
        return f"\n{OUTPUT_START}" if ends and not BOX.search(prose(text)) else ""

    def program(self, text: str) -> str:
        return waiting_program(text)

    def reply(self, output: str, left: int) -> str:
        return f"{output}\n{OUTPUT_END}"

    def readable(self, text: str) -> str:
        return text


FENCED = Fenced()


@dataclass(frozen=True, slots=True)
class Tagged:
    """Programs between <tool_call> and </tool_call>, whose output is fenced: OpenMath-Nemotron.

    Attributes:
        counted: whether the model is told how many programs are left.

    Source: NVIDIA/NeMo-Skills, nemo_skills/prompt/code_tags/openmath.yaml and
    nemo_skills/code_execution/utils.py (`format_code_output`); docs/tutorials/posts/
    omr-aimo2-inference-recipe.md shows the line end between a call and its output.
    """

    counted: bool = True
    stop: tuple[str, ...] = ("</tool_call>",)
    special: bool = False
    prunes: bool = False

    def left_open(self, text: str) -> str:
        return ""

    def program(self, text: str) -> str:
        inside = text.removesuffix("</tool_call>").rpartition("<tool_call>")
        return unfenced(inside[2]) if inside[1] else ""

    def reply(self, output: str, left: int) -> str:
        shown = f"\n{OUTPUT_START}{output}\n{OUTPUT_END}"
        if not self.counted:
            return shown
        if left > 0:
            told = (
                f"Remaining code executions: {left}. You will not be able to call code when you "
                "run out of executions, so use it wisely. Note that you can still continue solving "
                "the problem without code after that."
            )
        else:
            told = (
                "You have run out of code executions! You can no longer write or execute code. Now "
                "you should continue solving the problem by relying on your mathematical reasoning "
                "and analytical skills."
            )
        return f"{shown}```system\n{told}\n```\n"

    def readable(self, text: str) -> str:
        return re.sub(
            r"\s*<tool_call>\n*(.*?)\n*(?:</tool_call>|\Z)",
            lambda call: f"\n```python\n{unfenced(call[1])}\n```",
            text,
            flags=re.S,
        )


def unfenced(code: str) -> str:
    """The program of a call, which may be fenced inside of its tags."""
    return waiting_program(code) or code.strip("\n")


MESSAGE = re.compile(
    r"(?:<\|start\|>)?(?P<header>[^<]*(?:<\|(?:channel|constrain)\|>[^<]*)*)<\|message\|>"
    r"(?P<content>.*?)(?P<end><\|(?:end|call|return)\|>|(?=<\|start\|>)|\Z)",
    re.S,
)


@dataclass(frozen=True, slots=True)
class Harmony:
    """Messages to the recipient `python` and its messages back: gpt-oss.

    Source: openai/harmony, docs/format.md: "Built-in tools" and "Handling tool calls".
    """

    stop: tuple[str, ...] = ("<|call|>",)
    special: bool = True
    prunes: bool = False

    def left_open(self, text: str) -> str:
        return ""

    def program(self, text: str) -> str:
        messages = list(MESSAGE.finditer(text))
        called = messages and re.search(r"\bto=python\b", messages[-1]["header"])
        return messages[-1]["content"] if called else ""

    def reply(self, output: str, left: int) -> str:
        shown = f"<|start|>python to=assistant<|channel|>analysis<|message|>{output}<|end|>"
        return f"{shown}<|start|>assistant"

    def readable(self, text: str) -> str:
        """Thoughts, programs and outputs; then `</think>` and the message to the user."""
        parts = []
        for message in MESSAGE.finditer(text):
            header, content = message["header"], message["content"]
            if re.search(r"\bto=python\b", header):
                parts.append(f"```python\n{content}\n```")
            elif re.match(r"python\b", header):
                parts.append(f"{OUTPUT_START}{content}\n```")
            elif re.search(r"<\|channel\|>\s*final\b", header):
                parts.append(f"</think>\n{content}")
            else:
                parts.append(content)
        return "\n".join(parts)
