"""Sample the policy on training problems, programs run, and label the samples by their answers.

    python -m experiments.stage kto experiments.kto.sample \
        --model models/tir --problems data/clean/problems --out experiments/kto/samples

A killed run continues where it stopped: finished samples are in a journal under ~/.cache/numina,
which is removed once they are written.
"""

import asyncio
import dataclasses
from collections import Counter
from pathlib import Path

from experiments.kto.record import Sample
from experiments.kto.samples import (
    RATE_FIELDS,
    counted,
    draw,
    fitting,
    labelled,
    pass_rates,
    sampled,
)
from experiments.kto.settings import Kto
from experiments.settings import own
from numina import entry, settings
from numina.agent.open import open_agent, sampled_limits
from numina.errors import UserError
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.resume import resume_folder
from numina.rows import StoredProblems, write_csv, write_json, written_folder, written_shards
from numina.sctir.journal import Journal, Kept
from numina.template import training_template

TRACES_A_PLACE = 4  # in flight for each place in the engine's batch: some run programs


def main() -> str:
    args = entry.paths(__doc__, "model", "problems", "out")
    params = settings.load("sctir", "engine", "sandbox", "template", "hardware")
    knobs = own("kto", Kto).sample
    training_template(params.template.name)
    left_out: Counter[str] = Counter()
    problems = draw(StoredProblems(args.problems), knobs.problems, knobs.seed, left_out)
    if not problems:
        raise UserError(f"{args.problems}: no problem has an answer; left out: {dict(left_out)}")
    limits = dataclasses.replace(
        sampled_limits(params.sctir, params.sandbox), temperature=knobs.temperature
    )
    rests_on = [
        params.model_dump(mode="json", include={"engine", "sandbox", "template"}),
        dataclasses.asdict(limits),
        knobs.seed,
        [(problem.id, problem.problem) for problem in problems],
    ]
    folder = resume_folder("journals", args.model, rests_on, params.hardware.cache)

    async def ask(journal: Kept) -> list[tuple[Problem, Trace]]:
        async with open_agent(params, args.model, limits) as agent:
            return await sampled(
                agent,
                fitting(agent, problems, left_out),
                knobs.samples,
                knobs.seed,
                journal,
                TRACES_A_PLACE * params.engine.batch_size,
            )

    with Journal(folder / "traces.jsonl") as journal:
        samples = labelled(asyncio.run(ask(journal)), left_out)
        rates = pass_rates(samples)
        counts = counted(rates, left_out)
        if not samples:
            raise UserError(f"{args.problems}: no sample; left out: {dict(left_out)}")
        write(args.out, [sample for _, sample in samples], rates, counts)
        journal.remove()
    return (
        f"{counts['right']} of {counts['samples']} samples right; of {counts['problems']} "
        f"problems {counts['all_right']} always solved, {counts['all_wrong']} never, "
        f"{counts['mixed']} sometimes; left out: {dict(left_out) or 'none'}"
    )


def write(
    out: Path,
    samples: list[Sample],
    rates: list[dict[str, str | int | float]],
    counts: dict[str, object],
) -> None:
    """Write samples, pass rates and counts, all or none."""
    with written_folder(out) as folder:
        with written_shards(folder / "samples", Sample) as put:
            for sample in samples:
                put(sample)
        write_csv(folder / "pass_rates.csv", RATE_FIELDS, rates)
        write_json(folder / "counts.json", counts)


if __name__ == "__main__":
    entry.run(main)
