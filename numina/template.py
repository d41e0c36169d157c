"""The one template: how a problem becomes a prompt, and a solution the text that follows it.

Training, calibration and decoding all build their text here, and all tokenise it in the same
way, so what a model is asked is what it was trained on, token for token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    """
    prompt = template.render(problem)
    text = prompt + solution.strip()
    encoded = tokenizer(text, return_offsets_mapping=True)
    masked = [(0, len(prompt))] if mask_prompt else []
    if mask_output:
        masked += [(len(prompt) + a, len(prompt) + b) for a, b in output_spans(solution.strip())]
    labels = [
        IGNORED if any(first <= start < last for first, last in masked) else token
        for token, (start, _) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    ]
    end = tokenizer.eos_token_id
    return {"input_ids": [*encoded["input_ids"], end], "labels": [*labels, end]}
