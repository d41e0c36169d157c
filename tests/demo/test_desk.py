"""Visitors in a queue, and problems that hang or fail beside others that do not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from numina.agent.calls import FENCED, Calls, Fenced, Harmony, Tagged
from numina.demo import desk as desks
from numina.demo.desk import Desk, Refused, Terms
from numina.demo.visit import Visit
from tests.demo.played import BROKEN, FAILS, PROGRAM, Played, desk_of, sctir

PARTS = {
    "good": [["\\boxed{7}"], ["\\boxed{7}"], ["\\boxed{5}"]],
    "program": [*[[PROGRAM, "So \\boxed{2}."]] * 2, ["HANG"]],
    "tagged": [["We add.\n<tool_call>\nprint(1 + 1)\n</tool_call>", "\\boxed{2}"]] * 3,
    "harmony": [
        [
            "<|channel|>analysis<|message|>We add.<|end|><|start|>assistant<|channel|>analysis "
            "to=python code<|message|>print(1 + 1)<|call|>",
            "<|channel|>final<|message|>\\boxed{2}<|return|>",
        ]
    ]
    * 3,
    "chat": [["We add.\n```python\nprint(1 + 1)\n```", "\\boxed{2}"]] * 3,
    "hangs": [["HANG"]] * 3,
    "clings": [["CLING"]] * 3,
    "half": [["\\boxed{7}"], ["HANG"], ["HANG"]],
    "fails": [["\\boxed{7}"], ["\\boxed{7}"], FAILS],
    "broken": [BROKEN] * 3,
    "bug": [[ZeroDivisionError("of a library")]] * 3,
    "held": [["WAIT held \\boxed{1}"]] * 3,
}


def run(
    terms: Terms, work: Callable[[Desk, Played], Awaitable[None]], calls: Calls = FENCED
) -> None:
    """Use a desk, with a limit of time."""

    async def used() -> None:
        played = Played(PARTS)
        desk = desk_of(played, terms, sctir(3), calls=calls)
        try:
            await work(desk, played)
        finally:
            played.released = True
            await desk.close()

    asyncio.run(asyncio.wait_for(used(), 60))


async def last_of(visit: Visit) -> dict:
    return [message async for _, message in visit.read()][-1]


def kinds(visit: Visit) -> list[str]:
    return [message["kind"] for message in visit.messages]


def test_a_problem_is_told_from_its_turn_to_its_verdict():
    async def work(desk, played):
        visit = desk.ask("a program $x^2$")
        last = await last_of(visit)
        assert last["kind"] == "verdict"
        assert last["answer"] == ["2"]
        assert (last["ran"], last["doubts"]) == (2, [])
        assert "only 1 vote is outstanding" in last["certificate"]
        assert kinds(visit)[0] == "begin"
        (first,) = [m for m in visit.messages if m["kind"] == "grow" and m["trace"] == 0][:1]
        assert first["doing"] == "runs"
        assert [kind for kind, _ in first["parts"]] == ["text", "python"]
        outputs = [m for m in visit.messages if m["kind"] == "grow" and m["at"] == 2]
        assert outputs[0]["parts"] == [["output", "2"]]
        assert outputs[0]["doing"] == "writes"

    run(Terms(1, 60), work)


@pytest.mark.parametrize(
    ("text", "calls"),
    [("tagged", Tagged()), ("harmony", Harmony()), ("chat", Fenced(chat=True))],
)
def test_programs_are_shown_however_a_model_calls_python(text, calls):
    async def work(desk, played):
        visit = desk.ask(text)
        assert (await last_of(visit))["answer"] == ["2"]
        parts: list = []
        for message in visit.messages:
            if message["kind"] == "grow" and message["trace"] == 0:
                parts[message["at"] :] = message["parts"]
        assert ["python", "print(1 + 1)"] in parts
        assert ["output", "2"] in parts
        assert parts.index(["output", "2"]) == parts.index(["python", "print(1 + 1)"]) + 1
        states = [m["doing"] for m in visit.messages if m["kind"] == "grow" and m["trace"] == 0]
        assert states == ["runs", "writes", "writes"]
        assert "tool_call" not in str(parts) and "<|" not in str(parts)

    run(Terms(1, 60), work, calls)


def test_the_others_wait_in_the_order_in_which_they_came():
    async def work(desk, played):
        first, second, third = (desk.ask(text) for text in ("held", "good one", "good two"))
        assert [m["ahead"] for m in second.messages] == [0, 0]
        assert [m["ahead"] for m in third.messages] == [1]
        played.let("held")
        for visit in (first, second, third):
            assert (await last_of(visit))["kind"] == "verdict"
        assert [m["ahead"] for m in third.messages if m["kind"] == "waiting"] == [1, 0]
        prompts = [prompt.split()[0] for prompt in played.asked]
        assert prompts.index("good") == prompts.count("held")

    run(Terms(1, 60), work)


@pytest.mark.parametrize("text", ["hangs", "clings"])
def test_a_problem_that_hangs_costs_its_visitor_only(monkeypatch, text):
    monkeypatch.setattr(desks, "GRACE_S", 0.05)

    async def work(desk, played):
        hanging = desk.ask(text)
        beside = desk.ask("good beside it")
        assert (await last_of(beside))["answer"] == ["7"]
        assert not hanging.over
        desk.stop(hanging)
        assert "You stopped it" in (await last_of(hanging))["doubts"][0]

    run(Terms(2, 3600), work)


@pytest.mark.parametrize("text", ["hangs", "clings"])
def test_it_gives_its_place_up_when_its_time_is_up(monkeypatch, text):
    monkeypatch.setattr(desks, "GRACE_S", 0.05)

    async def work(desk, played):
        hanging, behind = desk.ask(text), desk.ask("held behind it")
        played.let("held")
        assert "The time was up" in (await last_of(hanging))["doubts"][0]
        assert (await last_of(behind))["kind"] == "verdict"

    run(Terms(1, 0.3), work)


def test_one_that_tells_nothing_gives_its_place_up_and_goes_on_beside():
    async def work(desk, played):
        hanging, behind, last = (desk.ask(text) for text in ("half", "good", "good too"))
        for visit in (behind, last):
            assert (await last_of(visit))["answer"] == ["7"]
        assert not hanging.over
        desk.stop(hanging)
        assert (await last_of(hanging))["answer"] == ["7"]

    run(Terms(1, 3600, quiet_s=0.1), work)


def test_those_in_work_without_a_place_are_not_without_number():
    async def work(desk, played):
        hanging = [desk.ask("hangs") for _ in range(desks.CROWD)]
        waiting = desk.ask("good")
        while len(desk.solving) < desks.CROWD or desk.placed:
            await asyncio.sleep(0.01)
        assert kinds(waiting)[-1] == "waiting"
        desk.stop(hanging[0])
        assert (await last_of(waiting))["answer"] == ["7"]

    run(Terms(1, 3600, quiet_s=0.05), work)


def test_what_was_found_before_it_hung_counts():
    async def work(desk, played):
        visit = desk.ask("half")
        async for _, message in visit.read():
            if message["kind"] == "votes" and message["rows"]:
                break
        desk.stop(visit)
        last = await last_of(visit)
        assert last["answer"] == ["7"]
        assert last["certificate"] == ""
        assert last["doubts"] == [
            "You stopped it with 2 votes outstanding, which could change it.",
            "Only one trace gave an answer.",
        ]

    run(Terms(1, 3600), work)


@pytest.mark.parametrize(
    ("text", "said"), [("broken", "The engine cannot answer now"), ("bug", "An unexpected error")]
)
def test_an_engine_that_fails_tells_visitors_nothing_of_the_machine(text, said):
    async def work(desk, played):
        broken, after = desk.ask(text), desk.ask("good after it")
        last = await last_of(broken)
        assert (last["kind"], said in last["text"]) == ("failed", True)
        assert "10.0.0.7" not in str(broken.messages)
        assert (await last_of(after))["answer"] == ["7"]

    run(Terms(1, 60), work)


def test_a_trace_that_fails_leaves_the_vote_to_the_others():
    async def work(desk, played):
        visit = desk.ask("fails")
        last = await last_of(visit)
        assert last["answer"] == ["7"]
        ended = {m["trace"]: m for m in visit.messages if m["kind"] == "ended"}
        assert 2 not in ended or "failed for good" in ended[2]["why"]
        assert "10.0.0.7" not in str(visit.messages)

    run(Terms(1, 60), work)


def test_one_that_waits_can_be_stopped_and_the_next_moves_up():
    async def work(desk, played):
        first, second, third = (desk.ask(text) for text in ("held", "good one", "good two"))
        desk.stop(second)
        assert (await last_of(second))["text"] == "You stopped it before its turn came."
        assert third.messages[-1] == {"kind": "waiting", "ahead": 0}
        desk.stop(first)
        assert (await last_of(third))["answer"] == ["7"]
        assert not [prompt for prompt in played.asked if "one" in prompt]

    run(Terms(1, 60), work)


def test_a_problem_that_nobody_follows_is_stopped():
    async def work(desk, played):
        followed, left = desk.ask("hangs"), desk.ask("hangs too")
        followed.readers, followed.arrivals = 1, 1
        assert "You stopped it" in (await last_of(left))["doubts"][0]
        assert not followed.over

    run(Terms(2, 3600, absence_s=0.1), work)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 4001, "4001 characters"),
        ("x " * 1999 + "y", "leave no room in max_context"),
        (" \n", "the statement is empty"),
    ],
)
def test_what_cannot_be_solved_is_refused_with_the_reason(text, reason):
    async def work(desk, played):
        with pytest.raises(Refused, match=reason):
            desk.ask(text)
        assert not desk.visits

    run(Terms(1, 60), work)


def test_the_queue_has_an_end():
    async def work(desk, played):
        for _ in range(3):
            desk.ask("hangs")
        with pytest.raises(Refused, match="Too many problems are waiting"):
            desk.ask("hangs")

    run(Terms(1, 3600, waiting=2), work)


def test_visits_that_are_over_are_forgotten_in_their_order(monkeypatch):
    monkeypatch.setattr(desks, "KEPT", 2)

    async def work(desk, played):
        visits = [desk.ask(f"good {number}") for number in range(4)]
        for visit in visits:
            await last_of(visit)
        again = desk.ask("good again")
        assert list(desk.visits) == [visits[2].id, visits[3].id, again.id]

    run(Terms(1, 60), work)


def test_closing_ends_everything():
    async def work(desk, played):
        visits = [desk.ask("hangs"), desk.ask("hangs"), desk.ask("good")]
        await asyncio.sleep(0)
        await desk.close()
        for visit in visits:
            assert (await last_of(visit)) == {"kind": "failed", "text": "The demo was closed."}

    run(Terms(2, 3600), work)
