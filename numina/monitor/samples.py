"""Completions of a few prompts after each epoch, so that a person can see a model learn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import GenerationConfig, TrainerCallback
from transformers.trainer_callback import TrainerState

from numina.monitor.attach import Asked
from numina.monitor.undisturbed import undisturbed
from numina.records.problem import Problem
from numina.rows import read_rows, write_text
from numina.template import end_token, tokens_of

MOST_TOKENS = 256  # of a completion


class Samples(TrainerCallback):
    """Decode greedily after each epoch and at the end, and add a row a prompt to a JSONL file.

    A row has the step, the epoch, the problem's id, statement and answer, the completion, and
    whether the model ended it by itself; outputs of programs in it are the model's own invention.
    Nothing of the training changes: random numbers, the model's mode and its configuration are as
    before. Where ZeRO-3 shares out the model, every process decodes all prompts, as each layer is
    gathered for the time of its use.

    Args:
        trainer: whose model decodes.
        asked: the prompts; those that leave no room are left out.
        epoch: optimiser steps of one.
        file: the file to write; None in the processes that do not write. If a run continues from a
            checkpoint, rows of later steps are replaced.
    """

    def __init__(self, trainer: Any, asked: Asked, epoch: int, file: Path | None) -> None:
        self.trainer, self.epoch, self.room, self.file = trainer, epoch, asked.room, file
        self.tokenizer = trainer.processing_class
        prompts = [
            (row, tokens_of(self.tokenizer, asked.template.render(row.problem))[0])
            for row in asked.problems
        ]
        self.prompts = [(row, ids) for row, ids in prompts if len(ids) < asked.room]
        self.rows: list[dict[str, Any]] = []

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        if self.file and state.global_step and self.file.exists():
            self.rows = [row for row in read_rows(self.file) if row["step"] <= state.global_step]

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        step = state.global_step
        if step % self.epoch and step < state.max_steps:
            return
        at = {"step": step, "epoch": round(step / self.epoch, 4)}
        with undisturbed(self.trainer.model):
            self.rows += [{**at, **self.complete(row, ids)} for row, ids in self.prompts]
        if self.file:
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows]
            write_text(self.file, "".join(lines))

    def complete(self, row: Problem, ids: Sequence[int]) -> dict[str, Any]:
        """A problem, and what the model writes after its prompt."""
        import torch

        end = end_token(self.tokenizer)
        prompt = torch.tensor([ids], device=self.trainer.args.device)
        how = GenerationConfig(
            do_sample=False,
            max_new_tokens=min(MOST_TOKENS, self.room - len(ids)),
            use_cache=True,
            eos_token_id=end,
            pad_token_id=end,
        )
        with torch.no_grad(), self.trainer.compute_loss_context_manager():
            whole = self.trainer.model.generate(
                input_ids=prompt, attention_mask=torch.ones_like(prompt), generation_config=how
            )
        written = whole[0, len(ids) :].tolist()
        ended = written[-1:] == [end]
        return {
            "id": row.id,
            "problem": row.problem,
            "answer": row.answer,
            "completion": self.tokenizer.decode(written[:-1] if ended else written),
            "ended": ended,
        }
