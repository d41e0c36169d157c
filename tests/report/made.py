"""A made-up run in a folder: what the stages before `score` would have written.

python -m tests.report.made FOLDER      then: cd FOLDER; python -m stages.score ...
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from numina.corpus.yields import Round, yields
from numina.measure.systems import GREEDY, SCTIR
from numina.records.problem import Problem
from numina.records.trace import Trace, Verdict
from numina.rows import write_csv, write_json, write_rows, write_text
from numina.sctir.vote import margin, tally
from tests.conftest import PARAMS, make_trace, shards

SPLITS = {
    "mini_amc": [
        Problem(
            f"amc-{i}",
            f"What is $\\frac{{{6 * i + 12}}}{{2}}$? With $a<b$, \\$5, <script>alert(1)</script>.",
            str(3 * i + 6),
            "fractions",
            subject=("algebra", "number_theory")[i % 2],
            level=1 + i % 3,
            contest=f"AMC 12{'AB'[i % 2]} 2023",
        )
        for i in range(8)
    ],
    "mini_aime": [
        Problem(
            f"aime-{i}",
            f"Find the remainder of $2^{{{i + 5}}}$ by $7$.\n\\[x^2 \\le {i}\\]",
            str(2 ** (i + 5) % 7),
            "powers",
            subject="number_theory",
            level=5,
            unsound="a misread base" if i == 1 else "",
        )
        for i in range(4)
    ],
}
SKILL = {"cot_greedy": 0.1, "tir_greedy": 0.6, "gptq_greedy": 0.55, "sctir": 0.5}


def made_text(problem: Problem, answer: str | None, tool: bool) -> str:
    """A trace's text with an answer in it."""
    box = "I do not know." if answer is None else f"So the answer is $\\boxed{{{answer}}}$."
    if not tool:
        return f"We compute.\n{box}"
    return (
        f"We compute $n < {answer}$ by a program.\n```python\nfor i in range(1):\n"
        f"    print({answer!r})\n```\n```output\n{answer}\n```\n{box}"
    )


def made_trace(
    random_: random.Random, problem: Problem, system: str, index: int, seed: int
) -> Trace:
    """A trace that is right as often as its system's skill says."""
    draw = random_.random()
    answer = problem.answer if draw < SKILL[system] else str(random_.randrange(9))
    if draw > 0.95:
        answer = None
    tool = system != "cot_greedy"
    return make_trace(
        problem.id,
        index,
        answer,
        seed=seed,
        text=made_text(problem, answer, tool),
        tokens=random_.randrange(30, 120),
        logprob=-random_.random(),
        end="answer" if answer else random_.choice(["no_answer", "repeat", "context"]),
        statuses=("error", "ok")[random_.randrange(2) :] if tool else (),
    )


def made_verdict(traces: Sequence[Trace], problem: Problem, seed: int, n: int) -> Verdict:
    """The vote of traces, closed when no other could change it."""
    votes = []
    for taken in range(1, n + 1):
        votes = tally(traces[:taken])
        if margin(votes) > n - taken:
            break
    else:
        taken = n
    stop = "full" if taken == n else "lossless"
    winner = votes[0][0] if votes else None
    left = n - taken
    used = list(traces[:taken])
    return Verdict(
        problem.id, seed, winner, dict(votes), n, used, stop, margin(votes), left, 0, 2.0
    )


def write_run(
    folder: Path,
    splits: Mapping[str, Sequence[Problem]] = SPLITS,
    n: int = 4,
    seeds: Sequence[int] = (1, 2),
) -> None:
    """Write everything that `score` and `report` read, under `folder`."""
    draws = random.Random(7)
    for split, problems in splits.items():
        write_rows(folder / "data/validation" / f"{split}.jsonl", problems)
        for system in GREEDY:
            rows = [made_trace(draws, problem, system.name, 0, 0) for problem in problems]
            write_rows(folder / "eval/greedy" / system.model / f"{split}.jsonl", rows)
            write_json(folder / "eval/greedy" / system.model / "run.json", {"seconds": 100.0})
        for seed in seeds:
            verdicts = [
                made_verdict(
                    [made_trace(draws, problem, SCTIR.name, i, seed) for i in range(n)],
                    problem,
                    seed,
                    n,
                )
                for problem in problems
            ]
            write_rows(folder / "eval/sctir" / split / f"seed_{seed}.jsonl", verdicts)
    sctir = PARAMS.sctir.model_dump(mode="json")
    run = {
        "model": "models/quantised",
        "engine": "transformers",
        **sctir,
        "n": n,
        "seeds": list(seeds),
        "seconds": 200.0,
        "isolation": {"user_namespace": True, "landlock": True, "seccomp": False},
        "machine": {
            "processor": "A processor",
            "cores": 2,
            "memory_gib": 8.0,
            "accelerators": [],
            "python": "3.11.9",
        },
    }
    write_json(folder / "eval/sctir/run.json", run)
    rule = PARAMS.splits["mini_amc"].answer.model_dump(mode="json")
    write_json(folder / "data/answer_rules.json", dict.fromkeys(splits, rule))
    write_training(folder)


def write_training(folder: Path) -> None:
    """Write what the training stages and their data stages wrote."""
    for stage in ("cot", "tir"):
        lines = [
            f"{step},{step / 40},{0.1 + 1.2 / step:.5f},2.0e-04,{step * 900}\n"
            for step in range(1, 41)
        ]
        header = "step,epoch,loss,learning_rate,tokens\n"
        write_text(folder / "models" / f"{stage}.loss.csv", header + "".join(lines))
        rows = [Problem(str(i), "?", "1", ("powers", "fractions")[i % 2]) for i in range(9)]
        shards(folder / "data" / stage / "train", *rows)
    for folder_name, kept, rejected in (
        ("collected", 12, {"bad_row": 1}),
        ("clean", 10, {"leak": 2}),
        ("cot", 9, {"not_drawn": 1}),
        ("attempts", 9, {"no_teacher": 1}),
        ("tir", 12, {"wrong": 2, "failed": 1}),
    ):
        counts = {"in": kept + sum(rejected.values()), "kept": kept, "rejected": rejected}
        write_json(folder / "data" / folder_name / "counts.json", counts)
    rounds = [Round(9, 7, 9, 7, 1, 1), Round(2, 1, 2, 1, 1, 0)]
    by_number = {str(number): asdict(row) for number, row in enumerate(rounds, 1)}
    write_json(folder / "data/attempts/rounds.json", by_number)
    write_csv(folder / "data/attempts/rounds.csv", list(yields(rounds)[0]), yields(rounds))
    cost = {
        "method": "GPTQ",
        "bits": 8,
        "group_size": 64,
        "calibration_rows": 16,
        "loss_rows": 8,
        "loss_tokens": 900,
        "loss_before": 0.05,
        "loss_after": 0.06,
        "perplexity_before": 1.05127,
        "perplexity_after": 1.06184,
        "top1_agreement": 0.99556,
        "kl": 0.00021,
        "bytes_before": 540_000_000,
        "bytes_after": 250_000_000,
    }
    write_json(folder / "models/quantised/cost.json", cost)


if __name__ == "__main__":
    write_run(Path(sys.argv[1]))
