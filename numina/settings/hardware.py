"""How a run uses this machine. Nothing here can change an out, so no stage declares it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from numina.settings.section import Count, Name, Positive, Section

Price = Annotated[float, Field(ge=0)]


class Servers(Section):
    urls: tuple[str, ...]  # base URLs, such as http://localhost:8000/v1
    key_variable: str  # environment variable that holds the key, if any
    timeout_s: Annotated[float, Field(gt=0)]  # for one completion, until its last byte
    patience_s: Annotated[float, Field(ge=0)]  # how long all servers may be down

    @field_validator("urls")
    @classmethod
    def addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"{url!r} does not begin with http:// or https://")
        return urls


class ServerHardware(Servers):
    served_model: str  # the model's name; "": the one named like its folder
    seeds: bool  # send each request's seed: see numina/engine/server.py
    hedge_s: Annotated[float, Field(ge=0)]  # before a second server is also asked; 0: never


class TeacherHardware(Servers):
    at_once: Positive  # requests in flight, for each server
    requests_a_minute: Count  # to all servers; 0: no limit
    tokens_a_minute: Count  # of prompts and answers; 0: no limit
    price_prompt: Price  # of a million tokens of prompts
    price_answer: Price  # of a million generated tokens
    budget: Price  # for all answers of a model, in the currency of the prices; 0: no limit
    budget_tokens: Count  # the same in tokens of prompts and answers; 0: no limit

    @property
    def hedge_s(self) -> float:
        """Never ask a second server as well: both answers would be paid for."""
        return 0.0


class VisionHardware(Section):
    url: Annotated[
        str, Field(pattern="^(https?://.+)?$")
    ]  # base URL of an OpenAI-compatible server
    key_variable: str  # environment variable that holds the key, if any
    timeout_s: Annotated[float, Field(gt=0)]  # for one page, until its last byte


class TransformersHardware(Section):
    cache_mb: Annotated[float, Field(ge=0)]  # 10^6 bytes of keys and values kept for prompts


class VllmHardware(Section):
    tensor_parallel: Positive  # number of cards that share a model
    memory_share: Annotated[float, Field(gt=0, lt=1)]  # of a card's memory


class SandboxHardware(Section):
    open_files: Annotated[int, Field(ge=50, le=1024)]  # per session
    all_memory_mb: Annotated[int, Field(ge=0, le=2**30)]  # all sessions; 0: half of the total
    allow_unisolated: bool  # run programs even if nothing blocks the network or writes


class Nodes(Section):
    hosts: tuple[Name, ...]  # addresses of the machines that train together; the first leads
    rank: Count  # of this machine in hosts
    port: Annotated[int, Field(ge=1, lt=2**16)]  # on the first
    start: str  # how the first starts another, with {host} and {command}; "": by hand

    @model_validator(mode="after")
    def consistent(self) -> Nodes:
        if self.rank >= max(1, len(self.hosts)):
            raise ValueError(f"rank {self.rank} is not that of one of {len(self.hosts)} hosts")
        if len(set(self.hosts)) < len(self.hosts):
            raise ValueError(f"hosts repeat: {list(self.hosts)}")
        if self.start and "{command}" not in self.start:
            raise ValueError(f"start has no {{command}}: {self.start!r}")
        return self


Tracker = Literal["tensorboard", "wandb", "trackio"]


class Hardware(Section):
    cache: str  # the folder of checkpoints, journals and unfinished shards; "": ~/.cache/numina
    checkpoint_steps: Count  # optimiser steps between checkpoints; 0: none
    gradient_checkpointing: bool  # less memory for a third more time
    data_processes: Count  # that turn rows into tokens; 0: one a core
    processes: Count  # that train on each machine; 0: one a visible card
    micro_batch: Positive  # blocks a process takes at once
    solvers: Count  # processes that decode in eval_greedy and eval_sctir; 0: what suits the machine
    samples: Annotated[int, Field(ge=0, le=64)]  # completions to read after each epoch
    trackers: tuple[Tracker, ...]  # that a training reports to
    nodes: Nodes
    transformers: TransformersHardware  # engine transformers
    server: ServerHardware  # engine server
    teacher: TeacherHardware
    vision: VisionHardware  # the model that reads exams' pages
    vllm: VllmHardware  # engine vllm
    sandbox: SandboxHardware
