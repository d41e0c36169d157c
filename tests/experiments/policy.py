"""A tiny policy that has learned a few solutions with programs, so that its samples run some."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from numina.records.problem import Problem
from numina.template import TEMPLATES, encode

TEMPLATE = TEMPLATES["boundary"]


def solved(number: int, answer: int) -> Problem:
    """A problem with a solution whose program prints `answer`, on two lines."""
    program = f"```python\nprint(4+{number})\nprint(9)\n```\n"
    text = f"We add.\n{program}```output\n{answer}\n9\n```\nThe answer is $\\boxed{{{answer}}}$."
    statement = f"What is $4+{number}$?"
    return Problem(str(number), statement, str(4 + number), "t", text)


# Of each problem the policy has learned a right answer by a program, and a wrong one without.
PROBLEMS = [solved(12, 16), solved(3, 7)]
WRONG = [replace(each, solution="The answer is $\\boxed{8}$.") for each in PROBLEMS]


def taught(model: Path, folder: Path, steps: int = 200) -> Path:
    """Train a model until its samples are the right and the wrong solutions, by chance."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network: Any = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    rows = [*PROBLEMS, *WRONG]
    made = [encode(tokenizer, TEMPLATE, row.problem, row.solution) for row in rows]
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(steps):
        loss: Any = 0
        for row in made:
            ids, labels = (torch.tensor([row[name]]) for name in ("input_ids", "labels"))
            loss = loss + network(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
