"""The `numina` command: solve a problem, see what the machine has."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from numina import settings
from numina.records import Problem, Trace, Verdict


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="numina", description="A competition-maths agent.")
    commands = parser.add_subparsers(dest="command", required=True)
    solve = commands.add_parser("solve", help="solve one problem by SC-TIR")
    solve.add_argument("text", help="the problem, in English with LaTeX")
    solve.add_argument("--model", type=Path, default=Path("models/gptq"), metavar="DIR")
    solve.add_argument("--n", type=int, help="traces (default: sctir.n of params.yaml)")
    solve.add_argument("--json", action="store_true", help="print the whole record as JSON")
    doctor = commands.add_parser("doctor", help="what is on this machine")
    doctor.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    settings.run({"solve": run_solve, "doctor": run_doctor}[arguments.command], arguments)


def run_solve(arguments: argparse.Namespace) -> None:
    """Answer a problem; progress goes to standard error, the answer to standard output."""
    params = settings.load()
    if arguments.n is not None:
        if arguments.n < 1:
            raise settings.UserError(f"--n: must be at least 1, got {arguments.n}")
        changed = params.sctir.model_copy(update={"n": arguments.n})
        params = params.model_copy(update={"sctir": changed})
    problem = Problem(id="problem", problem=arguments.text, answer="", source="command line")
    if not problem.problem.strip():
        raise settings.UserError("TEXT: the problem is empty")
    try:
        verdict = asyncio.run(solve_one(params, arguments.model, problem))
    except KeyboardInterrupt:
        sys.exit("interrupted")
    if arguments.json:
        print(json.dumps(dataclasses.asdict(verdict), ensure_ascii=False))
        return
    votes = ", ".join(f"{answer}: {count}" for answer, count in verdict.votes.items())
    print(f"{verdict.answer if verdict.answer is not None else 'no answer'}   (votes: {votes})")


async def solve_one(params: settings.Params, model: Path, problem: Problem) -> Verdict:
    """Solve one problem with the same code as the validation stage."""
    from numina.engine.transformers import TransformersEngine
    from numina.sandbox.pool import Pool
    from numina.sctir.solve import solve_all
    from numina.template import TEMPLATES

    def show(trace: Trace) -> None:
        found = trace.answer if trace.answer is not None else f"none ({trace.end})"
        tokens = trace.generated_tokens
        print(f"trace {trace.index + 1}: answer {found}, {tokens} tokens", file=sys.stderr)

    engine = TransformersEngine(model, params.engine.batch_size, params.engine.dtype)
    async with engine, Pool(params.sandbox) as pool:
        verdicts = await solve_all(
            engine,
            pool,
            [problem],
            TEMPLATES[params.template.name],
            params.sctir.seeds[0],
            params.sctir,
            params.sandbox,
            show,
        )
    return verdicts[0]


def run_doctor(arguments: argparse.Namespace) -> None:
    """Say what is here."""
    from numina.doctor import examine

    found = examine()
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for title, content in found.items():
        print(title)
        rows: Any = content.items() if isinstance(content, dict) else enumerate(content or ["none"])
        for key, value in rows:
            print(f"  {key}: {value if value is not None else 'missing'}")


if __name__ == "__main__":
    main()
