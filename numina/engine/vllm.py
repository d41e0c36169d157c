"""Decode with vLLM's asynchronous engine, inside this process's event loop.

Determinism: greedy decoding and seeded sampling repeat only if requests are in the same batches,
which is not so under load. So the same traces are not guaranteed; every trace is kept instead. A
request's seed disables the fast sampler on a card, and on a CPU it stops the engine ("CPU Generator
does not use offset"). So it is sent only where it guarantees something, on cards with
VLLM_BATCH_INVARIANT=1; otherwise samples differ from run to run.
"""

# The type checker confuses `vllm` with this file, and vLLM is not in its environment.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import itertools
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from numina.engine.interrupt import interruptible
from numina.engine.protocol import Completion, CompletionFailed, Sampling, refuse_too_long
from numina.errors import UserError
from numina.models.folder import check_model_folder, json_object
from numina.models.weights import load_tokenizer, loading
from numina.settings.decoding import EngineParams
from numina.settings.hardware import VllmHardware
from numina.template import tokens_of


class VllmEngine:
    """An engine on the cards of one machine, or on its CPU. Use it as an async context manager.

    The model's folder gives the quantisation, and the data type if `params.dtype` is auto (float32
    becomes what the card prefers; on a CPU it is float32, or for a quantised model its own 16
    bits). vLLM starts processes by spawn, so a script that uses this needs
    `if __name__ == "__main__":`.

    Args:
        model: a folder with a model and its tokenizer, GPTQ, AWQ or plain.
        params: `dtype`, `batch_size` and `prefix_caching` are used.
        hardware: the cards, and how much of their memory.
        max_context: tokens of the longest prompt and its completion.

    Raises:
        UserError: the folder has no model or no tokenizer, or vLLM cannot load them.
    """

    def __init__(
        self, model: Path, params: EngineParams, hardware: VllmHardware, max_context: int
    ) -> None:
        check_model_folder(model)
        self.quantised = quantisation(model)
        self.model, self.max_context = model, max_context
        self.params, self.hardware = params, hardware
        self.numbers = itertools.count()
        self.scratch = tempfile.TemporaryDirectory()

    async def __aenter__(self) -> VllmEngine:
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        with interruptible():
            self.tokenizer: Any = load_tokenizer(self.model)
            self.tokenizer.save_pretrained(self.scratch.name)  # vLLM is to read it as we do
            from vllm.engine.arg_utils import AsyncEngineArgs
            from vllm.platforms import current_platform
            from vllm.v1.engine.async_llm import AsyncLLM

            on_cpu = current_platform.is_cpu()
            if on_cpu and self.quantised.get("bits") == 8:
                raise UserError(
                    f"{self.model}: vLLM has no kernel for 8-bit GPTQ on a CPU; use a card, or "
                    "engine.name=transformers"
                )
            self.seeds = not on_cpu and os.environ.get("VLLM_BATCH_INVARIANT", "0") != "0"
            dtype: Any = self.params.dtype
            if dtype == "auto" and on_cpu and not self.quantised:
                dtype = "float32"  # quantised ones take their own: the kernels have 16 bits alone
            with loading(self.model):
                self.llm = AsyncLLM.from_engine_args(
                    AsyncEngineArgs(
                        model=str(self.model),
                        tokenizer=self.scratch.name,
                        dtype=dtype,
                        seed=secrets.randbelow(2**31),  # the default is 0 in every run
                        max_model_len=self.max_context,
                        max_num_seqs=self.params.batch_size,
                        tensor_parallel_size=self.hardware.tensor_parallel,
                        gpu_memory_utilization=self.hardware.memory_share,
                        enable_prefix_caching=self.params.prefix_caching,
                        enforce_eager=on_cpu,
                        disable_log_stats=True,
                        logprobs_mode="raw_logprobs",  # at temperature 1, before top_p
                    )
                )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.llm.shutdown()
        self.scratch.cleanup()

    def count_tokens(self, text: str) -> int:
        return len(tokens_of(self.tokenizer, text)[0])

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.exceptions import EngineDeadError

        refuse_too_long(prompt, self.max_context)
        params = SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_new_tokens,
            stop=list(sampling.stop),
            include_stop_str_in_output=True,
            skip_special_tokens=not sampling.special,
            seed=sampling.seed if self.seeds else None,
            logprobs=0,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        try:
            tokens: Any = {"prompt_token_ids": tokens_of(self.tokenizer, prompt)[0]}
            # Leaving the generator, also by cancellation, aborts the request.
            async for output in self.llm.generate(tokens, params, str(next(self.numbers))):
                if output.finished:
                    return completion_of(output, sampling.stop)
        except EngineDeadError as error:
            raise UserError(f"{self.model}: vLLM's engine died: {error}") from error
        except CompletionFailed:
            raise
        except Exception as error:  # an error of this request: its length, its batch, its tokens
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise CompletionFailed(reason) from error
        raise CompletionFailed("vLLM ended a request without a result")


def completion_of(output: Any, stop: tuple[str, ...]) -> Completion:
    """A finished `vllm.RequestOutput` as a completion.

    Args:
        output: the request's output.
        stop: its stop strings. One of them may be an end token of the model, as gpt-oss's is.

    Raises:
        CompletionFailed: it did not end normally.
    """
    best = output.outputs[0] if output.outputs else None
    reason = getattr(best, "finish_reason", None)
    if best is None or reason not in ("stop", "length"):
        raise CompletionFailed(f"vLLM ended the completion with {reason!r}")
    finish = "length"
    if reason == "stop":  # stop_reason: the stop string, or None for the end token
        stopped = isinstance(best.stop_reason, str) or best.text.endswith(stop)
        finish = "stop" if stopped else "end"
    return Completion(
        text=best.text,
        finish=finish,
        prompt_tokens=len(output.prompt_token_ids or []),
        generated_tokens=len(best.token_ids),
        logprob_sum=float(best.cumulative_logprob or 0.0),
        cached_tokens=output.num_cached_tokens or 0,
    )


def quantisation(model: Path) -> dict[str, Any]:
    """How a checkpoint is quantised, according to its config.json; empty if it is not.

    Raises:
        UserError: it is quantised with `desc_act: true`, which vLLM no longer loads.
    """
    quantised = json_object(model / "config.json").get("quantization_config") or {}
    if quantised.get("quant_method") == "gptq" and quantised.get("desc_act"):
        raise UserError(
            f"{model}/config.json: quantization_config.desc_act: true, which vLLM no longer "
            "loads; quantise with quantize.desc_act=false, or use engine.name=transformers"
        )
    return quantised
