"""Blocks hold every sample once, whole, and leave little room."""

import gzip
import json

import pytest

from numina.train.packing import fill, pack
from tests.conftest import SHARED


def test_every_sample_is_in_one_block_whole():
    lengths = [1 + 7 * i % 60 for i in range(2500)]  # more than the thousand that TRL packs at once
    rows = [{"input_ids": [i] * n, "labels": [-i] * n} for i, n in enumerate(lengths)]
    found = {}
    for block in pack(rows, 64):
        assert sum(block["seq_lengths"]) == len(block["input_ids"]) <= 64
        start = 0
        for length in block["seq_lengths"]:
            (sample,) = set(block["input_ids"][start : start + length])
            assert set(block["labels"][start : start + length]) == {-sample}
            assert sample not in found
            found[sample] = length
            start += length
    assert [found[i] for i in range(len(rows))] == lengths


@pytest.mark.parametrize(
    ("lengths", "size", "blocks"),
    [
        ([64], 64, 1),
        ([1] * 64, 64, 1),
        ([32, 32, 32], 64, 2),  # one of a length is not taken twice
        ([40, 24, 30, 34], 64, 2),
        ([50, 5, 5, 4, 49, 9, 6], 64, 2),
        ([63, 2], 64, 2),
    ],
)
def test_lengths_that_add_up_share_a_block(lengths, size, blocks):
    found = fill(lengths, size)
    assert len(found) == blocks
    assert sorted(at for block in found for at in block) == list(range(len(lengths)))
    assert all(sum(lengths[at] for at in block) <= size for block in found)


def test_blocks_are_full_over_the_whole_set():
    """Short samples that come last fill the blocks of the long ones that came first."""
    lengths = [60] * 1500 + [4] * 1500
    blocks = pack([{"input_ids": [0] * n, "labels": [0] * n} for n in lengths], 64)
    assert len(blocks) == 1500


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_real_traces_fill_98_percent_of_the_places():
    """A token is some three bytes of such text."""
    file = SHARED / "traces/tora_format_traces_gsm8k.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        texts = ["".join(json.loads(line)["code"]) for line in lines]
    lengths = [min(1024, max(2, len(text.encode()) // 3)) for text in texts]
    blocks = pack([{"input_ids": [0] * n, "labels": [0] * n} for n in lengths], 1024)
    assert sum(lengths) / (1024 * len(blocks)) > 0.98
