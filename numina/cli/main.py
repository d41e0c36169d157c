"""The `numina` command: solve a problem, enter a contest, run a program, measure, look around."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import signal
import sys
from pathlib import Path

from pydantic import ValidationError

from numina import entry, settings
from numina.errors import UserError

INTERRUPTED = 130  # the exit status after Ctrl-C, as a shell has it


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="numina", description="A competition-maths agent.")
    commands = parser.add_subparsers(dest="command", required=True)
    solve = commands.add_parser("solve", help="solve one problem by SC-TIR")
    solve.add_argument("text", help="the problem, in English with LaTeX")
    solve.add_argument("--model", type=Path, default=Path("models/gptq"), metavar="DIR")
    solve.add_argument("--n", type=int, help="traces (default: sctir.n of params.yaml)")
    solve.add_argument("--json", action="store_true", help="print the whole record as JSON")
    submit = commands.add_parser("submit", help="play the contest, write submission.csv")
    submit.add_argument("--model", type=Path, default=Path("models/gptq"), metavar="DIR")
    submit.add_argument(
        "--problems",
        type=Path,
        metavar="FILE",
        help="rows {id, problem} to be served as the contest does; without it, the contest's own",
    )
    submit.add_argument("--out", type=Path, default=Path("submission.csv"), metavar="FILE")
    submit.add_argument(
        "--scale", type=float, default=1.0, help="of the contest's 9 hours for 50 problems"
    )
    execute = commands.add_parser("exec", help="run Python in the sandbox; results as JSON")
    execute.add_argument(
        "--jsonl",
        nargs=2,
        type=Path,
        metavar=("IN", "OUT"),
        help="rows {id, blocks: [code, ...]} to rows {id, results: [...]}; else a program on stdin",
    )
    execute.add_argument("--timeout", type=float, metavar="S", help="wall-clock seconds a block")
    execute.add_argument("--memory", type=int, metavar="MB", help="memory of a session")
    grade = commands.add_parser("grade", help="decide whether answers equal their golds")
    grade.add_argument(
        "--jsonl",
        nargs=2,
        type=Path,
        required=True,
        metavar=("IN", "OUT"),
        help="rows {id, prediction, gold} to rows {id, equal, status, method}",
    )
    bench = commands.add_parser("bench", help="ours and baselines on the same work, in one run")
    bench.add_argument("what", choices=["sandbox", "soak", "sctir", "contest", "grade"])
    bench.add_argument("--traces", type=Path, metavar="FILE", help="sandbox: recorded traces")
    bench.add_argument("--model", type=Path, default=Path("models/gptq"), metavar="DIR")
    bench.add_argument("--problems", type=int, default=8, help="sctir: problems on the model")
    bench.add_argument("--n", type=int, default=16, help="sctir: traces a problem")
    bench.add_argument("--replayed", type=int, default=2000, help="sctir: recorded problems")
    bench.add_argument(
        "--pairs", type=Path, metavar="FILE", action="append", default=[],
        help="grade: labelled pairs beside our own; may be given again",
    )
    bench.add_argument("--json", action="store_true")
    doctor = commands.add_parser("doctor", help="what is on this machine")
    doctor.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    run = {
        "solve": run_solve,
        "submit": run_submit,
        "exec": run_exec,
        "grade": run_grade,
        "bench": run_bench,
        "doctor": run_doctor,
    }
    entry.run(run[arguments.command], arguments)


def run_solve(arguments: argparse.Namespace) -> None:
    """Answer a problem; its traces go to standard error as they grow, the answer to output."""
    from numina.cli.main.solve import ask, explain

    params = settings.load()
    if arguments.n is not None:
        if arguments.n < 1:
            raise UserError(f"--n: must be at least 1, got {arguments.n}")
        changed = params.sctir.model_copy(update={"n": arguments.n})
        params = params.model_copy(update={"sctir": changed})
    if not arguments.text.strip():
        raise UserError("TEXT: the problem is empty")
    try:
        verdict = asyncio.run(ask(params, arguments.model, arguments.text))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    if arguments.json:
        print(json.dumps(dataclasses.asdict(verdict), ensure_ascii=False))
        return
    print(verdict.answer if verdict.answer is not None else "no answer")
    print(explain(verdict))


def run_submit(arguments: argparse.Namespace) -> None:
    """Play the contest."""
    from numina.contest.play import play

    params = settings.load()
    if arguments.scale <= 0:
        raise UserError(f"--scale: must be above 0, got {arguments.scale}")
    try:
        play(params, arguments.model, arguments.problems, arguments.out, arguments.scale)
    except KeyboardInterrupt:
        print(f"interrupted; {arguments.out} has the answers so far", file=sys.stderr)
        sys.exit(INTERRUPTED)


def run_exec(arguments: argparse.Namespace) -> None:
    """Run programs in the sandbox of params.yaml; SIGTERM ends it as Ctrl-C does, with them."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        execute(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


def execute(arguments: argparse.Namespace) -> None:
    """One program, or a file of them."""
    from numina.records import progress_bar, read_rows, write_rows
    from numina.sandbox.pool import run_programs

    given = {"timeout_s": arguments.timeout, "memory_mb": arguments.memory}
    changed = {name: value for name, value in given.items() if value is not None}
    base = settings.load().sandbox.model_dump()
    try:
        params = settings.Sandbox(**base | changed)
    except ValidationError as error:
        wrong = error.errors()[0]
        option = {"timeout_s": "--timeout", "memory_mb": "--memory"}[str(wrong["loc"][0])]
        raise UserError(f"{option}: {wrong['msg']} (got {wrong['input']})") from None
    if arguments.jsonl is None:
        (results,) = run_programs(params, [[sys.stdin.buffer.read()]])
        print(json.dumps(results[0].as_dict(), ensure_ascii=False))
        return
    source, target = arguments.jsonl
    try:
        rows = read_rows(source)
    except (OSError, ValueError) as error:
        raise UserError(f"--jsonl: {error}") from None
    for number, row in enumerate(rows, 1):
        blocks = row.get("blocks")
        if "id" not in row or not isinstance(blocks, list):
            raise UserError(f"{source}:{number}: needs an 'id' and a list of 'blocks'")
        if not all(isinstance(block, str) for block in blocks):
            raise UserError(f"{source}:{number}: a block is no text")
        try:
            json.dumps(row["id"], ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise UserError(f"{source}:{number}: 'id' cannot be written") from None
    try:  # before any work
        write_rows(target.with_name(target.name + ".try"), [])
        target.with_name(target.name + ".try").unlink()
    except OSError as error:
        raise UserError(f"--jsonl: {error}") from None
    if target.is_dir():
        raise UserError(f"--jsonl: {target} is a folder")
    with progress_bar(len(rows), "sessions") as bar:
        done = run_programs(params, [row["blocks"] for row in rows], bar.update)
    write_rows(
        target,
        [
            {"id": row["id"], "results": [result.as_dict() for result in results]}
            for row, results in zip(rows, done, strict=True)
        ],
    )


def run_grade(arguments: argparse.Namespace) -> None:
    """Grade a file of pairs."""
    from numina.answer.grade import grade_file

    try:
        grade_file(*arguments.jsonl)
    except KeyboardInterrupt:
        sys.exit("interrupted")


def run_bench(arguments: argparse.Namespace) -> None:
    """Measure; the baselines stand in benchmarks/."""
    params = settings.load()
    for option in ("problems", "n", "replayed"):
        if getattr(arguments, option) < 1:
            raise UserError(f"--{option}: must be at least 1")
    if arguments.what == "sctir":
        from numina.bench import sctir

        sizes = arguments.problems, arguments.n, arguments.replayed
        found = sctir.bench(params, arguments.model, *sizes)
    elif arguments.what == "contest":
        from numina.bench import contest

        found = contest.bench(params)
    elif arguments.what == "grade":
        from numina.bench import grade

        found = grade.bench(arguments.pairs)
    else:
        from numina.bench import sandbox

        if arguments.what == "soak":
            found = sandbox.soak(params.sandbox)
        else:
            found = sandbox.bench(params.sandbox, arguments.traces)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, row in found.items():
        if isinstance(row, dict):
            cells = "".join(f"  {key} {value}" for key, value in row.items())
            print(f"{name:16}{cells}")
        else:
            print(f"{name:16}  {row}")


def run_doctor(arguments: argparse.Namespace) -> None:
    """Say what is here."""
    from numina.cli.main.doctor import describe, examine

    found = examine()
    print(json.dumps(found, indent=2) if arguments.json else describe(found))


if __name__ == "__main__":
    main()
