"""How many bytes a run needs of a card, stage by stage. docs/scale.md has the formulas in words.

Training is full fine-tuning by AdamW. With one process, weights are float32, with bfloat16
autocast where the card has it. With more, DeepSpeed's ZeRO-3 (Rajbhandari et al. 2020, arXiv
1910.02054) shares weights, gradients and optimiser out evenly.
"""

from __future__ import annotations

from dataclasses import dataclass

from numina.estimate.shapes import Shape

WIDTH = {"float32": 4, "bfloat16": 2, "float16": 2}  # bytes a number
ADAM = 8  # bytes a parameter: two moments in float32
MASTER = 4  # bytes a parameter: the float32 copy that ZeRO-3 updates
# DeepSpeed keeps this many gathered parameters at most (stage3_max_live_parameters).
LIVE = 1_000_000_000
HEAD_TOKENS, HEAD_ROWS = 4096, 32768  # TRL computes the loss in tiles of these sizes
USABLE = 0.92  # of a card's memory: the rest is the driver's, the libraries' and fragments


@dataclass(frozen=True, slots=True)
class Training:
    """How a model is trained.

    Attributes:
        processes: over all machines; one card each.
        tokens: that a process takes in one forward pass: micro_batch x max_length.
        half: computed in 16 bits; else in float32.
        checkpointing: layers' insides are computed again in the backward pass.
    """

    processes: int
    tokens: int
    half: bool
    checkpointing: bool


def training_bytes(shape: Shape, how: Training) -> dict[str, int]:
    """Bytes of each part on one card while training."""
    shared, width = how.processes > 1, 2 if how.half else 4
    stored = width if shared else 4  # a single process keeps float32 and casts as it goes
    each = shape.parameters / how.processes
    parts = {
        "weights": stored * each,
        "gradients": stored * each,
        "optimiser": (ADAM + (MASTER if shared else 0)) * each,
    }
    if shared:
        parts["gathered layers"] = width * min(LIVE, shape.parameters)
    elif how.half:
        parts["casts"] = width * (shape.layer + shape.vocab * shape.hidden)
    parts["activations"] = activation_bytes(shape, how.tokens, width, how.checkpointing)
    parts["logits"] = logit_bytes(shape, how.tokens, width)
    return {name: int(size) for name, size in parts.items()}


def activation_bytes(shape: Shape, tokens: int, width: int, checkpointing: bool) -> int:
    """What the forward pass keeps for the backward pass.

    Without checkpointing: each layer's insides. With it: each layer's input, and the insides of
    the one layer that is computed again. Attention keeps no matrix of scores (sdpa, Flash).
    """
    inside = tokens * layer_numbers(shape) * width
    if not checkpointing:
        return shape.layers * inside
    return tokens * shape.hidden * width * shape.layers + inside


def layer_numbers(shape: Shape) -> int:
    """Numbers a token that a layer keeps: counted on transformers' Llama with sdpa.

    Two norms keep their input, what they scaled, and their output; attention keeps queries, keys,
    values (these before they are repeated for the heads that share them) and its output; an active
    expert keeps gate, up, the gate's activation and their product.
    """
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    return 6 * shape.hidden + 2 * queries + 2 * keys + 4 * shape.intermediate * shape.active


def logit_bytes(shape: Shape, tokens: int, width: int) -> int:
    """A tile of logits, and the gradient of the output layer, which TRL sums in float32."""
    tile = min(tokens, HEAD_TOKENS) * min(shape.vocab, HEAD_ROWS) * width
    return tile + 4 * shape.vocab * shape.hidden


def weight_bytes(shape: Shape, width: int) -> int:
    """Bytes of a plain checkpoint's weights."""
    return shape.parameters * width


def quantised_bytes(shape: Shape, bits: int, group: int) -> int:
    """Bytes of a GPTQ or AWQ checkpoint: integers, a scale and a zero point a group, the rest in
    16 bits.

    A tied output layer is one matrix with the embedding, and is not quantised.
    """
    rest = shape.parameters - shape.quantised
    a_group = 2 + bits / 8  # a scale in float16, and a packed zero point
    return int(shape.quantised * (bits / 8 + a_group / group) + rest * 2)


def kv_bytes(shape: Shape, width: int) -> int:
    """Bytes of keys and values a token."""
    return 2 * shape.layers * shape.kv_heads * shape.head * width


def checkpoint_bytes(shape: Shape, processes: int, half: bool) -> int:
    """Bytes of one training checkpoint: weights and optimiser.

    ZeRO-3 writes the weights whole, and the float32 copy and both moments in shares.
    """
    if processes == 1:
        return shape.parameters * (4 + ADAM)
    return shape.parameters * ((2 if half else 4) + MASTER + ADAM)
