"""What quantisation changed: a plain model and its quantised twin on the same rows.

The models are read one after another, so that only one is in memory; in between, the plain model's
log-probabilities lie on disk.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.models.calibration import NEW_TOKENS, Encoded, Rows
from numina.models.weights import load_model
from numina.template import IGNORED

PERIOD = 4  # tokens: a completion that repeats as few, "!!!!" or "0, 0, 0, ", is degenerate
REPEATED = 0.75  # the share of the completion, at its end, that repeats
SHORT = 16  # tokens: what is shorter is not called a repetition


@dataclass(frozen=True, slots=True)
class Comparison:
    """A plain model and its quantised twin on trained tokens that the quantiser did not see.

    Attributes:
        rows, tokens: that were compared.
        loss_before, loss_after: mean loss in nats a token.
        top1_agreement: share of the tokens for which both find the same token likeliest.
        kl: mean divergence of the quantised model's distribution from the plain one's, in nats.
        prompts: that both continued greedily.
        degenerate: token ids of continuations that repeat a few tokens, where the plain model's
            do not.
    """

    rows: int
    tokens: int
    loss_before: float
    loss_after: float
    top1_agreement: float
    kl: float
    prompts: int
    degenerate: list[list[int]]


@dataclass(frozen=True, slots=True)
class Plain:
    """What is kept of the plain model.

    Attributes:
        loss: mean loss in nats a token.
        files: log-probabilities of each row, of shape [trained tokens, vocabulary].
        completions: token ids, greedy, of each prompt.
    """

    loss: float
    files: list[Path]
    completions: list[list[int]]


def read_plain(model: Path, rows: Rows, folder: Path) -> Plain:
    """Run the model that is to be quantised, and keep its log-probabilities in `folder`.

    Raises:
        UserError: it cannot be loaded, all tokens are masked, or its loss is not finite.
    """
    import numpy as np

    files, total, tokens = [], 0.0, 0
    with one_model(model) as network:
        for number, (found, labels) in enumerate(log_probabilities(network, rows.measured)):
            total, tokens = total + nll(found, labels), tokens + len(labels)
            files.append(folder / f"{number}.npy")
            np.save(files[-1], found.numpy())
        loss = finite_mean(model, total, tokens, len(rows.measured))
        return Plain(loss, files, complete(network, rows.prompts, rows.end))


def compare(model: Path, rows: Rows, plain: Plain) -> Comparison:
    """Run the quantised model, and compare it with what is kept of the plain one.

    Raises:
        UserError: it cannot be loaded, or its loss is not finite.
    """
    import numpy as np
    import torch

    total, kl, same, tokens = 0.0, 0.0, 0, 0
    with one_model(model) as network:
        pairs = zip(log_probabilities(network, rows.measured), plain.files, strict=True)
        for (found, labels), file in pairs:
            before = torch.from_numpy(np.load(file))
            total, tokens = total + nll(found, labels), tokens + len(labels)
            kl += divergence(before, found)
            same += int((before.argmax(-1) == found.argmax(-1)).sum())
        loss = finite_mean(model, total, tokens, len(rows.measured))
        completions = complete(network, rows.prompts, rows.end)
    worse = zip(plain.completions, completions, strict=True)
    return Comparison(
        rows=len(rows.measured),
        tokens=tokens,
        loss_before=plain.loss,
        loss_after=loss,
        top1_agreement=same / tokens,
        kl=kl / tokens,
        prompts=len(rows.prompts),
        degenerate=[after for before, after in worse if repeats(after) and not repeats(before)],
    )


@contextmanager
def one_model(model: Path) -> Iterator[Any]:
    """A model that is gone afterwards, with the cycles of references that would keep it."""
    import torch

    network = load_model(model, "auto")
    try:
        with torch.inference_mode():
            yield network
    finally:
        del network
        gc.collect()


def log_probabilities(network: Any, rows: Sequence[Encoded]) -> Iterator[tuple[Any, Any]]:
    """Log-probabilities in float32 before each trained token, and these tokens, row by row.

    Rows whose tokens are all masked give arrays of length 0.
    """
    import torch

    for row in rows:
        labels = torch.tensor(row["labels"][1:])
        trained = labels != IGNORED
        logits = network(input_ids=torch.tensor([row["input_ids"]], device=network.device)).logits
        chosen = logits[0, :-1][trained.to(logits.device)].float().log_softmax(-1)
        yield chosen.cpu(), labels[trained]


def nll(found: Any, labels: Any) -> float:
    """The loss of a row, summed over its trained tokens, in nats."""
    return -found.gather(1, labels[:, None]).sum().item()


def divergence(before: Any, after: Any) -> float:
    """KL divergence of a row, summed over its tokens, in nats.

    In float32 the probabilities sum to 1 within 1e-6 only, as much as 8 bits change.
    """
    p, q = (found.double().log_softmax(-1) for found in (before, after))
    return (p.exp() * (p - q)).sum().item()


def finite_mean(model: Path, total: float, tokens: int, rows: int) -> float:
    """Mean loss.

    Raises:
        UserError: it is not a finite number, or there are no tokens.
    """
    if not tokens:
        raise UserError(f"{model}: its loss cannot be measured because all tokens are masked")
    if not math.isfinite(total):
        raise UserError(f"{model}: its loss on {rows} rows is {total / tokens}")
    return total / tokens


def complete(network: Any, prompts: Sequence[list[int]], end: int) -> list[list[int]]:
    """The tokens that a model writes greedily after each prompt, up to the token `end`."""
    import torch

    if not prompts:
        return []
    width = max(map(len, prompts))
    left = [width - len(prompt) for prompt in prompts]
    padded = [[end] * pad + prompt for pad, prompt in zip(left, prompts, strict=True)]
    mask = [[0] * pad + [1] * (width - pad) for pad in left]
    written = network.generate(
        torch.tensor(padded, device=network.device),
        attention_mask=torch.tensor(mask, device=network.device),
        do_sample=False,
        max_new_tokens=NEW_TOKENS,
        eos_token_id=end,
        pad_token_id=end,
    )
    rows = written[:, width:].tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]


def repeats(completion: Sequence[int]) -> bool:
    """Whether a completion is empty, or most of it repeats a few tokens to the end."""
    if len(completion) < SHORT:
        return not completion
    tail = completion[int(len(completion) * (1 - REPEATED)) :]
    return any(
        all(a == b for a, b in zip(tail, tail[period:], strict=False))
        for period in range(1, PERIOD + 1)
    )
