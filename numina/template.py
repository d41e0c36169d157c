"""The one template: how a problem becomes a prompt, and a solution the text that follows it.

Training, calibration and decoding all build their text here, and all tokenise it in the same
way, so what a model is asked is what it was trained on, token for token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numina.errors import UserError
from numina.fences import output_spans

IGNORED = -100  # torch's label for "no loss here"


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt with a place for the problem; the solution and the end token follow it."""

    prompt: str

    def render(self, problem: str) -> str:
        """The prompt for a problem; a model continues it with the solution."""
        return self.prompt.replace("{problem}", problem.strip())


TEMPLATES: dict[str, Template] = {
    # Ends on a token boundary: a newline is a token of its own, whatever follows.
    "boundary": Template("### Problem: {problem}\n### Solution:\n"),
    # The winners', whose last space joins the solution's first word when training tokenises the
    # two together and stays alone when decoding asks: only for their published weights.
    "winners": Template("### Problem: {problem}\n### Solution: "),
}


def encode(
    tokenizer: Any,
    template: Template,
    problem: str,
    solution: str,
    *,
    mask_prompt: bool = True,
    mask_output: bool = True,
) -> dict[str, list[int]]:
    """Token ids and labels of a solved problem, with the end token, which is trained.

    Args:
        tokenizer: a fast tokenizer of transformers (its offsets are needed).
        template: how the problem becomes a prompt.
        problem: the statement.
        solution: what the model is to write, outputs of its programs included.
        mask_prompt, mask_output: take no loss there.

    Returns:
        `input_ids` and `labels`, of one length; a label is -100 where no loss is taken: on the
        prompt and on program outputs, as asked.

    Raises:
        UserError: the tokenizer has no end token.
    """
    prompt = template.render(problem)
    ids, offsets = tokens_of(tokenizer, prompt + solution.strip())
    end = end_token(tokenizer)
    masked = [(0, len(prompt))] if mask_prompt else []
    if mask_output:
        masked += [(len(prompt) + a, len(prompt) + b) for a, b in output_spans(solution.strip())]
    labels = [
        IGNORED if any(first <= start < last for first, last in masked) else token
        for token, (start, _) in zip(ids, offsets, strict=True)
    ]
    return {"input_ids": [*ids, end], "labels": [*labels, end]}


def tokens_of(tokenizer: Any, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids of a text that a model is to go on from, and the characters that each stands for.

    What a tokenizer puts in front of a text stays, as the model was trained with it. What it puts
    behind is left out: a prompt that ends in an end token asks for nothing.
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
