"""Decode with vLLM's asynchronous engine, inside this process's event loop.

Determinism: greedy decoding and seeded sampling repeat only while requests meet the same batches,
which they do not under load. So the same traces are not promised; every trace is kept instead. On a
CPU a seed of a request stops the engine ("CPU Generator does not use offset"), so none is given
there, and samples differ from run to run.
"""

# The type checker takes `vllm` for this file, and vLLM is not in its environment.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

from numina.engine.protocol import Completion, Sampling
from numina.errors import UserError
from numina.models.weights import check_model_folder
from numina.settings.decoding import EngineParams
from numina.settings.hardware import VllmHardware


class VllmEngine:
    """An engine on the cards of one machine, or on its CPU. Use it as an async context manager.

    The quantisation is that of the model's folder; so is the data type where `params.dtype` is auto
    (float32 becomes what the card prefers; on a CPU float32 it is). vLLM starts processes by spawn:
    a script that uses this needs `if __name__ == "__main__":`.

    Args:
        model: a folder with a model and its tokenizer, GPTQ or plain.
        params: `dtype`, `batch_size` and `prefix_caching` are used.
        hardware: the cards, and how much of their memory.
        max_context: tokens of the longest prompt and its completion.

    Raises:
        UserError: the folder has no model or no tokenizer, or vLLM does not load what it has.
    """

    def __init__(
        self, model: Path, params: EngineParams, hardware: VllmHardware, max_context: int
    ) -> None:
        check_model_folder(model)
        self.quantised = quantisation(model)
        self.model, self.max_context = model, max_context
        self.params, self.hardware = params, hardware
        self.numbers = itertools.count()

    async def __aenter__(self) -> VllmEngine:
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        from transformers import AutoTokenizer
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.platforms import current_platform
        from vllm.v1.engine.async_llm import AsyncLLM

        self.on_cpu = current_platform.is_cpu()
        if self.on_cpu and self.quantised.get("bits") == 8:
            raise UserError(
                f"{self.model}: vLLM has no kernel for 8-bit GPTQ on a CPU; use a card, or "
                "engine.name=transformers"
            )
        self.tokenizer: Any = AutoTokenizer.from_pretrained(self.model)
        dtype: Any = self.params.dtype
        if dtype == "auto" and self.on_cpu:
            dtype = "float32"
        self.llm = AsyncLLM.from_engine_args(
            AsyncEngineArgs(
                model=str(self.model),
                dtype=dtype,
                max_model_len=self.max_context,
                max_num_seqs=self.params.batch_size,
                tensor_parallel_size=self.hardware.tensor_parallel,
                gpu_memory_utilization=self.hardware.memory_share,
                enable_prefix_caching=self.params.prefix_caching,
                enforce_eager=self.on_cpu,
                disable_log_stats=True,
                logprobs_mode="raw_logprobs",  # at temperature 1, before top_p
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.llm.shutdown()

    def count_tokens(self, text: str) -> int:
        return len(self.tokenizer(text)["input_ids"])

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_new_tokens,
            stop=list(sampling.stop),
            include_stop_str_in_output=True,
            seed=None if self.on_cpu else sampling.seed,
            logprobs=0,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        # Leaving the generator, by cancellation too, aborts the request.
        async for output in self.llm.generate(prompt, params, str(next(self.numbers))):
            if output.finished:
                return completion_of(output)
        raise RuntimeError("vLLM ended a request without its result")


def completion_of(output: Any) -> Completion:
    """A finished `vllm.RequestOutput` as a completion."""
    (best,) = output.outputs
    finish = "length"
    if best.finish_reason == "stop":  # stop_reason: the stop string, or None for the end token
        finish = "stop" if isinstance(best.stop_reason, str) else "end"
    return Completion(
        text=best.text,
        finish=finish,
        prompt_tokens=len(output.prompt_token_ids or []),
        generated_tokens=len(best.token_ids),
        logprob_sum=float(best.cumulative_logprob or 0.0),
        cached_tokens=output.num_cached_tokens or 0,
    )


def quantisation(model: Path) -> dict[str, Any]:
    """How a checkpoint is quantised, as its config.json says; empty where it is not.

    Raises:
        UserError: by GPTQ with weights in order of activation, which vLLM no longer loads.
    """
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    quantised = config.get("quantization_config", {})
    if quantised.get("quant_method") == "gptq" and quantised.get("desc_act"):
        raise UserError(
            f"{model}/config.json: quantization_config.desc_act: true, which vLLM no longer "
            "loads; quantise with quantize.desc_act=false, or use engine.name=transformers"
        )
    return quantised
