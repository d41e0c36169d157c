"""The prompt of a published model: its messages in the chat template of its own tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.agent.published import Messages, Published
from numina.errors import UserError
from numina.models.weights import load_tokenizer
from numina.template import tokens_of

DATE = "2025-08-05"  # where a chat template names the day: with today's, prompts would change daily


@dataclass(frozen=True, slots=True)
class Chat:
    """Renders problems as a chat of one question.

    Attributes:
        tokenizer: with a chat template.
        messages: what is sent, with {problem}.
        options: for the chat template.
        begin: what the engine's tokenizer adds before a text, so the prompt is without it.
    """

    tokenizer: Any
    messages: Messages
    options: Mapping[str, Any]
    begin: str

    def render(self, problem: str) -> str:
        """The prompt for a problem; the model continues it with its answer."""
        user = self.messages.user.replace("{problem}", problem.strip())
        system = {"role": "system", "content": self.messages.system}
        text = self.tokenizer.apply_chat_template(
            [system] * bool(self.messages.system) + [{"role": "user", "content": user}],
            tokenize=False,
            add_generation_prompt=True,
            strftime_now=lambda _: DATE,
            **self.options,
        )
        return text.removeprefix(self.begin)


def open_chat(model: Path, row: Published, depth: int) -> Chat:
    """The chat of a model.

    Args:
        model: a folder with its tokenizer.
        row: how it is asked.
        depth: programs that a trace may run; 0 asks for a chain of thought.

    Raises:
        UserError: the tokenizer has no chat template, or the template fails.
    """
    tokenizer = load_tokenizer(model)
    if not tokenizer.chat_template:
        raise UserError(
            f"{model}: its tokenizer has no chat template (chat_template.jinja, or chat_template "
            "in tokenizer_config.json), which template.name=chat needs"
        )
    messages = row.tools if depth else row.thought
    messages = Messages(*(text.replace("{depth}", str(depth)) for text in messages))
    options = {**row.options, **(row.tools_options if depth else {})}
    first = tokens_of(tokenizer, "x")[0][:1]
    begin = tokenizer.bos_token if first and first[0] == tokenizer.bos_token_id else ""
    chat = Chat(tokenizer, messages, options, begin or "")
    try:
        chat.render("1 + 1")
    except Exception as error:  # of any kind: it is a program of the model's makers
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise UserError(f"{model}: its chat template fails: {reason}") from error
    return chat
