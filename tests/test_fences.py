"""Fences as models write them."""

import pytest

from numina.fences import blocks, outputs, prose

CODE = "print(1)\n"


@pytest.mark.parametrize(
    "opening",
    [
        "```python",
        "```py",
        "```Python",
        "```python3",
        "``` python",
        "```python  ",
        "  ```py",
        "````python",
        "```{python}",
        "```{.python .numberLines}",
        '```python title="x.py"',
        "```python:x.py",
        "```python 3",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_program_is_found_however_its_fence_is_written(opening, end):
    text = f"We add.{end}{opening}{end}print(1){end}```{end}Done."
    (block,) = blocks(text)
    assert (block.kind, block.text) == ("python", f"print(1){end}")
    assert prose(text).split() == ["We", "add.", "Done."]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "```python\n# prints ``` nothing\nprint(42)\n```\n",
            ["# prints ``` nothing\nprint(42)\n"],
        ),
        (
            '```python\n"""Use `x` and\n```x``` here."""\n```\n',
            ['"""Use `x` and\n```x``` here."""\n'],
        ),
        ("1. First\n   ```python\n   print(1)\n   ```\n", ["   print(1)\n"]),
        ("so: ```python\nprint(1)\n```\n", [CODE]),
        ("```python\nprint(1)", ["print(1)"]),
        ("```python\n```\n", [""]),
        ("```python\nx = 1\nprint('x')```\nSo\n", ["x = 1\nprint('x')"]),
        ("```python\nx = 1 # ```\ny = '```\n```\n", ["x = 1 # ```\ny = '```\n"]),
        ("```python is a language\nprint(1)\n", []),
        ("inline ```python``` code and ```x```\n", []),
        ("no fence", []),
        ("", []),
    ],
)
def test_only_a_line_of_its_own_closes_a_program(text, found):
    assert [block.text for block in blocks(text)] == found


def test_outputs_stand_behind_their_programs():
    text = "```python\nprint(1)\n```\n```output\n1\n```\nThen\n```py\nprint(2)\n```\n```output\n2\n"
    assert [block.kind for block in blocks(text)] == ["python", "output", "python", "output"]
    assert outputs(text) == ["1\n", "2\n"]
    assert prose(text).split() == ["Then"]


def test_an_output_ends_a_program_that_was_not_closed():
    text = "```python\nprint(1)\n```output\n1\n```\nSo 1."
    assert [block.kind for block in blocks(text)] == ["python", "output"]
    assert prose(text).split() == ["So", "1."]


def test_a_fence_too_many_hides_nothing():
    text = "```python\nprint(1)\n```\n```\nThe answer is 1.\n```python\nprint(2)\n```\n"
    assert "The answer is 1." in prose(text)
    assert "The answer is 2." in prose("```output\n1\n```\n```\nThe answer is 2.")


def test_other_languages_are_no_prose():
    text = "```json\n{}\n```\nA\n```\n\\boxed{5}\n```\nB"
    assert [block.kind for block in blocks(text)] == ["json", ""]
    assert prose(text).split() == ["A", "B"]


def test_blocks_lie_apart_and_in_the_text():
    text = "a\n```py\nx\n```\nb\n```output\ny\n```"
    one, other = blocks(text)
    assert text[one.start : one.end] == "```py\nx\n```\n"
    assert text[other.start : other.end] == "```output\ny\n```"
