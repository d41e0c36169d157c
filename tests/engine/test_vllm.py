"""The vLLM engine on the real vLLM, its build for CPUs, in an environment of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from numina.engine.choose import open_engine
from numina.engine.protocol import CompletionFailed
from numina.engine.vllm import VllmEngine, completion_of
from numina.errors import UserError
from tests.conftest import PARAMS, changed_params
from tests.dag import ROOT
from tests.engine.test_transformers import PROMPTS, complete

PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
needs_vllm = pytest.mark.skipif(
    not (PYTHON.parent.parent / "ready").exists(), reason="no .venv-vllm (bash .ci/vllm.sh)"
)
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
}


@pytest.fixture(scope="module")
def found(model_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("vllm") / "found.json"
    done = subprocess.run(
        [str(PYTHON), "-m", "tests.engine.in_vllm", str(model_folder), str(out)],
        cwd=ROOT,
        input=json.dumps(PROMPTS),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(out.read_text())


@needs_vllm
def test_greedy_is_the_text_of_the_transformers_engine(found, model_folder):
    """float32: the same text, and log-probabilities within 0.001 a token."""
    from numina.engine.protocol import Sampling

    ours = complete(model_folder, [Sampling(0, 1, 24, (), 1)] * 3)
    for mine, theirs in zip(ours, found["free"], strict=True):
        assert mine.text == theirs["text"]
        assert mine.finish == theirs["finish"]
        assert mine.prompt_tokens == theirs["prompt_tokens"]
        assert mine.generated_tokens == theirs["generated_tokens"]
        assert mine.logprob_sum == pytest.approx(theirs["logprob_sum"], abs=0.024)


@needs_vllm
def test_a_stop_string_is_found_inside_and_across_tokens(found):
    free, stopped, word = found["free"][1]["text"], found["stopped"], found["word"]
    assert stopped["finish"] == "stop"
    assert stopped["text"] == free[: free.index(word) + len(word)]


@needs_vllm
def test_cancelled_completions_are_aborted(found):
    assert found["unfinished_after_cancelling"] == 0
    assert found["same_afterwards"]


@needs_vllm
def test_a_prompt_that_begins_alike_is_not_read_again(found):
    assert found["cached"] > 16


def test_a_checkpoint_in_act_order_is_refused_in_one_line(model_folder, tmp_path):
    folder = Path(shutil.copytree(model_folder, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "desc_act": True}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="desc_act"):
        VllmEngine(folder, PARAMS.engine, PARAMS.hardware.vllm, 100)


def test_an_engine_that_is_missing_is_an_error_with_its_install_line(model_folder, monkeypatch):
    monkeypatch.setattr("numina.engine.choose.is_installed", lambda name: name != "vllm")
    params = changed_params({"engine.name": "vllm"})
    with pytest.raises(UserError, match="pip install vllm"):
        open_engine(params.engine, params.hardware, model_folder, 100)


def test_auto_says_what_it_takes(model_folder, monkeypatch, capsys):
    monkeypatch.setattr("numina.engine.choose.accelerators", list)
    open_engine(PARAMS.engine, PARAMS.hardware, model_folder, 100)
    assert "engine: transformers (auto)" in capsys.readouterr().err


@pytest.mark.parametrize("reason", ["abort", "error", None, "repetition"])
def test_what_vllm_did_not_complete_is_no_completion(reason):
    output = SimpleNamespace(outputs=[SimpleNamespace(finish_reason=reason)])
    with pytest.raises(CompletionFailed, match="ended the completion with"):
        completion_of(output, ())
    with pytest.raises(CompletionFailed):
        completion_of(SimpleNamespace(outputs=[]), ())
