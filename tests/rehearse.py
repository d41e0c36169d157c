"""Run the prize's profile, made small, from download to report: `make rehearse`.

    python -m tests.rehearse

In a fresh clone of the last commit, against a hub on loopback that misbehaves: numina-7b with the
profile rehearsal, ZeRO-3 in two processes, GPTQ with 8 bits, and SC-TIR; then the model with 4
bits, served by two real vLLM servers, and SC-TIR over both. It needs .venv-vllm (.ci/vllm.sh),
leaves nothing behind, and prints how long each part took.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from numina.profile import hydra_value
from numina.resume import kept
from numina.train.launch import free_port
from tests.hub.faults import Fault
from tests.hub.server import Hub, serving

ROOT = Path(__file__).resolve().parents[1]
VLLM = ROOT / ".venv-vllm" / "bin" / "python"
LIMIT_S = 900  # of one part
PROFILES = ("numina-7b", "rehearsal")
SHARD = "pytorch_model-00001-of-00002.bin"
SERVED = "models/quantised"
HOSTS = ("127.0.0.1", "127.0.0.2")


class Failed(Exception):
    """The rehearsal has shown that something does not work."""


def main() -> None:
    if not VLLM.exists():
        raise Failed(f"{VLLM} is missing: bash .ci/vllm.sh makes it")
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="numina-rehearsal-")))
        clone = folder / "numina"
        environment = environment_in(folder)
        with part("the hub and the clone"):
            run(["git", "clone", "-q", str(ROOT), str(clone)], ROOT, environment)
            share_extensions(folder / "cache")
            run(
                [sys.executable, "-m", "tests.hub.content", str(folder / "hub")], clone, environment
            )
            hub = opened.enter_context(serving(folder / "hub"))
            environment["HF_ENDPOINT"] = hub.url
        with part("a download that is damaged"):
            refuse_damage(hub, clone, environment)
        with part("numina-7b + rehearsal, 8 bits"):
            hub.faults.coming = [Fault("status", "HEAD .*aime"), Fault("cut", f"GET .*{SHARD}")]
            numina(["run", *PROFILES], clone, environment)
            check_first(hub, clone)
        with part("the model with 4 bits"):
            experiment(
                ["quantize.bits=4"], ["quantize", "eval_greedy@quantised"], clone, environment
            )
        with part("two vLLM servers"):
            urls = opened.enter_context(servers(clone, environment))
        with part("SC-TIR over both"):
            changes = ["quantize.bits=4", "engine.name=server", "hardware.solvers=2"]
            changes += [f"hardware.server.urls={hydra_value(urls)}"]
            stages = ["--single-item", "eval_sctir", "score", "report"]
            experiment(changes, stages, clone, environment)
            check_second(urls, clone)


def environment_in(folder: Path) -> dict[str, str]:
    """The environment of all that runs: nothing is kept outside of the folder, no card is used."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    return kept | {
        "CUDA_VISIBLE_DEVICES": "",
        "DVC_NO_ANALYTICS": "1",
        "HF_HOME": str(folder / "hf"),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(folder / "numina"),  # not the modules that .venv was set up from
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


@contextmanager
def part(name: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    print(f"== {name}", flush=True)
    started = time.monotonic()
    yield
    print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)


def share_extensions(cache: Path) -> None:
    """Compile what DeepSpeed needs, 100 s, where other runs have it too, and leave it there."""
    ours = kept("extensions")
    ours.mkdir(parents=True, exist_ok=True)
    (cache / "numina").mkdir(parents=True)
    (cache / "numina" / ours.name).symlink_to(ours)


def run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a command to its end; it ends with us.

    Raises:
        Failed: it failed, or took too long.
    """
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    try:
        status = process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command)}: not done within {LIMIT_S} s") from None
    finally:
        end(process)
    if status:
        raise Failed(f"{' '.join(command)}: status {status}")


def end(process: subprocess.Popen[Any]) -> None:
    """End a process and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(20)


def numina(arguments: Sequence[str], clone: Path, environment: dict[str, str]) -> None:
    run([sys.executable, "-m", "numina.cli.main", *arguments], clone, environment)


def experiment(
    changes: Sequence[str], stages: Sequence[str], clone: Path, environment: dict[str, str]
) -> None:
    """Run some stages with the profiles, and changes on top."""
    run(experiment_command(changes, stages, clone, environment), clone, environment)


def experiment_command(
    changes: Sequence[str], stages: Sequence[str], clone: Path, environment: dict[str, str]
) -> list[str]:
    """What `numina run` calls, for some stages only."""
    profiles = [sys.executable, "-m", "numina.profile", *PROFILES]
    options = subprocess.check_output(profiles, cwd=clone, env=environment, text=True).split()
    options += [part for change in changes for part in ("-S", change)]
    return [sys.executable, "-m", "dvc", "exp", "run", *options, *stages]


def refuse_damage(hub: Hub, clone: Path, environment: dict[str, str]) -> None:
    """A file that has another hash than the hub states is refused in one line, and not kept.

    Raises:
        Failed: it was accepted, or the message does not name it.
    """
    hub.faults.coming = [Fault("wrong", "GET .*aimo-validation-amc/.*parquet")]
    command = experiment_command([], ["validation_sets"], clone, environment)
    done = subprocess.run(
        command, cwd=clone, env=environment, check=False, capture_output=True, text=True
    )
    told = re.search(
        "^error: AI-MO/aimo-validation-amc: data/train.* at [0-9a-f]{40}: .*$", done.stderr, re.M
    )
    if done.returncode == 0 or not told or (clone / "data/validation").exists():
        raise Failed(f"a damaged download: status {done.returncode}\n{done.stdout}{done.stderr}")
    print(told[0])


def check_first(hub: Hub, clone: Path) -> None:
    """What the first run must have done.

    Raises:
        Failed: it did not.
    """
    if any(fault.times for fault in hub.faults.coming):
        raise Failed(f"the hub did not get to misbehave: {hub.faults.coming}")
    log = (clone / "logs" / "sft.log").read_text(errors="replace")
    if "deepspeed" not in log.lower():
        raise Failed("logs/sft.log: no sign of DeepSpeed")
    check_report(clone, bits=8, engine="transformers")


def check_second(urls: Sequence[str], clone: Path) -> None:
    """What the second run must have done.

    Raises:
        Failed: it did not.
    """
    check_report(clone, bits=4, engine="server")
    for url in urls:
        count = completions(url)
        print(f"{url}: {count} completions")
        if not count:
            raise Failed(f"{url}: was asked for nothing")


def check_report(clone: Path, bits: int, engine: str) -> None:
    """The report is that of this run, and programs were run in it.

    Raises:
        Failed: it is not, or none was.
    """
    cost = json.loads((clone / SERVED / "cost.json").read_text())
    ran = json.loads((clone / "eval/sctir/run.json").read_text())
    found = (cost["bits"], ran["engine"])
    if found != (bits, engine):
        raise Failed(f"expected {(bits, engine)}, found {found}")
    page = (clone / "reports/index.html").read_text()
    if f"{bits}-bit GPTQ" not in page:
        raise Failed(f"reports/index.html does not name {bits}-bit GPTQ")
    traces = [
        trace
        for file in (clone / "eval/sctir").glob("*/*.jsonl")
        for line in file.read_text().splitlines()
        for trace in json.loads(line)["traces"]
    ]
    programs = sum(len(trace["block_statuses"]) for trace in traces)
    print(f"{len(traces)} traces ran {programs} programs")
    if not programs:
        raise Failed("no trace ran a program, so the loop was not rehearsed")
    print((clone / "reports/summary.json").read_text())


@contextmanager
def servers(clone: Path, environment: dict[str, str]) -> Iterator[list[str]]:
    """Two vLLM servers with the quantised model, on two addresses of this machine as on two hosts,
    each on a core of its own; their base URLs. They are started as docs/cluster.md says.

    Raises:
        Failed: one does not start.
    """
    model = shutil.copytree((clone / SERVED).resolve(), clone.parent / "served")
    given = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM": str(VLLM)}
    given["ARGUMENTS"] = (
        f"--dtype bfloat16 --max-model-len 512 --enforce-eager --served-model-name {SERVED}"
    )
    ours = {key: value for key, value in environment.items() if key != "PYTHONPATH"} | given
    cores = sorted(os.sched_getaffinity(0))
    port, urls = free_port(), []
    with ExitStack() as opened:
        for number, host in enumerate(HOSTS):
            core = {"VLLM_CPU_OMP_THREADS_BIND": str(cores[number % len(cores)])}
            log = opened.enter_context((clone.parent / f"vllm-{host}.log").open("wb"))
            process = subprocess.Popen(
                ["bash", str(ROOT / "cluster/serve.sh"), str(model), host, str(port)],
                env=ours | core,
                cwd=clone.parent,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            opened.callback(end, process)
            urls.append(f"http://{host}:{port}/v1")
        limit = environment | {"LIMIT_S": "600"}
        waiting = ["bash", str(ROOT / "cluster/wait.sh"), *urls]
        if subprocess.run(waiting, env=limit, check=False).returncode:
            logs = [log.read_text(errors="replace")[-4000:] for log in clone.parent.glob("vllm-*")]
            raise Failed("a server did not start:\n" + "\n".join(logs))
        yield urls


def completions(url: str) -> int:
    """The requests that a vLLM server has completed."""
    metrics = urllib.request.urlopen(url.removesuffix("/v1") + "/metrics", timeout=20).read()
    counts = re.findall(r"^vllm:request_success_total\{.*\} (\S+)$", metrics.decode(), re.M)
    return int(sum(map(float, counts)))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        main()
    except Failed as error:
        sys.exit(f"error: {error}")
    print(f"rehearsed in {time.monotonic() - began:.0f} s")
