"""How a run uses this machine: nothing here can change an out, so no stage names it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from numina.settings.section import Count, Positive, Section


class ServerHardware(Section):
    urls: tuple[str, ...]  # base URLs, such as http://localhost:8000/v1
    served_model: str  # the model's name there; "": the first of each server
    key_variable: str  # the environment variable that holds the key, if any
    seeds: bool  # send each request's seed: see numina/engine/server.py
    timeout_s: Annotated[float, Field(gt=0)]  # for one completion, to its last byte
    hedge_s: Annotated[float, Field(ge=0)]  # before a second server is asked too; 0: never
    patience_s: Annotated[float, Field(ge=0)]  # how long all of them may be down

    @field_validator("urls")
    @classmethod
    def addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"{url!r} does not begin with http:// or https://")
        return urls


class TransformersHardware(Section):
    cache_mb: Annotated[float, Field(ge=0)]  # 10^6 bytes of keys and values kept for prompts


class VllmHardware(Section):
    tensor_parallel: Positive  # cards that a model is split over
    memory_share: Annotated[float, Field(gt=0, lt=1)]  # of a card's memory


class SandboxHardware(Section):
    open_files: Annotated[int, Field(ge=50, le=1024)]  # a session
    all_memory_mb: Annotated[int, Field(ge=0, le=2**30)]  # all sessions; 0: half of the machine's
    allow_unisolated: bool  # run programs even where nothing stops the network or writes


class Hardware(Section):
    checkpoint_steps: Count  # optimiser steps between checkpoints; 0: none
    gradient_checkpointing: bool  # less memory for a third more time
    transformers: TransformersHardware  # engine transformers
    server: ServerHardware  # engine server
    vllm: VllmHardware  # engine vllm
    sandbox: SandboxHardware
