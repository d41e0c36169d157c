"""Open the engine that is asked for; `auto` takes what is installed and says which."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from numina.engine.protocol import Engine
from numina.errors import UserError
from numina.local import from_root
from numina.machine import accelerators
from numina.settings.decoding import EngineParams
from numina.settings.hardware import Hardware
from numina.terminal import say

INSTALL = {
    "transformers": "pip install torch==2.13.0 transformers==5.19.0",
    "vllm": "pip install vllm==0.32.0",
}


def is_installed(name: str) -> bool:
    """Whether an engine's package is there; `server` and `replay` need none of their own."""
    return name not in INSTALL or importlib.util.find_spec(name) is not None


def pick() -> str:
    """What `auto` stands for: vLLM where it is installed and there is a card, else transformers."""
    return "vllm" if is_installed("vllm") and accelerators() else "transformers"


def chosen(params: EngineParams) -> str:
    """The name of the engine that is used."""
    return pick() if params.name == "auto" else params.name


def open_engine(params: EngineParams, hardware: Hardware, model: Path, max_context: int) -> Engine:
    """An engine for a model; enter it before use.

    Args:
        params: which engine, and how it decodes.
        hardware: how it uses this machine, and where its servers are.
        model: a folder with a model and its tokenizer. A server has the model; then only the
            tokenizer is read.
        max_context: tokens of the longest prompt and its completion.

    Raises:
        UserError: the engine is not installed, or the folder has no model or no tokenizer.
    """
    name = chosen(params)
    if not is_installed(name):
        raise UserError(f"engine.name: {name!r} is not installed: {INSTALL[name]}")
    if params.name == "auto":
        say(f"engine: {name} (auto)")
    if name == "vllm":
        from numina.engine.vllm import VllmEngine

        return VllmEngine(model, params, hardware.vllm, max_context)
    if name == "server":
        from numina.engine.server import ServerEngine

        return ServerEngine(model, params, hardware.server, max_context)
    if name == "replay":
        from numina.engine.replay import ReplayEngine, read_recording

        recorded, counted = read_recording(from_root(params.recording))
        return ReplayEngine(recorded, counted=counted)
    from numina.engine.transformers import TransformersEngine

    return TransformersEngine(model, params, hardware.transformers, max_context)
