"""One template for training, calibration and decoding, held by token ids."""

import copy

import pytest

from numina.errors import UserError
from numina.fences import failed_spans, output_spans
from numina.template import IGNORED, TEMPLATES, encode, tokens_of

PROBLEM = "What is $4+12$?"
SOLUTION = "We add.\n```python\nprint(4+12)\n```\n```output\n16\n```\nThe answer is $\\boxed{16}$."


@pytest.mark.parametrize("start", ["We add", "$4+12$", "\\boxed{16}", "16", "```python\nx"])
def test_training_ids_begin_with_the_ids_that_decoding_sends(tokenizer, start):
    template = TEMPLATES["boundary"]
    asked = tokenizer(template.render(PROBLEM))["input_ids"]
    trained = encode(tokenizer, template, PROBLEM, start + SOLUTION)["input_ids"]
    assert trained[: len(asked)] == asked


def test_the_winners_template_breaks_that_which_is_why_it_is_not_the_default(tokenizer):
    template = TEMPLATES["winners"]
    asked = tokenizer(template.render(PROBLEM))["input_ids"]
    trained = encode(tokenizer, template, PROBLEM, SOLUTION)["input_ids"]
    assert template.render("x").endswith("### Solution: ")
    assert trained[: len(asked)] != asked


def test_ids_after_an_output_are_those_that_decoding_goes_on_from(tokenizer):
    template = TEMPLATES["boundary"]
    head = SOLUTION[: SOLUTION.index("The answer")]
    asked = tokenizer(template.render(PROBLEM) + head)["input_ids"]
    assert encode(tokenizer, template, PROBLEM, SOLUTION)["input_ids"][: len(asked)] == asked


def test_loss_is_taken_on_the_solution_and_the_end_token_only(tokenizer):
    row = encode(tokenizer, TEMPLATES["boundary"], PROBLEM, SOLUTION)
    trained = [token for token in row["labels"] if token != IGNORED]
    assert len(row["labels"]) == len(row["input_ids"])
    assert trained[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(trained[:-1]) == SOLUTION.replace("16\n```\n", "", 1)


def test_masks_are_parameters(tokenizer):
    row = encode(
        tokenizer, TEMPLATES["boundary"], PROBLEM, SOLUTION, mask_prompt=False, mask_output=False
    )
    assert row["labels"] == row["input_ids"]


FAILED = (
    "We try.\n```python\nprint(a)\n```\n```output\nNameError: name 'a'\n```\nWe set a first.\n"
    "```python\na = 4\nprint(a)\n```\n```output\n4\n```\nThe answer is $\\boxed{4}$."
)


@pytest.mark.parametrize("mask_failed", [True, False])
def test_no_loss_is_taken_on_programs_that_failed_only_on_what_mends_them(tokenizer, mask_failed):
    row = encode(tokenizer, TEMPLATES["boundary"], PROBLEM, FAILED, mask_failed=mask_failed)
    learnt = tokenizer.decode([label for label in row["labels"] if label != IGNORED])
    assert ("print(a)\n```\n```output\nWe set a first." in learnt) != mask_failed
    assert "We set a first.\n```python\na = 4\nprint(a)\n```" in learnt
    assert "NameError" not in learnt


@pytest.mark.parametrize(
    ("output", "spans"),
    [
        ("4", []),
        ("", ["print(a)\n"]),
        ("Traceback (most recent call last):\nTypeError: no", ["print(a)\n"]),
        ("TimeoutError: no result after 5.0 seconds", ["print(a)\n"]),
        ("The error is small", []),
    ],
)
def test_programs_that_failed_are_found(output, spans):
    text = f"We try.\n```python\nprint(a)\n```\n```output\n{output}\n```\nSo."
    assert [text[a:b] for a, b in failed_spans(text)] == spans


def test_every_output_is_found_and_an_unclosed_one_runs_to_the_end():
    text = "```output\n1\n```\nthen\n```output\n2"
    assert [text[a:b] for a, b in output_spans(text)] == ["1\n```\n", "2"]


@pytest.fixture(params=["appends its end token", "prepends a start token", "both"])
def adding(request, tokenizer):
    """The tokenizer, adding tokens of its own to each text."""
    from tokenizers.processors import TemplateProcessing

    changed = copy.deepcopy(tokenizer)
    changed.add_special_tokens({"bos_token": "<|start|>"})
    before = "" if request.param.startswith("appends") else "<|start|> "
    behind = "" if request.param.startswith("prepends") else " <|end|>"
    changed.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{before}$A{behind}",
        special_tokens=[
            ("<|start|>", changed.bos_token_id),
            ("<|end|>", changed.eos_token_id),
        ],
    )
    return changed


def test_an_end_token_that_the_tokenizer_appends_ends_no_prompt_and_is_trained_once(adding):
    template = TEMPLATES["boundary"]
    assert adding("x")["input_ids"] != adding("x", add_special_tokens=False)["input_ids"]
    asked, _ = tokens_of(adding, template.render(PROBLEM))
    row = encode(adding, template, PROBLEM, SOLUTION)
    assert adding.eos_token_id not in asked
    assert row["input_ids"][: len(asked)] == asked
    assert row["input_ids"].count(adding.eos_token_id) == 1
    assert row["labels"][-1] == row["input_ids"][-1] == adding.eos_token_id
    trained = [token for token in row["labels"] if token != IGNORED]
    assert adding.decode(trained[:-1]) == SOLUTION.replace("16\n```\n", "", 1)


def test_a_start_token_that_the_tokenizer_prepends_stays_and_carries_no_loss(adding):
    starts = adding("x")["input_ids"][0] == adding.bos_token_id
    row = encode(adding, TEMPLATES["boundary"], PROBLEM, SOLUTION)
    assert (row["input_ids"][0] == adding.bos_token_id) == starts
    assert row["labels"][0] == IGNORED


def test_a_tokenizer_without_an_end_token_is_refused(tokenizer):
    endless = copy.deepcopy(tokenizer)
    endless.eos_token = None
    with pytest.raises(UserError, match="has no end token"):
        encode(endless, TEMPLATES["boundary"], PROBLEM, SOLUTION)
