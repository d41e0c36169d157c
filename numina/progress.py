"""Progress of long work, shown to a person. Nothing here can change a result."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from numina import terminal

if TYPE_CHECKING:
    from transformers import TrainerCallback
    from transformers.trainer_callback import TrainerState

ESTIMATE_FROM = 0.1  # share of the work after which the time left is estimated
COUNTS = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
STEP_FIGURES = {  # of a training, by their names in the trainer's log
    "loss": "loss {:.3f}",
    "learning_rate": "rate {:.2g}",
    "grad_norm": "gradient {:.2g}",
    "tokens_per_s": "{:.0f} tokens/s",
    "memory_gb": "{:.1f} GB",
}
COUNTS_AND_ESTIMATE = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class Bar(tqdm):
    """A bar on a terminal, and a line every 20 seconds elsewhere.

    The time left is estimated from the mean pace so far, once a tenth is done: items that run side
    by side end late and together, so the first ones give no estimate.
    """

    @property
    def format_dict(self) -> dict[str, Any]:
        found = super().format_dict
        early = self.n - self.initial < ESTIMATE_FROM * ((self.total or 0) - self.initial)
        return {**found, "bar_format": COUNTS if early else COUNTS_AND_ESTIMATE}

    @staticmethod
    def status_printer(file: Any) -> Callable[[str], None]:
        if terminal.is_terminal():
            return tqdm.status_printer(file)
        return lambda text: print(text.strip(), file=file, flush=True) if text.strip() else None

    @classmethod
    def write(cls, s: str, *_: Any, **__: Any) -> None:
        """Show a line above the bar."""
        terminal.say(s)


def progress_bar(total: int | None, what: str, done: int = 0) -> Bar:
    """Progress over a number of items.

    Args:
        total: of items; None if it is not known.
        what: they are, in the plural.
        done: how many an earlier run did.
    """
    return Bar(
        total=total,
        initial=done,
        desc=what,
        smoothing=0,
        file=terminal.shown(),
        mininterval=0.5 if terminal.is_terminal() else 20,
        position=None if terminal.is_terminal() else 0,  # lines, not one bar below another
        dynamic_ncols=terminal.is_terminal()
        and all(os.get_terminal_size(terminal.shown().fileno())),
    )


def training_bar() -> TrainerCallback:
    """A bar over a trainer's optimiser steps, with the figures of the last one.

    It shows the loss, the learning rate and the gradient's norm, and where `numina.monitor.meter`
    adds them to the trainer's log, tokens a second and memory. A loss on held-out rows is a line.
    """
    from transformers import TrainerCallback

    class TrainingBar(TrainerCallback):
        bar: Bar

        def on_train_begin(self, args: Any, state: TrainerState, *_: Any, **__: Any) -> None:
            self.bar = progress_bar(state.max_steps, "steps", state.global_step)

        def on_step_end(self, args: Any, state: TrainerState, *_: Any, **__: Any) -> None:
            self.bar.update(state.global_step - self.bar.n)

        def on_log(self, args: Any, state: TrainerState, *_: Any, **__: Any) -> None:
            row = state.log_history[-1]
            shown = [text.format(row[name]) for name, text in STEP_FIGURES.items() if name in row]
            if "loss" in row:
                self.bar.set_postfix_str(", ".join(shown), refresh=False)
            if "eval_loss" in row:
                terminal.say(
                    f"epoch {row['epoch']:.4g}: loss {row['eval_loss']:.4f} on held-out rows"
                )

        def on_train_end(self, *_: Any, **__: Any) -> None:
            self.bar.close()

    return TrainingBar()


class VoteProgress:
    """The progress of votes in one line: problems done, the votes of the current one, the bank.

    The bar counts traces, as problems end late and together. Traces that a settled vote does not
    need count as done.

    Args:
        problems: how many there are to solve, each seed counted.
        n: the most traces of one.
        banked_s: seconds in the time bank, if there is one.
    """

    def __init__(self, problems: int, n: int, banked_s: Callable[[], float] | None = None) -> None:
        self.bar = progress_bar(problems * n, "traces")
        self.problems, self.n, self.banked_s = problems, n, banked_s
        self.votes: dict[tuple[str, int], Counter[str]] = {}
        self.answered = 0

    def started(self) -> None:
        """Record that the first trace begins: the time before it, in which the model was loaded,
        is not part of the pace."""
        if self.bar.n == 0 and not self.votes:
            self.bar.unpause()

    def trace_ended(self, problem_id: str, seed: int, answer: str) -> None:
        """Record the end of a trace, and its vote."""
        votes = self.votes.setdefault((problem_id, seed), Counter())
        votes[answer] += 1
        leading = " ".join(f"{vote}×{count}" for vote, count in votes.most_common(3))
        bank = f", bank {self.banked_s():.0f} s" if self.banked_s else ""
        line = f"{self.answered}/{self.problems} problems, {problem_id}: {leading}{bank}"
        self.bar.set_postfix_str(line, refresh=False)
        self.bar.update()

    def solved(self, problem_id: str, seed: int) -> None:
        """Record an answer."""
        votes = self.votes.pop((problem_id, seed), Counter())
        self.answered += 1
        self.bar.update(self.n - votes.total())

    def close(self) -> None:
        self.bar.close()
