"""The checkpoints in other programs: 4 bits in the real vLLM on a CPU, 8 bits in transformers."""

import json
import os
import subprocess

import pytest

from numina.models.quantize import quantize
from numina.models.weights import load_model
from tests.dag import ROOT
from tests.models.conftest import METHODS, ROWS, TEMPLATE, knobs

PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
needs_vllm = pytest.mark.skipif(
    not (PYTHON.parent.parent / "ready").exists(), reason="no .venv-vllm (bash .ci/vllm.sh)"
)
PROMPTS = [TEMPLATE.render(row.problem) for row in ROWS[:3]]
NEW_TOKENS = 16


def greedy(network, tokenizer) -> list[str]:
    """Plain greedy decoding by transformers."""
    texts = []
    for prompt in PROMPTS:
        asked = tokenizer(prompt, return_tensors="pt")
        written = network.generate(**asked, do_sample=False, max_new_tokens=NEW_TOKENS)
        texts.append(tokenizer.decode(written[0, asked["input_ids"].shape[1] :]))
    return [text.removesuffix(tokenizer.eos_token) for text in texts]


@needs_vllm
@pytest.mark.parametrize("method", ["4-bit GPTQ", "4-bit AWQ"])
def test_vllm_decodes_four_bits_as_we_do(taught_folder, tokenizer, tmp_path, method):
    model, out = tmp_path / "q", tmp_path / "texts.json"
    quantize(taught_folder, ROWS, model, knobs(METHODS[method]), TEMPLATE)
    done = subprocess.run(
        [str(PYTHON), "-m", "tests.models.in_vllm", str(model), str(out)],
        cwd=ROOT,
        input=json.dumps(PROMPTS),
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_LOGGING_LEVEL": "WARNING",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(out.read_text()) == greedy(load_model(model, "auto"), tokenizer)


def test_transformers_decodes_eight_bits_as_we_do(taught_folder, tokenizer, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    quantize(taught_folder, ROWS, tmp_path / "q", knobs(), TEMPLATE)
    network = AutoModelForCausalLM.from_pretrained(tmp_path / "q", device_map="cpu")
    assert network.dtype == torch.float16  # as config.json says
    assert greedy(network, tokenizer) == greedy(load_model(tmp_path / "q", "auto"), tokenizer)
