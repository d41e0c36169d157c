"""A budget is never exceeded, ends the run in one line, and nothing is lost by it."""

import asyncio
import re
from typing import Any

import pytest

from numina.errors import UserError
from numina.teacher.kept import Kept, Paid
from tests.engine.misbehaving import Reply, Told
from tests.teacher.speaking import chat
from tests.teacher.test_engine import ask

# Each answer has 3 tokens of its prompt and 20 of its own; up to 100 are allowed.
ANSWER = chat("4", tokens=20)
PROMPTS = [f"Q{i:02}" for i in range(40)]
PRICES = {"price_prompt": 1e6, "price_answer": 1e6, "max_new_tokens": 100}  # 1 a token


@pytest.mark.parametrize("limit", [{"budget": 300.0}, {"budget_tokens": 300}])
@pytest.mark.parametrize("at_once", [1, 8])
def test_a_budget_stops_the_run_and_a_larger_one_goes_on(tmp_path, limit, at_once):
    server = Told(last=Reply(ANSWER.body, delay=0.01))
    given: dict[str, Any] = PRICES | {"at_once": at_once}
    done = ask(tmp_path, server, prompts=PROMPTS, **limit, **given)
    errors = [one for one in done if one != "4"]
    assert {type(one) for one in errors} == {UserError}
    (knob,) = limit
    assert re.match(
        rf"hardware\.teacher\.{knob}: 300 does not cover another answer of up to 100 tokens; "
        r"paid so far: \d+ answers of \d+ tokens for \d+\. All answers are kept: raise it",
        str(errors[0]),
    )
    bought = len(server.asked)
    assert done.count("4") == bought
    assert 200 < 23 * bought <= 300

    again = ask(tmp_path, server, prompts=PROMPTS, **limit, **given)
    assert again.count("4") == bought, "the same budget, reached before the first purchase"
    assert len(server.asked) == bought

    larger = {key: 10 * value for key, value in limit.items()}
    assert ask(tmp_path, server, prompts=PROMPTS, **larger, **given) == ["4"] * 40
    assert len(server.asked) == 40, "no answer was asked for twice"


def test_answers_that_cannot_be_used_are_paid_for_as_well(tmp_path):
    server = Told(*[chat(None, tokens=20)] * 2, last=ANSWER)
    ask(tmp_path, server, prompts=["Q"], **PRICES)
    kept = Kept(tmp_path / "answers")
    assert kept.paid("m") == Paid(3, 9, 60)
    kept.close()


def test_a_server_that_states_no_usage_is_paid_the_most_that_it_may_cost(tmp_path):
    silent = {"choices": ANSWER.body["choices"]}
    ask(tmp_path, Told(last=Reply(silent)), prompts=["Q"], **PRICES)
    kept = Kept(tmp_path / "answers")
    assert kept.paid("m") == Paid(1, 1, 100)
    kept.close()


def test_each_model_has_its_own_account(tmp_path):
    server = Told(last=ANSWER)
    for model in ("a", "b"):
        given: dict[str, Any] = PRICES | {"model": model, "budget": 130.0}
        done = ask(tmp_path, server, prompts=PROMPTS[:3], **given)
        assert done.count("4") == 2


def test_requests_in_flight_end_and_are_kept_when_the_budget_stops_the_run(tmp_path):
    """The first to find the budget spent ends the run, while others wait for answers."""
    from numina.teacher.engine import TeacherEngine
    from tests.engine.misbehaving import serving
    from tests.teacher.speaking import teacher_params

    server = Told(by=lambda asked: Reply(ANSWER.body, delay=0.5))

    async def go() -> None:
        async with serving(server) as urls:
            params = teacher_params(urls, tmp_path)
            async with TeacherEngine(params.teacher, params.hardware) as engine:
                jobs = [asyncio.create_task(engine.ask(prompt)) for prompt in PROMPTS[:3]]
                while not server.in_flight:
                    await asyncio.sleep(0.01)
                for job in jobs:
                    job.cancel()
                raise UserError("the end")

    with pytest.raises(UserError, match="the end"):
        asyncio.run(go())
    assert len(server.asked) == 1
    assert server.left == 0, "no connection was closed before its answer"
    assert ask(tmp_path, Told(last=Reply(b"", 500)), prompts=PROMPTS[:1]) == ["4"]
