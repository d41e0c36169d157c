"""The benchmark of training: all ways do the same steps, each in a process of its own."""

import pytest

from numina.bench import train
from numina.bench.small_model import small_model
from numina.errors import UserError
from tests.conftest import changed_params


@pytest.mark.slow
def test_all_ways_train_as_many_steps_and_ours_has_the_fullest_ones(model_folder):
    params = changed_params({"sft_cot.max_length": 256})
    found = train.bench(params, model_folder, rows=None, steps=3)
    assert {found[way]["steps"] for way in train.WAYS} == {3}
    for way in train.WAYS:
        assert all(value > 0 for value in found[way].values())
    most = params.sft_cot.batch_size * params.sft_cot.max_length
    assert found["plain"]["tokens_a_step"] < found["ours"]["tokens_a_step"] <= most
    ratio = found["ours"]["tokens_per_s"] / found["plain"]["tokens_per_s"]
    assert found["ratios"]["tokens_per_s_over_plain"] == pytest.approx(ratio, abs=1e-3)


def test_a_training_that_fails_is_named(tmp_path):
    with pytest.raises(UserError, match="the training 'ours' failed"):
        train.measure("ours", tmp_path)


def test_the_small_model_loads(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from numina.sources.catalog import training_problems

    rows = [row for row, _ in training_problems(1, 1)]
    folder = small_model(tmp_path / "model", rows, 256)
    network = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.decode(tokenizer(rows[0].problem)["input_ids"]) == rows[0].problem
    assert network.config.max_position_embeddings == 256
