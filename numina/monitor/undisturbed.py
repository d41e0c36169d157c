"""Use a model that is being trained, without a trace in its training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def undisturbed(network: Any) -> Iterator[None]:
    """A context in which a model evaluates; its mode and the random numbers are then as before."""
    import torch

    training = network.training
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        network.eval()
        try:
            yield
        finally:
            network.train(training)
