"""Finding answers in texts: a table of traps."""

import json
from pathlib import Path

import pytest

from numina.answer.find import find_answer, last_box, stated_answer

CASES = json.loads(Path(__file__).with_name("find_cases.json").read_text(encoding="utf-8"))
FINDERS = {
    "last_box": last_box,
    "find_answer": find_answer,
    "from_output": lambda text: find_answer(text, from_output=True),
    "stated_answer": stated_answer,
}


@pytest.mark.parametrize(
    ("finder", "text", "found"),
    [
        pytest.param(FINDERS[table], *case, id=f"{table}: {trap}")
        for table, cases in CASES.items()
        for trap, case in cases.items()
    ],
)
def test_what_is_found(finder, text, found):
    assert finder(text) == found
