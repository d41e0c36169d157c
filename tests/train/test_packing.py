"""Blocks hold every sample once and whole, and leave little room; or one after another, cut."""

import gzip
import json
import random

import numpy as np
import pyarrow as pa
import pytest

from numina.template import IGNORED
from numina.train.blocks import write_blocks
from numina.train.packing import best_fit, fill, pack
from numina.train.prepared import read_arrow
from numina.train.tokens import SCHEMA, arrow_file, batches
from tests.conftest import SHARED

TRACES = ("tora_format_traces_gsm8k.jsonl.gz", "sc_samples_math100x8.jsonl")


@pytest.fixture
def blocks_of(tmp_path):
    """What becomes of rows of ids and labels: a list of blocks, and the tokens with loss."""

    def made(rows, packing, size):
        with arrow_file(tmp_path / "rows.arrow", SCHEMA) as sink:
            for some in batches(rows, 7):
                sink.write(pa.RecordBatch.from_pylist(some, SCHEMA))
        encoded = read_arrow(tmp_path / "rows.arrow").with_format("arrow")
        trained = write_blocks(encoded, packing, size, tmp_path / "blocks.arrow")
        return list(read_arrow(tmp_path / "blocks.arrow")), trained

    return made


def rows_of(lengths):
    """Rows that can be told apart by their tokens."""
    return [{"input_ids": [i] * n, "labels": [5000 + i] * n} for i, n in enumerate(lengths, 1)]


def test_every_sample_is_in_one_block_whole(blocks_of):
    lengths = [1 + 7 * i % 60 for i in range(2500)]  # more than the thousand that TRL packs at once
    found = {}
    for block in blocks_of(rows_of(lengths), "best_fit", 64)[0]:
        assert sum(block["seq_lengths"]) == len(block["input_ids"]) <= 64
        start = 0
        for length in block["seq_lengths"]:
            (sample,) = set(block["input_ids"][start : start + length])
            assert set(block["labels"][start : start + length]) == {5000 + sample}
            assert sample not in found
            found[sample] = length
            start += length
    assert [found[i] for i in sorted(found)] == lengths


@pytest.mark.parametrize(
    ("lengths", "size", "blocks"),
    [
        ([64], 64, 1),
        ([1] * 64, 64, 1),
        ([32, 32, 32], 64, 2),  # one of a length is not taken twice
        ([40, 24, 30, 34], 64, 2),
        ([50, 5, 5, 4, 49, 9, 6], 64, 2),
        ([40, 8, 8, 8, 40, 12, 12], 64, 2),
        ([63, 2], 64, 2),
        ([1], 1, 1),
    ],
)
def test_lengths_that_add_up_share_a_block(lengths, size, blocks):
    found = fill(lengths, size)
    assert len(found) == blocks
    assert sorted(at for block in found for at in block) == list(range(len(lengths)))
    assert all(sum(lengths[at] for at in block) <= size for block in found)


@pytest.mark.parametrize(("size", "count"), [(5, 40), (64, 300), (256, 1500), (1000, 1500)])
def test_best_fit_makes_the_blocks_of_trl(size, count):
    from datasets import Dataset
    from trl.data_utils import pack_dataset

    draw = random.Random(size)
    lengths = [min(size, 1 + int(draw.expovariate(4 / size))) for _ in range(count)]
    rows = Dataset.from_list([{"input_ids": [at] * n} for at, n in enumerate(lengths)])
    theirs = pack_dataset(rows, size, "bfd", {"batch_size": count})
    assert best_fit(lengths, size) == [list(dict.fromkeys(row["input_ids"])) for row in theirs]


def test_what_is_left_over_is_packed_anew():
    """Where neither way by itself makes lengths add up."""
    draw = random.Random(1)
    lengths = [draw.randint(150, 620) for _ in range(400)]
    blocks = pack(lengths, 1024)
    assert sorted(at for block in blocks for at in block) == list(range(400))
    assert all(sum(lengths[at] for at in block) <= 1024 for block in blocks)
    assert len(blocks) < min(len(best_fit(lengths, 1024)), len(fill(lengths, 1024)))
    assert pack(lengths, 1024) == blocks


@pytest.mark.parametrize("lengths", [[130] * 40, [256] * 9, [200, 200, 100, 30], [1]])
def test_where_no_block_is_saved_they_are_those_of_best_fit(lengths):
    assert pack(lengths, 256) == best_fit(lengths, 256)


def test_blocks_are_full_over_the_whole_set():
    """Short samples that come last fill the blocks of the long ones that came first."""
    assert len(pack([60] * 1500 + [4] * 1500, 64)) == 1500


@pytest.mark.parametrize("file", TRACES)
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_real_traces_fill_98_percent_of_the_places(file):
    """A token is some three bytes of such text."""
    opener = gzip.open if file.endswith(".gz") else open
    with opener(SHARED / "traces" / file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [text for row in rows for text in row.get("samples", row.get("code"))]
    lengths = [len(text.encode()) // 3 for text in texts]
    lengths = [length for length in lengths if 0 < length <= 1024]
    assert len(lengths) > 0.95 * len(texts)
    assert sum(lengths) / (1024 * len(pack(lengths, 1024))) > 0.98


@pytest.mark.parametrize("count", [1, 3, 999, 1000, 1001, 2500])
def test_wrapped_blocks_are_the_samples_one_after_another(blocks_of, count):
    rows = rows_of([1 + 7 * i % 60 for i in range(count)])
    rows[-1] = {"input_ids": [9] * 200, "labels": [9] * 200}  # longer than a block: it is cut
    blocks, trained = blocks_of(rows, "wrapped", 64)
    assert {len(block["input_ids"]) for block in blocks[:-1]} <= {64}
    for name in ("input_ids", "labels"):
        whole = [token for row in rows for token in row[name]]
        assert [token for block in blocks for token in block[name]] == whole
    assert trained == sum(len(row["labels"]) for row in rows) - len(blocks)
    assert "seq_lengths" not in blocks[0]


def test_a_wrapped_block_without_loss_is_left_out(blocks_of):
    masked = {"input_ids": [1] * 50, "labels": [IGNORED] * 49 + [1]}
    blocks, trained = blocks_of([masked] * 2, "wrapped", 16)
    starts = [at for at in range(0, 100, 16) if at < 49 < at + 16 or at < 99 < at + 16]
    assert len(blocks) == len(starts)
    assert trained == sum(np.sum(np.array(block["labels"][1:]) != IGNORED) for block in blocks) == 2


def test_without_packing_a_block_is_a_sample(blocks_of):
    rows = rows_of([5, 64, 1, 30])
    blocks, trained = blocks_of(rows, "none", 64)
    assert blocks == rows
    assert trained == 4 + 63 + 0 + 29


KERNELS = ("sdpa", "eager", "flash_attention_2")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("packing", "seen"), [("best_fit", False), ("wrapped", True)])
def test_whether_a_sample_sees_its_neighbour(model_folder, blocks_of, kernel, packing, seen):
    """Logits of the second sample, when the first changes, of a block as it is trained on."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.import_utils import is_flash_attn_2_available
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    flash = kernel.startswith("flash")
    if flash and not (torch.cuda.is_available() and is_flash_attn_2_available()):
        pytest.skip("FlashAttention needs a card and the package flash-attn")
    place, dtype = ("cuda", torch.bfloat16) if flash else ("cpu", torch.float32)
    network = AutoModelForCausalLM.from_pretrained(
        model_folder, use_cache=False, attn_implementation=kernel, dtype=dtype
    ).eval()
    network.to(place)
    collate = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=packing == "best_fit")
    second = [10, 11, 12]

    def logits(first):
        samples = [{"input_ids": ids, "labels": ids} for ids in ([*first], second)]
        (block,) = blocks_of([row for row in samples if row["input_ids"]], packing, 7)[0]
        batch = collate([block])
        batch.pop("labels")
        at = block["input_ids"].index(10)
        given = {
            key: value.to(place) if torch.is_tensor(value) else value
            for key, value in batch.items()
        }
        with torch.inference_mode():
            return network(**given).logits[0, at : at + 3]

    one, other, alone = logits([3, 4, 5, 6]), logits([9, 8, 7, 6]), logits([])
    assert torch.equal(one, other) != seen
    assert torch.allclose(one, alone, atol=1e-5 if not flash else 1e-2) != seen
