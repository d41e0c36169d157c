"""Run the prize's profile, made small, from download to report: `make rehearse`.

    python -m tests.rehearse

In a fresh clone of the last commit, against a hub on loopback that misbehaves: numina-7b with the
profile rehearsal. Its tool-integrated solutions are written by a teacher, the default's 135M model
on a real vLLM server. Then ZeRO-3 in two processes, GPTQ with 8 bits, and SC-TIR; then the model
with 4 bits, served by two more vLLM servers, and SC-TIR over both. It needs .venv-vllm
(.ci/vllm.sh), leaves nothing behind, and prints how long each part took.
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
from urllib.parse import urlsplit

from numina.profile import hydra_value
from numina.records.attempt import Attempt
from numina.resume import kept
from numina.rows import read_problems, read_shards
from numina.sources.known import KNOWN
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
TEACHER = "teacher"
TEACHER_URL = f"http://127.0.0.1:{free_port()}/v1"
# Named in every run: with other knobs the teacher's rows would be made again.
ALWAYS = [f"hardware.teacher.urls=[{TEACHER_URL}]"]


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
        with part("a teacher"):  # the default's model: the clone still has the default's knobs
            place = [sys.executable, "-m", "stages.base_model", "--out", str(folder / TEACHER)]
            run(place, clone, environment)
        with part("a download that is damaged"):
            refuse_damage(hub, clone, environment)
        with part("tool-integrated solutions by the teacher"):
            hub.faults.coming = [Fault("status", "HEAD .*aime")]
            options = "--dtype float32 --max-model-len 2048"
            with servers(folder / TEACHER, TEACHER, [TEACHER_URL], options, environment):
                experiment([], ["tir_select"], clone, environment)
                check_faults(hub)
                check_teacher(TEACHER_URL, clone)
        with part("the same from what was paid for, without the teacher"):
            repeat_teaching(clone, environment)
        with part("numina-7b + rehearsal, 8 bits"):
            hub.faults.coming = [Fault("cut", f"GET .*{SHARD}")]
            numina(["run", *PROFILES, *changed(ALWAYS)], clone, environment)
            check_faults(hub)
            check_resumed(hub)
            check_first(clone)
        with part("the model with 4 bits"):
            experiment(
                ["quantize.bits=4"], ["quantize", "eval_greedy@quantised"], clone, environment
            )
        with part("two vLLM servers"):
            model = shutil.copytree((clone / SERVED).resolve(), folder / "served")
            options, port = "--dtype bfloat16 --max-model-len 512", free_port()
            urls = [f"http://{host}:{port}/v1" for host in HOSTS]
            opened.enter_context(servers(model, SERVED, urls, options, environment))
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
    options += changed([*ALWAYS, *changes])
    return [sys.executable, "-m", "dvc", "exp", "run", *options, *stages]


def changed(changes: Sequence[str]) -> list[str]:
    """Changes as arguments."""
    return [part for change in changes for part in ("-S", change)]


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


def check_resumed(hub: Hub) -> None:
    """The download that was cut went on where it was.

    Raises:
        Failed: it began anew.
    """
    if not any(re.search(rf"GET .*{SHARD} bytes=[1-9]\d*-", asked) for asked in hub.asked):
        raise Failed(f"{SHARD}: no part of it was asked for")


def check_faults(hub: Hub) -> None:
    """The hub has misbehaved as it was told.

    Raises:
        Failed: it has not.
    """
    if any(fault.times for fault in hub.faults.coming):
        raise Failed(f"the hub did not get to misbehave: {hub.faults.coming}")


def check_first(clone: Path) -> None:
    """What the first run must have done.

    Raises:
        Failed: it did not.
    """
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


def check_teacher(url: str, clone: Path) -> None:
    """The teacher has solved problems, and was asked once for each answer.

    Raises:
        Failed: it has not, or was not.
    """
    rows = read_problems(clone / "data/tir/train")
    taught = [row for row in rows if row.source == KNOWN["numina_cot"].hub]
    print(f"{len(taught)} of {len(rows)} solutions are the teacher's; {completions(url)} requests")
    if len(taught) < len(rows) / 2:
        raise Failed("most solutions should be the teacher's")
    if not all("```python" in row.solution and "```output" in row.solution for row in taught):
        raise Failed("a solution of the teacher has no program")


def repeat_teaching(clone: Path, environment: dict[str, str]) -> None:
    """The stage gives the same attempts once more, while its server is down.

    Raises:
        Failed: it gives others.
    """
    again = clone.parent / "again"
    paths = ["--clean", "data/clean", "--collected", "data/collected", "--out", str(again)]
    run([sys.executable, "-m", "stages.tir_data", *paths], clone, environment)
    found, expected = (
        list(read_shards(folder / "attempts", Attempt))
        for folder in (again, clone / "data/attempts")
    )
    if found != expected:
        raise Failed("a second run of tir_data has other attempts")


@contextmanager
def servers(
    model: Path,
    name: str,
    urls: Sequence[str],
    options: str,
    environment: dict[str, str],
) -> Iterator[None]:
    """vLLM servers of a model at some URLs of this machine, which share the cores. They are started
    as docs/cluster.md says.

    Raises:
        Failed: one does not start.
    """
    given = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM": str(VLLM)}
    given["ARGUMENTS"] = f"{options} --enforce-eager --served-model-name {name}"
    ours = {key: value for key, value in environment.items() if key != "PYTHONPATH"} | given
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as opened:
        logs = []
        for number, url in enumerate(urls):
            address = urlsplit(url)
            share = cores[number :: len(urls)] or cores[:1]
            bound = {"VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, share))}
            logs.append(model.parent / f"vllm-{address.hostname}-{address.port}.log")
            log = opened.enter_context(logs[-1].open("wb"))
            place = [str(model), str(address.hostname), str(address.port)]
            process = subprocess.Popen(
                ["bash", str(ROOT / "cluster/serve.sh"), *place],
                env=ours | bound,
                cwd=model.parent,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            opened.callback(end, process)
        limit = environment | {"LIMIT_S": str(LIMIT_S)}
        waiting = ["bash", str(ROOT / "cluster/wait.sh"), *urls]
        if subprocess.run(waiting, env=limit, check=False).returncode:
            texts = [log.read_text(errors="replace")[-4000:] for log in logs]
            raise Failed("a server did not start:\n" + "\n".join(texts))
        yield


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
