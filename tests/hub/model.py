"""A tiny model of DeepSeekMath's architecture, with a tokenizer of the same kind.

Its weights are random. As in the original: Llama's layers without grouped keys, the norm, the
positions, pickled bfloat16 shards with an index, a byte-level BPE whose digits are tokens of their
own, and a tokenizer_config.json that calls it a Llama tokenizer, which it is not. Input sizes are
multiples of 128, so that the winners' groups divide them and vLLM's kernels take them.
"""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BEGIN, END = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
VOCABULARY = 1024
SHARD_BYTES = 4 * 10**6
# In each shard beside the weights: a download goes on where it was only behind 10 MiB, which the
# client writes at once.
PADDING_BYTES = 24 * 2**20
SIZES = {
    "hidden_size": 256,
    "intermediate_size": 768,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
}


def write_model(folder: Path, texts: Iterable[str], seed: int = 7) -> None:
    """Write the model and a tokenizer trained on some texts."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True)
    write_tokenizer(folder, texts)
    torch.manual_seed(seed)
    config = LlamaConfig(
        **SIZES,
        vocab_size=VOCABULARY,
        max_position_embeddings=4096,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=1,
    )
    network: Any = LlamaForCausalLM(config)
    network.to(torch.bfloat16)
    network.config.save_pretrained(folder)
    network.generation_config.save_pretrained(folder)
    write_pickled(folder, network.state_dict())


def write_pickled(folder: Path, weights: dict[str, Any]) -> None:
    """Weights as torch pickles them, in shards: DeepSeekMath has no safetensors."""
    import torch
    from huggingface_hub import split_torch_state_dict_into_shards

    split = split_torch_state_dict_into_shards(
        weights, filename_pattern="pytorch_model{suffix}.bin", max_shard_size=SHARD_BYTES
    )
    for name, tensors in split.filename_to_tensors.items():
        torch.save({tensor: weights[tensor].clone() for tensor in tensors}, folder / name)
        with zipfile.ZipFile(folder / name, "a") as archive:
            inside = archive.namelist()[0].partition("/")[0]
            archive.writestr(f"{inside}/padding", random.Random(name).randbytes(PADDING_BYTES))
    index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2))


def write_tokenizer(folder: Path, texts: Iterable[str]) -> None:
    """Train a tokenizer and write it in the files that DeepSeekMath has."""
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        pre_tokenizers,
        processors,
        trainers,
    )

    bpe = Tokenizer(models.BPE())
    split = pre_tokenizers.Split
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            split(Regex("[\r\n]"), "isolated"),
            split(Regex(r"\s?\p{L}+"), "isolated"),
            split(Regex(r"\s?\p{P}+"), "isolated"),
            split(Regex(r"\s+$"), "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    bpe.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(text, special=True) for text in (BEGIN, END)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    bpe.save(str(folder / "tokenizer.json"))
    token = {"__type": "AddedToken", "lstrip": False, "normalized": True, "rstrip": False}
    token["single_word"] = False
    given = {
        "add_bos_token": True,
        "add_eos_token": False,
        "bos_token": {**token, "content": BEGIN},
        "clean_up_tokenization_spaces": False,
        "eos_token": {**token, "content": END},
        "legacy": True,
        "model_max_length": 4096,
        "pad_token": {**token, "content": END},
        "sp_model_kwargs": {},
        "unk_token": None,
        "tokenizer_class": "LlamaTokenizerFast",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(given, indent=2), encoding="utf-8")
