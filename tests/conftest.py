"""A tokenizer and a model that tests can afford: real code, small weights."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from numina.profile import merged
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.rows import written_shards
from numina.settings import Params, parse
from numina.settings.data import Source
from numina.settings.params import document
from numina.sources.opened import open_source, problems_of
from numina.sources.reading import Ids

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"

# The same examples in every run, with no limit that depends on how busy the machine is.
settings.register_profile(
    "numina", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("numina")


def changed_params(changes: dict[str, Any] | None = None) -> Params:
    """params.yaml with some knobs changed: dotted keys to values."""
    raw = document(ROOT / "params.yaml")
    return parse(merged(changes or {}, raw))


PARAMS = changed_params(
    {"sandbox.timeout_s": 2.0, "sandbox.memory_mb": 512, "sctir.vote": "uniform"}
)
SANDBOX, SANDBOX_HARDWARE = PARAMS.sandbox, PARAMS.hardware.sandbox


def shards(folder: Path, *problems: Problem) -> Path:
    """A folder of shards with some problems, as a stage writes it."""
    with written_shards(folder, Problem) as write:
        for problem in problems:
            write(problem)
    return folder


def read_source(file: Path) -> list[Problem]:
    """The problems of a source's file, each of which must be readable."""
    rows = list(problems_of(open_source(Source(path=str(file))), Ids()))
    assert [row for row in rows if not isinstance(row, Problem)] == []
    return [row for row in rows if isinstance(row, Problem)]


TEXT = """We add. Solution: We add. Solution: We add. Problem Solution: What is $4+12$?
The answer is $\\boxed{16}$. print(range(n)) ```python ```output import sympy for i in
count += 1 0 1 2 3 4 5 6 7 8 9 how many integers"""


def make_trace(
    problem_id: str = "p",
    index: int = 0,
    answer: str | None = "1",
    *,
    seed: int = 1,
    logprob: float = -0.1,
    tokens: int = 10,
    text: str = "",
    end: str = "answer",
    statuses: tuple[str, ...] = ("ok",),
) -> Trace:
    return Trace(
        problem_id=problem_id,
        seed=seed,
        index=index,
        text=text,
        answer=answer,
        end=end,
        block_statuses=list(statuses),
        prompt_tokens=9,
        cached_tokens=4,
        generated_tokens=tokens,
        logprob=logprob,
        decode_s=1.0,
        execute_s=0.5,
        wait_s=0.25,
    )


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """A random Llama of 130k parameters with a byte-level BPE tokenizer trained here."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([TEXT] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|end|>", pad_token="<|end|>"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,  # heads of 32: the least that vLLM has on a CPU
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tokenizer(model_folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(model_folder)
