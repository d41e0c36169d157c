"""Prompts by name, and the conversations that traces are."""

import pytest

from numina.errors import UserError
from numina.teacher.prompt import conversation, next_problem, prompt_named


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("chat", ""),
        ("few_shot", "\n### Problem:"),
        ("boundary", "\n### Problem:"),
        ("winners", "\n### Problem:"),
    ],
)
def test_a_prompt_has_its_problem_and_tells_where_another_one_would_begin(name, ends):
    template = prompt_named(name)
    assert "What is 2+3?" in template.render("What is 2+3?")
    assert next_problem(template) == ends


def test_a_prompt_of_ones_own(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("Frage: {problem}\nAntwort:", encoding="utf-8")
    assert prompt_named(str(file)).render(" 2+3 ") == "Frage: 2+3\nAntwort:"
    assert next_problem(prompt_named(str(file))) == "\nFrage:"


@pytest.mark.parametrize("content", [b"no place", b"\xff\xfe{problem}", None])
def test_a_prompt_that_cannot_be_used_is_one_line_with_its_name(tmp_path, content):
    file = tmp_path / "mine.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=r"^teacher\.prompt: '.*mine\.txt' "):
        prompt_named(str(file))


def test_an_output_with_fences_of_its_own_stays_with_the_user():
    text = "```python\nprint(x)\n```\n```output\na\n```\nb\n```\n"
    messages = conversation("Q", text)
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert "b" in messages[-1]["content"]
