"""Which rows a quantiser sees, and which are left to measure on."""

import pytest

from numina.errors import UserError
from numina.models.calibration import LEAST, MEASURED, PROMPTS, choose_rows
from numina.records.problem import Problem
from tests.models.conftest import ROWS, TEMPLATE, knobs


def rows(count: int) -> list[Problem]:
    return [Problem(str(i), f"What is ${i}+1$?", "1", "t", f"It is {i}.") for i in range(count)]


@pytest.mark.parametrize(
    ("count", "asked", "calibration", "measured"),
    [
        (2, 16, 1, 1),
        (4, 16, 3, 1),
        (12, 8, 8, 4),
        (12, 16, 9, 3),
        (40, 16, 16, MEASURED),
        (20, 16, 15, 5),
        (232, 16, 16, MEASURED),
    ],
)
def test_some_rows_are_never_calibrated_on(tokenizer, count, asked, calibration, measured):
    params = knobs({"quantize.rows": asked})
    found = choose_rows(rows(count), tokenizer, TEMPLATE, params, 512)
    assert (len(found.calibration), len(found.measured)) == (calibration, measured)
    assert len(found.prompts) == min(PROMPTS, measured)
    seen = {tuple(row["input_ids"]) for row in found.calibration}
    assert not seen & {tuple(row["input_ids"]) for row in found.measured}


def test_rows_that_gptqmodel_would_drop_or_cut_are_counted(tokenizer):
    short = Problem("short", "", "", "t", "")
    long = Problem("long", "1 " * 600, "", "t", "2")
    found = choose_rows([*ROWS, short, long], tokenizer, TEMPLATE, knobs(), 512)
    assert found.left_out == 1 + (len(short_row(tokenizer)) < LEAST)
    assert all(len(row["input_ids"]) >= LEAST for row in found.calibration)


def short_row(tokenizer) -> list[int]:
    return [*tokenizer(TEMPLATE.render(""))["input_ids"], 0]


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_rows_are_refused_with_their_numbers(tokenizer, count):
    reason = "no calibration rows" if not count else "1 of 1 calibration rows"
    with pytest.raises(UserError, match=reason):
        choose_rows(rows(count), tokenizer, TEMPLATE, knobs(), 512)


def test_rows_beyond_the_positions_are_refused_with_their_numbers(tokenizer):
    with pytest.raises(UserError, match=r"0 of 12 calibration rows .* the model's 12 positions"):
        choose_rows(ROWS, tokenizer, TEMPLATE, knobs(), 12)
