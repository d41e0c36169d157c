"""Grade what the systems answered: accuracy with its interval, spread over seeds, maj@k, cost."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.answer.equal import equal
from numina.records import Problem, Trace, Verdict, read_problems, read_traces, read_verdicts
from numina.sctir.vote import tally
from numina.settings import UserError

SYSTEMS = ("cot", "tir", "gptq")
Golds = dict[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that the evaluation stages wrote, checked against the validation sets.

    Attributes:
        problems: by split.
        greedy: by system and split, a trace a problem, in the order of the problems.
        sctir: by split and seed, a verdict a problem, in the order of the problems.
    """

    problems: dict[str, list[Problem]]
    greedy: dict[str, dict[str, list[Trace]]]
    sctir: dict[str, dict[int, list[Verdict]]]


def read_results(validation: Path, greedy: Path, sctir: Path) -> Results:
    """Read and check all evaluation files.

    Raises:
        UserError: a file is missing, or a problem is missing, unknown or there twice in one.
    """
    problems = {file.stem: read_problems(file) for file in sorted(validation.glob("*.jsonl"))}
    if not problems:
        raise UserError(f"{validation}: no splits there")
    traces: dict[str, dict[str, list[Trace]]] = {}
    verdicts: dict[str, dict[int, list[Verdict]]] = {}
    for split, rows in problems.items():
        for system in SYSTEMS:
            file = greedy / system / f"{split}.jsonl"
            found = in_order(file, rows, read_traces(existing(file)))
            traces.setdefault(system, {})[split] = found
        files = sorted((sctir / split).glob("seed_*.jsonl"))
        if not files:
            raise UserError(f"{sctir / split}: no seed_*.jsonl there")
        verdicts[split] = {
            int(file.stem.removeprefix("seed_")): in_order(file, rows, read_verdicts(file))
            for file in files
        }
    return Results(problems, traces, verdicts)


def existing(file: Path) -> Path:
    """The file itself.

    Raises:
        UserError: it is missing.
    """
    if not file.exists():
        raise UserError(f"{file}: not found")
    return file


def in_order(file: Path, problems: Sequence[Problem], rows: Sequence[Any]) -> list[Any]:
    """Rows in the order of their problems, one each.

    Raises:
        UserError: a problem is missing, unknown, or there twice, with the file and its id.
    """
    by_id: dict[str, Any] = {}
    for row in rows:
        if row.problem_id in by_id:
            raise UserError(f"{file}: problem {row.problem_id!r} is there twice")
        by_id[row.problem_id] = row
    missing = [problem.id for problem in problems if problem.id not in by_id]
    if missing:
        raise UserError(f"{file}: problem {missing[0]!r} is missing")
    unknown = by_id.keys() - {problem.id for problem in problems}
    if unknown:
        raise UserError(f"{file}: problem {min(unknown)!r} is not in the split")
    return [by_id[problem.id] for problem in problems]


def is_right(answer: str | None, gold: str) -> bool:
    """Whether an answer is equal to the gold; an undecided one is not right."""
    return answer is not None and equal(answer, gold).equal is True


def wilson(p: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval (Wilson 1927) for a share `p` of `n` problems, at 95%.

    `p` may be a mean over seeds: then the interval is that of `n` problems, as the seeds of one
    problem are no independent evidence on how hard the set is.
    """
    centre = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((centre + sign * spread) / (1 + z * z / n) for sign in (-1, 1))
    return max(0.0, low), min(1.0, high)


def accuracy(p: float, n: int) -> dict[str, float]:
    """An accuracy with its interval and the number of problems."""
    low, high = wilson(p, n)
    return {"accuracy": p, "ci95_low": low, "ci95_high": high, "n": n}


def greedy_metrics(traces: Sequence[Trace], golds: Golds) -> dict[str, float]:
    """Accuracy and cost of one greedy system."""
    right = sum(is_right(trace.answer, golds[trace.problem_id]) for trace in traces)
    n = len(traces)
    return {
        **accuracy(right / n, n),
        "tokens_per_problem": sum(trace.generated_tokens for trace in traces) / n,
    }


def sctir_metrics(by_seed: Mapping[int, Sequence[Verdict]], golds: Golds) -> dict[str, Any]:
    """Accuracy, its spread over seeds, why traces ended, and cost of SC-TIR.

    `tokens_saved` is a share of what all N traces would have taken; `accuracy_std` is 0 where there
    is one seed only.
    """
    per_seed = [
        statistics.mean(is_right(verdict.answer, golds[verdict.problem_id]) for verdict in verdicts)
        for verdicts in by_seed.values()
    ]
    verdicts = [verdict for group in by_seed.values() for verdict in group]
    spent = cost(verdicts)
    generated, saved = spent["tokens_generated"], spent["tokens_saved"]
    ends = Counter(trace.end for verdict in verdicts for trace in verdict.traces)
    return {
        **accuracy(statistics.mean(per_seed), len(next(iter(by_seed.values())))),
        "accuracy_std": statistics.stdev(per_seed) if len(per_seed) > 1 else 0.0,
        "seeds": len(per_seed),
        "tokens_per_problem": generated / len(verdicts),
        "tokens_saved": saved / max(1, generated + saved),
        "ends": dict(sorted(ends.items())),
        "cost": spent,
    }


def cost(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """What the traces of all verdicts took together, in tokens and in seconds.

    Of many traces side by side each has seconds of its own, so these add up to more than the
    wall-clock. The tokens saved are an estimate: the traces that were not run, times the mean
    length of their problem's own.
    """
    traces = [trace for verdict in verdicts for trace in verdict.traces]
    saved = sum(
        verdict.outstanding * statistics.mean(t.generated_tokens for t in verdict.traces)
        for verdict in verdicts
        if verdict.traces
    )
    return {
        "tokens_prompted": sum(trace.prompt_tokens for trace in traces),
        "tokens_cached": sum(trace.cached_tokens for trace in traces),
        "tokens_generated": sum(trace.generated_tokens for trace in traces),
        "tokens_saved": round(saved),
        "decode_s": round(sum(trace.decode_s for trace in traces), 1),
        "execute_s": round(sum(trace.execute_s for trace in traces), 1),
        "wait_s": round(sum(trace.wait_s for trace in traces), 1),
    }


def metrics(results: Results, seconds: float) -> dict[str, dict[str, dict[str, Any]]]:
    """All figures by split and system; the split `all` holds every problem.

    Args:
        results: what the evaluation stages wrote.
        seconds: wall-clock of the whole SC-TIR stage, in which problems run side by side.
    """
    splits = list(results.problems)
    table: dict[str, dict[str, dict[str, Any]]] = {}
    asked = sum(len(v) for split in splits for v in results.sctir[split].values())
    for name, chosen in [*((split, [split]) for split in splits), ("all", splits)]:
        golds = {row.id: row.answer for split in chosen for row in results.problems[split]}
        table[name] = {
            f"{system}_greedy": greedy_metrics(
                [trace for split in chosen for trace in results.greedy[system][split]], golds
            )
            for system in SYSTEMS
        }
        seeds = sorted(set.intersection(*(set(results.sctir[split]) for split in chosen)))
        by_seed = {
            seed: [v for split in chosen for v in results.sctir[split][seed]] for seed in seeds
        }
        table[name]["sctir"] = {
            **sctir_metrics(by_seed, golds),
            "seconds_per_problem": seconds / asked,
        }
    return rounded(table)


def rounded(value: Any) -> Any:
    """Nested figures with four decimals."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return round(value, 4)


def majority_curve(results: Results) -> list[dict[str, Any]]:
    """Accuracy of the vote of the first k traces, for all k up to N, mean over seeds.

    Where the lossless stop left traces unstarted, the vote of those that ran is that of any more.
    """
    rows = []
    for split, by_seed in results.sctir.items():
        golds = {row.id: row.answer for row in results.problems[split]}
        verdicts = [verdict for group in by_seed.values() for verdict in group]
        for k in range(1, max(verdict.n for verdict in verdicts) + 1):
            votes = [(tally(verdict.traces[:k]), golds[verdict.problem_id]) for verdict in verdicts]
            right = [bool(vote) and is_right(vote[0][0], gold) for vote, gold in votes]
            rows.append({"split": split, "k": k, "accuracy": round(statistics.mean(right), 4)})
    return rows
