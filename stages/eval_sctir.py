"""Solve every validation problem by SC-TIR, with every seed; all traces are kept.

python -m stages.eval_sctir --model models/gptq --validation data/validation --out eval/sctir
"""

import asyncio
import time
from pathlib import Path

from numina import settings
from numina.engine.transformers import TransformersEngine
from numina.machine import machine
from numina.records import Problem, Verdict, progress_bar, read_problems, write_json, write_rows
from numina.sandbox.pool import Pool
from numina.sctir.solve import solve_all
from numina.settings import Params
from numina.template import TEMPLATES


async def decode(
    params: Params, model: Path, splits: dict[str, list[Problem]]
) -> tuple[dict[tuple[str, int], list[Verdict]], dict[str, bool]]:
    engine = TransformersEngine(model, params.engine.batch_size, params.engine.dtype)
    template = TEMPLATES[params.template.name]
    runs = [(name, seed) for seed in params.sctir.seeds for name in splits]
    most = sum(len(splits[name]) for name, _ in runs) * params.sctir.n
    with progress_bar(most, "traces (at most)") as bar:
        pool = Pool(params.sandbox)
        async with engine, pool:
            verdicts = await asyncio.gather(
                *[
                    solve_all(
                        engine,
                        pool,
                        splits[name],
                        template,
                        seed,
                        params.sctir,
                        params.sandbox,
                        lambda _: bar.update(),
                    )
                    for name, seed in runs
                ]
            )
    return dict(zip(runs, verdicts, strict=True)), pool.layers


def main() -> None:
    args = settings.paths(__doc__, "model", "validation", "out")
    params = settings.load()
    files = sorted(args.validation.glob("*.jsonl"))
    splits = {file.stem: read_problems(file) for file in files}
    started = time.monotonic()
    solved, layers = asyncio.run(decode(params, args.model, splits))
    for (name, seed), verdicts in solved.items():
        write_rows(args.out / name / f"seed_{seed}.jsonl", verdicts)
    run = {
        "model": str(args.model),
        "engine": params.engine.name,
        **params.sctir.model_dump(mode="json"),
        "seconds": round(time.monotonic() - started, 1),
        "isolation": layers,
        "machine": machine(),
    }
    write_json(args.out / "run.json", run)


if __name__ == "__main__":
    settings.run(main)
