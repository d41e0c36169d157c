"""Decoding: the engine, the sandbox, greedy evaluation, SC-TIR and its time bank."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from numina.settings.section import Count, Positive, Section, Seed, Share, Tokens

Context = Annotated[int, Field(ge=64, le=2**24)]
Depth = Annotated[int, Field(ge=0, le=1000)]


class EngineParams(Section):
    name: Literal["auto", "transformers", "vllm", "server", "replay"]
    batch_size: Positive  # completions decoded side by side
    dtype: Literal["auto", "float32", "bfloat16", "float16"]  # data type of the weights
    prefix_caching: bool  # transformers, vllm: compute a shared prefix once
    recording: str  # replay: the file of recorded completions

    @model_validator(mode="after")
    def complete(self) -> EngineParams:
        if self.name == "replay" and not self.recording:
            raise ValueError("name 'replay' needs recording, a file of recorded completions")
        return self


class Sandbox(Section):
    timeout_s: Annotated[float, Field(gt=0, le=3600)]  # per block, computing or asleep
    cpu_s: Annotated[int, Field(ge=1, le=86400)]  # processor seconds per session
    memory_mb: Annotated[int, Field(ge=64, le=2**20)]  # per session, beyond its interpreter
    file_mb: Annotated[int, Field(ge=1, le=2**16)]  # a session's folder
    output_mb: Annotated[int, Field(ge=1, le=2**16)]  # a block that prints more is killed
    output_chars: Annotated[int, Field(ge=40, le=2**20)]  # shown to the model
    stateless: bool  # each block in a new interpreter, as the winners did


class EvalGreedy(Section):
    depth: Depth  # program runs per trace, for the systems with tools
    max_new_tokens: Tokens  # a step
    max_context: Context  # tokens of prompt, programs and outputs

    @model_validator(mode="after")
    def fits(self) -> EvalGreedy:
        refuse_long_steps(self.max_new_tokens, self.max_context)
        return self


class Sctir(Section):
    n: Annotated[int, Field(ge=1, le=100_000)]  # traces per problem
    depth: Depth  # program runs per trace; 0: chain of thought, no programs
    temperature: Annotated[float, Field(gt=0, le=2)]
    top_p: Annotated[float, Field(gt=0, le=1)]
    max_new_tokens: Tokens  # a step
    max_context: Context  # tokens of prompt, programs and outputs
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]  # one full vote per seed
    stop: Literal["lossless", "none", "beta", "esc"]  # see numina/sctir/stop.py
    stop_confidence: Annotated[float, Field(gt=0.5, lt=1)]  # beta
    stop_window: Annotated[int, Field(ge=2)]  # esc
    at_once: Count  # minimum traces in flight per problem; 0: as many as could settle it
    vote: Literal["uniform", "logprob"]  # weight of a trace
    vote_power: Annotated[float, Field(gt=0, le=1000)]  # logprob; see numina/sctir/vote.py
    no_code_weight: Share  # weight of a trace that ran no program

    @model_validator(mode="after")
    def consistent(self) -> Sctir:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds repeat: {list(self.seeds)}")
        if self.at_once > self.n:
            raise ValueError(f"at_once {self.at_once} is above n {self.n}")
        refuse_long_steps(self.max_new_tokens, self.max_context)
        return self


class TimeBank(Section):
    budget_s: Annotated[float, Field(ge=0)]  # for all problems of a run; 0: no limit
    base_s: Annotated[float, Field(ge=0)]  # reserved per problem; 0: an equal share of the budget
    most_s: Annotated[float, Field(ge=0)]  # maximum for one problem; 0: no limit


def refuse_long_steps(max_new_tokens: int, max_context: int) -> None:
    """Refuse a context that is too short for one step.

    Raises:
        ValueError: it is, with both numbers.
    """
    if max_context < max_new_tokens:
        raise ValueError(f"max_context {max_context} is below max_new_tokens {max_new_tokens}")
