"""Per-row steps of the data build on several machines: shards in, shards out, one task a shard.

datatrove's executors run the tasks: processes of this machine, or array jobs of Slurm. They note
which tasks are complete, so a run that was killed goes on at the shards that it lacks.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.corpus.shelves import REJECTED
from numina.errors import UserError
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import parquet, read_splits, shard_files, write_json
from numina.rows.rejected import Rejected, stored
from numina.settings.params import Params

KEPT, COUNTS = "problems", "counts.json"
Rows = Iterable[Problem]
Sifted = Iterator[Problem | Removal]


def leaks(rows: Rows, params: Params, validation: Path) -> Sifted:
    """Leave out what leaks a validation problem, as `dedup` does."""
    from numina.corpus.leaks import leak_rule
    from numina.corpus.wording import read

    held = [problem for split in read_splits(validation).values() for problem in split]
    rule = leak_rule(params.dedup, held)
    for row in rows:
        yield rule.find(row, read(row.problem)) or row


def ready(rows: Rows, params: Params, validation: Path) -> Sifted:
    """Run the programs of ready-made solutions, and leave out those that are not sound, as
    `tir_data` does. Rows without such a solution are kept as they are."""
    return iter(asyncio.run(checked_rows(list(rows), params)))


async def checked_rows(rows: list[Problem], params: Params) -> list[Problem | Removal]:
    """Each row, or its removal, in their order."""
    from numina.corpus.ready import checked
    from numina.sandbox.pool import SandboxPool

    found: list[Problem | Removal] = list(rows)
    places = [place for place, row in enumerate(rows) if row.tools]
    async with SandboxPool(params.sandbox, params.hardware.sandbox) as pool:
        waiting = iter(places)
        async for row, rule in checked(rows, places, pool):
            place = next(waiting)
            found[place] = Removal(row, rule) if rule else row
    return found


STEPS: dict[str, Callable[[Rows, Params, Path], Sifted]] = {"leaks": leaks, "ready": ready}


@dataclass(frozen=True)
class OnShard:
    """A task of datatrove: one step on one shard.

    Attributes:
        step: one of `STEPS`.
        source: a folder of shards.
        out: where the shards go, those of rows kept and left out apart.
        validation: the folder of splits, for `leaks`.
        params: all knobs.
    """

    step: str
    source: Path
    out: Path
    validation: Path
    params: Params

    def __call__(self, data: Any, rank: int, world_size: int) -> None:
        """Write the shard `rank`: the rows that are kept, and those that are left out."""
        rows = parquet.read_shard(shard_files(self.source)[rank], Problem)
        for name in (KEPT, REJECTED):
            (self.out / name).mkdir(parents=True, exist_ok=True)
        with (
            parquet.Shards(self.out / KEPT, Problem, rank) as kept,
            parquet.Shards(self.out / REJECTED, Rejected, rank) as rejected,
        ):
            for row in STEPS[self.step](rows, self.params, self.validation):
                rejected.add(stored(row)) if isinstance(row, Removal) else kept.add(row)
            kept.end()
            rejected.end()


def spread(task: OnShard, executor: Callable[..., Any], **options: Any) -> dict[str, Any] | None:
    """Run a step on every shard, or on those that an earlier run with the same out lacks.

    Args:
        task: the step.
        executor: datatrove's `LocalPipelineExecutor` or `SlurmPipelineExecutor`.
        options: of the executor.

    Returns:
        The counts, which are written to `COUNTS` too; None if tasks wait for Slurm to run them.

    Raises:
        UserError: there is no shard, or a shard is damaged, or the out is of another step.
    """
    tasks = len(shard_files(task.source))
    refuse_others(task)
    jobs = executor(
        pipeline=[task], tasks=tasks, logging_dir=str(task.out.resolve() / "tasks"), **options
    )
    jobs.run()
    if jobs.get_incomplete_ranks(skip_completed=True):
        return None
    rules = Counter(row.rule for row in parquet.read_shards(task.out / REJECTED, Rejected))
    kept = parquet.count_shard_rows(task.out / KEPT)
    counts = {"in": kept + rules.total(), "kept": kept, "rejected": dict(sorted(rules.items()))}
    write_json(task.out / COUNTS, counts)
    return counts


def refuse_others(task: OnShard) -> None:
    """Refuse an out that was begun with another step, other rows or other knobs.

    Raises:
        UserError: it was.
    """
    from numina.resume import stage_folder
    from numina.rows import write_text

    given = [task.source, *([task.validation] if task.step == "leaks" else [])]
    knobs = task.params.model_dump(mode="json", exclude={"hardware"})
    name, file = stage_folder(task.step, knobs, given).name, task.out / "of"
    if file.exists() and file.read_text() != name:
        raise UserError(f"{task.out}: was begun with another step, rows, knobs or code; remove it")
    write_text(file, name)
