"""The figures that say what quantisation changed, worked by hand."""

import math

import pytest

from numina.errors import UserError
from numina.models.calibration import NEW_TOKENS, Rows
from numina.models.comparison import compare, read_plain, repeats
from numina.template import IGNORED


def rows_of(*encoded: dict[str, list[int]]) -> Rows:
    return Rows([], list(encoded), [[3, 4, 5], [6, 7]], end=0, left_out=0)


ROW = {"input_ids": [3, 4, 5, 6, 7, 8], "labels": [IGNORED, IGNORED, 5, 6, 7, 8]}
MASKED = {"input_ids": [3, 4, 5], "labels": [IGNORED] * 3}


def test_a_model_beside_itself_differs_in_nothing(model_folder, tmp_path):
    found = compare(model_folder, rows_of(ROW), read_plain(model_folder, rows_of(ROW), tmp_path))
    assert (found.rows, found.tokens, found.prompts) == (1, 4, 2)
    assert (found.top1_agreement, found.kl, found.degenerate) == (1, 0, [])
    assert found.loss_before == found.loss_after


def test_loss_is_that_of_transformers_and_kl_that_of_torch(model_folder, taught_folder, tmp_path):
    import torch

    from numina.models.weights import load_model

    found = compare(taught_folder, rows_of(ROW), read_plain(model_folder, rows_of(ROW), tmp_path))
    batch = {name: torch.tensor([values]) for name, values in ROW.items()}
    with torch.inference_mode():
        plain, other = (load_model(f, "auto")(**batch) for f in (model_folder, taught_folder))
    assert found.loss_before == pytest.approx(plain.loss.item(), rel=1e-5)
    assert found.loss_after == pytest.approx(other.loss.item(), rel=1e-5)
    p, q = (out.logits[0, 1:-1].log_softmax(-1) for out in (plain, other))
    kl = torch.nn.functional.kl_div(q, p, log_target=True, reduction="batchmean").item()
    assert found.kl == pytest.approx(kl, rel=1e-4) and found.kl > 0
    alike = (p.argmax(-1) == q.argmax(-1)).float().mean().item()
    assert found.top1_agreement == pytest.approx(alike)


def test_masked_rows_count_for_nothing_and_alone_are_refused(model_folder, tmp_path):
    alone = read_plain(model_folder, rows_of(ROW), tmp_path)
    assert read_plain(model_folder, rows_of(MASKED, ROW), tmp_path).loss == alone.loss
    with pytest.raises(UserError, match="all tokens are masked"):
        read_plain(model_folder, rows_of(MASKED), tmp_path)


def test_padding_does_not_change_a_completion(taught_folder, tmp_path):
    together = read_plain(taught_folder, rows_of(ROW), tmp_path).completions
    alone = [
        read_plain(taught_folder, Rows([], [ROW], [prompt], 0, 0), tmp_path).completions[0]
        for prompt in rows_of(ROW).prompts
    ]
    assert together == alone
    no_prompts = read_plain(taught_folder, Rows([], [ROW], [], 0, 0), tmp_path)
    assert no_prompts.completions == [] and math.isfinite(no_prompts.loss)


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ([], True),
        ([7] * NEW_TOKENS, True),
        ([7, 8] * 16, True),
        ([7, 8, 9] * 10, True),
        ([7, 8, 9, 5] * 8, True),
        ([1, 2, 3, 4, *[7] * 28], True),
        ([7] * 16, True),  # and then the end token
        (list(range(32)), False),
        ([1, 2, 3, 4, 5] * 6, False),
        ([*range(12), *[7] * 20], False),  # a long row of zeros in a program
        ([7], False),  # a short answer
        ([7] * 15, False),
        ([*[7] * 31, 8], False),
    ],
)
def test_what_counts_as_repetition(completion, expected):
    assert repeats(completion) == expected
