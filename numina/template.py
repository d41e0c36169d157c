"""The one template: how a problem becomes a prompt, and a solution the text that follows it.

Training, calibration and decoding all build their text here, and all tokenise it in the same
way, so that a prompt has the same tokens as in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numina.errors import UserError
from numina.fences import failed_spans, output_spans

IGNORED = -100  # torch's label for "no loss here"


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt with a place for the problem; the solution and the end token follow it."""

    prompt: str

    def render(self, problem: str) -> str:
        """The prompt for a problem; a model continues it with the solution."""
        return self.prompt.replace("{problem}", problem.strip())


TEMPLATES: dict[str, Template] = {
    # Ends on a token boundary: a newline is always a token of its own.
    "boundary": Template("### Problem: {problem}\n### Solution:\n"),
    # The winners' template: its last space joins the solution's first word when training tokenises
    # the two together, and is a token of its own in decoding. Only for their published weights.
    "winners": Template("### Problem: {problem}\n### Solution: "),
}


def training_template(name: str) -> Template:
    """The template that training and calibration make their text with.

    Raises:
        UserError: it is `chat`, which asks published models.
    """
    if name not in TEMPLATES:
        raise UserError(
            f"template.name: {name!r} is for published models, which are not trained: choose "
            + " or ".join(TEMPLATES)
        )
    return TEMPLATES[name]


def encode(
    tokenizer: Any,
    template: Template,
    problem: str,
    solution: str,
    *,
    mask_prompt: bool = True,
    mask_output: bool = True,
    mask_failed: bool = True,
    end_line: bool = False,
) -> dict[str, list[int]]:
    """Token ids and labels of a solved problem, with the end token, which is trained.

    Args:
        tokenizer: a fast tokenizer of transformers (its offsets are needed).
        template: how the problem becomes a prompt.
        problem: the statement.
        solution: what the model is to write, outputs of its programs included.
        mask_prompt, mask_output: take no loss there.
        mask_failed: take no loss on programs that failed.
        end_line: put a newline before the end token, as the winners did.

    Returns:
        `input_ids` and `labels`, of one length; a label is -100 where no loss is taken: on the
        prompt, on program outputs, and on programs that failed, as asked.

    Raises:
        UserError: the tokenizer has no end token.
    """
    prompt, solution = template.render(problem), solution.strip()
    ids, offsets = tokens_of(tokenizer, prompt + solution + "\n" * end_line)
    end = end_token(tokenizer)
    masked = [(0, len(prompt))] if mask_prompt else []
    spans = [*(output_spans(solution) if mask_output else ())]
    spans += failed_spans(solution) if mask_failed else ()
    masked += [(len(prompt) + a, len(prompt) + b) for a, b in spans]
    labels = list(ids)
    for first, last in masked:
        for at, (start, _) in enumerate(offsets):
            if first <= start < last:
                labels[at] = IGNORED
    return {"input_ids": [*ids, end], "labels": [*labels, end]}


def tokens_of(tokenizer: Any, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids of a text that a model is to continue, and the characters of each token.

    Tokens that a tokenizer adds before a text are kept, as the model was trained with them. Tokens
    that it adds after the text are left out: after an end token there is nothing to continue.
    """
    encoded = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
    ids, added = encoded["input_ids"], encoded["special_tokens_mask"]
    last = len(ids)
    while last and added[last - 1]:
        last -= 1
    return ids[:last], encoded["offset_mapping"][:last]


def end_token(tokenizer: Any) -> int:
    """The id of the token that ends a solution.

    Raises:
        UserError: the tokenizer has none.
    """
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{tokenizer.name_or_path or 'the tokenizer'}: has no end token (eos_token in "
            "tokenizer_config.json), so a model cannot learn where to stop"
        )
    return tokenizer.eos_token_id
