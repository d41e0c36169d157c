"""One template for training, calibration and decoding, held by token ids."""

import pytest

from numina.template import IGNORED, TEMPLATES, encode, output_spans

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


def test_every_output_is_found_and_an_unclosed_one_runs_to_the_end():
    text = "```output\n1\n```\nthen\n```output\n2"
    assert [text[a:b] for a, b in output_spans(text)] == ["1\n```\n", "2"]
