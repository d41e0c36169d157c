"""What the text of a trace votes for, under the rule of AIME: a whole number from 0 to 999."""

import json
from pathlib import Path

import pytest

from numina.answer.find import find_answer
from numina.answer.rule import admit
from numina.settings.splits import AnswerRule

AIME = AnswerRule(integer=True, modulus=0, lowest=0, highest=999, from_output=False)
CASES = json.loads(Path(__file__).with_name("vote_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("text", "vote"), CASES)
def test_what_a_text_votes_for(text, vote):
    answer = find_answer(text)
    assert (None if answer is None else admit(answer, AIME)[0]) == (
        None if vote is None else str(vote)
    )
