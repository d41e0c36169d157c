"""A sample as tokens, and which of its tokens the reward is taken on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.kto.record import Sample
from numina.fences import output_spans
from numina.template import Template, end_token, tokens_of


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of a sample.

    Attributes:
        sample: the sample.
        prompt_ids: tokens of the prompt.
        completion_ids: tokens of what follows it; the last one is the end token if the model wrote
            it. A trace that was cut off has none: it is not taught to end there.
        learned: for each of these, 1 if the model wrote it, 0 if a program printed it.
    """

    sample: Sample
    prompt_ids: list[int]
    completion_ids: list[int]
    learned: list[int]

    def __len__(self) -> int:
        return len(self.prompt_ids) + len(self.completion_ids)


def encode_sample(
    tokenizer: Any, template: Template, sample: Sample, *, mask_output: bool = True
) -> Encoded:
    """The tokens of a sample, split as the model read and wrote them.

    Args:
        tokenizer: a fast tokenizer of transformers.
        template: how the problem became a prompt.
        sample: of the policy.
        mask_output: whether program output is not learned; the fence that closes it belongs to it.

    Raises:
        UserError: the tokenizer has no end token.
    """
    prompt = template.render(sample.problem)
    ids, offsets = tokens_of(tokenizer, prompt + sample.text)
    end = end_token(tokenizer)
    spans = output_spans(sample.text) if mask_output else []
    begins = sum(start < len(prompt) for start, _ in offsets)
    learned = [
        int(not any(first <= start - len(prompt) < last for first, last in spans))
        for start, _ in offsets[begins:]
    ]
    ended = [end] if sample.ended else []
    return Encoded(sample, ids[:begins], ids[begins:] + ended, learned + [1] * len(ended))
