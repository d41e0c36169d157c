"""A small model that has learnt something, so that a quantised twin can be told from noise."""

from pathlib import Path

import pytest

from numina.records.problem import Problem
from numina.template import TEMPLATES, encode
from tests.conftest import changed_params

TEMPLATE = TEMPLATES["boundary"]
ROWS = [
    Problem(str(i), f"What is ${i}+1$?", str(i + 1), "t", f"It is $\\boxed{{{i + 1}}}$.")
    for i in range(12)
]
KNOBS = {"quantize.group_size": 32, "quantize.rows": 8}
METHODS = {
    "8-bit GPTQ": {},
    "4-bit GPTQ": {"quantize.bits": 4},
    "4-bit AWQ": {"quantize.method": "awq", "quantize.bits": 4},
}


def knobs(changes: dict[str, object] | None = None):
    """The section `quantize`, for the small model."""
    return changed_params({**KNOBS, **(changes or {})}).quantize


@pytest.fixture(scope="session")
def taught_folder(model_folder, tokenizer, tmp_path_factory) -> Path:
    """`model_folder` with outputs in multiples of 64, which AWQ needs, trained on `ROWS`."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(model_folder)
    config.num_key_value_heads = 2
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(config)
    rows = [encode(tokenizer, TEMPLATE, row.problem, row.solution) for row in ROWS]
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(12):
        for row in rows:
            batch = {name: torch.tensor([values]) for name, values in row.items()}
            network(**batch).loss.backward()
            optimiser.step()
            optimiser.zero_grad()
    folder = tmp_path_factory.mktemp("taught")
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
