"""Train in several processes, on one machine or more: accelerate with DeepSpeed's ZeRO-3.

A stage calls `launch`, which starts the stage's own module once more in each process; there
`world.is_rank()` holds. On the first of several nodes the others are started too.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from numina import terminal
from numina.errors import UserError
from numina.machine import CORES
from numina.settings.hardware import Hardware, Nodes
from numina.train.cards import computes_in_bf16
from numina.train.extension import extension
from numina.train.world import NODE_RANK, forward_passes, is_rank, processes, world_size

LOOK_S = 0.2  # between looks at the processes that were started
PATIENCE_S = 20  # for them to end when they are told to


def launches(hardware: Hardware, batch_size: int) -> bool:
    """Whether this process is to start others that train, and not to train itself.

    Raises:
        UserError: they would not share out a batch evenly.
    """
    if is_rank():
        return False
    world = world_size(hardware)
    forward_passes(batch_size, hardware.micro_batch, world)
    return world > 1


def launch(hardware: Hardware, batch_size: int, module: str, arguments: Sequence[str]) -> None:
    """Run a module in every process, and wait for them.

    What the first process says is shown; what the others say is in the log.

    Args:
        hardware: processes, nodes, and the folder for what has to be compiled.
        batch_size: blocks of an optimiser step, over all processes.
        module: what each process runs, such as `stages.sft`.
        arguments: of its command line.

    Raises:
        UserError: a process or another node failed, or there is no compiler.
    """
    on_cards, rank = has_cards(), node_rank(hardware.nodes)
    with (
        tempfile.TemporaryDirectory() as scratch,
        extension(hardware.cache, on_cards) as environment,
    ):
        config = Path(scratch) / "accelerate.yaml"
        given = accelerate_config(hardware, batch_size, rank, on_cards)
        config.write_text(yaml.safe_dump(given), encoding="utf-8")
        shared = threads_a_process(processes(hardware))
        here = subprocess.Popen(
            [sys.executable, "-m", "numina.train.ranks", str(config), module, *arguments],
            env={**os.environ, **environment, **shared},
            start_new_session=True,
            stdout=terminal.opened.out if terminal.opened else None,
            stderr=terminal.shown(),
        )
        started = {"this machine": here}
        try:
            if rank == 0:
                started |= start_others(hardware.nodes, module, arguments)
            wait(started)
        finally:
            for process in started.values():
                end(process)


def has_cards() -> bool:
    """Whether training has cards to run on."""
    import torch

    return torch.cuda.is_available()


def accelerate_config(
    hardware: Hardware, batch_size: int, rank: int, on_cards: bool
) -> dict[str, Any]:
    """What `accelerate launch --config_file` reads.

    Args:
        hardware: processes and nodes.
        batch_size: blocks of an optimiser step, over all processes.
        rank: of this node.
        on_cards: train on cards; else on processors, in float32.
    """
    nodes = hardware.nodes
    several, world = len(nodes.hosts) > 1, world_size(hardware)
    return {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "DEEPSPEED",
        "deepspeed_config": {
            "zero_stage": 3,
            "gradient_accumulation_steps": forward_passes(batch_size, hardware.micro_batch, world),
            "zero3_init_flag": True,  # share the model out while it is loaded
            "zero3_save_16bit_model": True,  # gather it when it is saved
            "offload_optimizer_device": "none",
            "offload_param_device": "none",
            "deepspeed_multinode_launcher": "standard",
        },
        "num_machines": max(1, len(nodes.hosts)),
        "num_processes": world,
        "machine_rank": rank,
        "main_process_ip": nodes.hosts[0] if several else "127.0.0.1",
        "main_process_port": nodes.port if several else free_port(),
        "rdzv_backend": "static",
        "same_network": True,
        "mixed_precision": "bf16" if on_cards and computes_in_bf16() else "no",
        "use_cpu": not on_cards,
        "dynamo_backend": "no",
        "main_training_function": "main",
        "debug": False,
    }


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def node_rank(nodes: Nodes) -> int:
    """The place of this machine among the nodes.

    Raises:
        UserError: the environment variable is not one of them.
    """
    given = os.environ.get(NODE_RANK)
    if given is None:
        return nodes.rank
    if not given.isdecimal() or int(given) >= max(1, len(nodes.hosts)):
        raise UserError(f"{NODE_RANK}: {given!r} is not that of one of {len(nodes.hosts)} nodes")
    return int(given)


def node_command(rank: int, module: str, arguments: Sequence[str]) -> str:
    """What a shell on another node is to run, in the same folder as here."""
    command = shlex.join([sys.executable, "-m", module, *arguments])
    return f"cd {shlex.quote(os.getcwd())} && {NODE_RANK}={rank} {command}"


def start_others(
    nodes: Nodes, module: str, arguments: Sequence[str]
) -> dict[str, subprocess.Popen[bytes]]:
    """Start the other nodes, by address; where `nodes.start` is empty, say what a person is to run.

    Args:
        nodes: this machine is the first of them.
        module, arguments: what each node runs.
    """
    started: dict[str, subprocess.Popen[bytes]] = {}
    for rank, host in list(enumerate(nodes.hosts))[1:]:
        command = node_command(rank, module, arguments)
        if not nodes.start:
            terminal.say(f"to be run on {host}: {command}")
            continue
        line = nodes.start.replace("{host}", shlex.quote(host))
        line = line.replace("{command}", shlex.quote(command))
        started[host] = subprocess.Popen(line, shell=True, start_new_session=True)
    return started


def wait(started: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Wait until all have ended well.

    Raises:
        UserError: one has not; the others would wait for it in vain.
    """
    while True:
        statuses = {name: process.poll() for name, process in started.items()}
        for name, status in statuses.items():
            if status:
                raise UserError(f"training failed on {name} (status {status}): see above, or logs")
        if all(status == 0 for status in statuses.values()):
            return
        time.sleep(LOOK_S)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has started."""
    for number, patience_s in ((signal.SIGTERM, PATIENCE_S), (signal.SIGKILL, None)):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)


def threads_a_process(count: int) -> dict[str, str]:
    """The processor's cores, shared out, unless a person has."""
    each = max(1, CORES // count)
    return {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(each)}
