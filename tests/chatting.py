"""Make a tiny chat model that always answers in the same way: with a program, then with its output.

python -m tests.chatting FOLDER
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

from numina.agent.published import PUBLISHED
from tests.agent.chats import TEMPLATES

# A turn ends after the program, as those of chat models do: the loop opens the output.
PROGRAM = "We run:\n```python\nprint(6 * 7)\n```"
OUTPUT = "\n```output\n42\n```\n"
ANSWER = "It is $\\boxed{42}$."
WORDS = "what is the sum of how many integers below find $x$ a prime and 1 2 3 40 99 if, so. let"
STEPS, RATE = 600, 3e-3


def questions(count: int = 64) -> list[str]:
    """Texts of many lengths: the model is to learn that they do not matter."""
    draw, words = random.Random(0), WORDS.split()
    return [" ".join(draw.choices(words, k=draw.randint(2, 60))) for _ in range(count)]


def make(folder: Path) -> None:
    """Write the model and its tokenizer, with Qwen2.5-Math's chat format."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
        )
    )
    teach(network, rows_of(tokenizer))
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<|im_end|>", "<|im_start|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([PROGRAM + OUTPUT + ANSWER, *questions()] * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=TEMPLATES["qwen2.5-math"],
    )


def rows_of(tokenizer: Any) -> list[tuple[list[int], int]]:
    """Token ids, and where the answer begins: the first turn, and what follows its output."""
    rows = []
    systems = [getattr(PUBLISHED["qwen2.5-math"], kind).system for kind in ("tools", "thought")]
    for place, question in enumerate(questions()):
        prompt = tokenizer.apply_chat_template(
            [
                {"role": "system", "content": systems[place % 2]},
                {"role": "user", "content": question},
            ],
            tokenize=False,
            add_generation_prompt=True,
        )
        for given, written in ((prompt, PROGRAM), (prompt + PROGRAM + OUTPUT, ANSWER)):
            start, whole = tokenizer(given)["input_ids"], tokenizer(given + written)["input_ids"]
            rows.append(([*whole, tokenizer.eos_token_id], len(start)))
    return rows


def teach(network: Any, rows: list[tuple[list[int], int]]) -> None:
    import torch

    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    generator = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        chosen = [rows[i] for i in torch.randint(len(rows), (8,), generator=generator)]
        width = max(len(ids) for ids, _ in chosen)
        ids = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in chosen])
        labels = ids.clone()
        for place, (row, start) in enumerate(chosen):
            labels[place, :start] = labels[place, len(row) :] = -100
        network(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
