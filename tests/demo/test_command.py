"""`numina demo` as a person starts it, with real engines on a small model."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from numina.cli.options import read_asked
from numina.errors import UserError
from tests.chromium import OFFLINE, open_chromium, requests_of
from tests.cli.test_main import ROOT, family_of, is_running, numina
from tests.demo.test_browser import ask, every, grounds, one, until
from tests.demo.test_web import ask as post
from tests.demo.test_web import asked, events
from tests.engine.misbehaving import Reply, Told, completion, serving

# Every Python process that the demo starts notes where it connects to, beside this machine.
WATCH = """
import os, sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        place = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        host = place[0] if isinstance(place, tuple) else place
        if (isinstance(place, tuple) or event == "socket.getaddrinfo") and host not in (
            "127.0.0.1", "::1", "localhost"
        ):
            with open(os.environ["NUMINA_TEST_OUTSIDE"], "a") as file:
                file.write(f"{event} {place} {sys.argv}\\n")
sys.addaudithook(watch)
"""


@contextlib.contextmanager
def started(*options: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The demo on a free port, and its address."""
    running = subprocess.Popen(
        [sys.executable, "-m", "numina.cli.main", "demo", "--port", "0", *options],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )
    assert running.stderr
    try:
        line = ""
        while not (found := re.search(r"the demo is at (http://127\.0\.0\.1:\d+/)", line)):
            line = running.stderr.readline()
            assert line, "it ended before it listened"
        yield running, found[1]
    finally:
        running.kill()
        running.communicate(timeout=60)


def test_a_real_engine_answers_and_nothing_leaves_the_machine(model_folder, tmp_path):
    outside = tmp_path / "outside"
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    browser = open_chromium(tmp_path / "profile", OFFLINE)
    try:
        with started(
            *("--model", str(model_folder), "--n", "3"),
            PYTHONPATH=paths,
            NUMINA_TEST_OUTSIDE=str(outside),
        ) as (demo, address):
            browser.get(address)
            ask(browser, "What is $4+12$?")
            grounds(browser)
            assert len(every(browser, ".trace")) == 3
            assert any(trace.text for trace in every(browser, ".trace .prose"))
            assert " of 3 traces ended, " in one(browser, "#grounds .cost").text
            urls = requests_of(browser, address)
            assert urls and [url for url in urls if not url.startswith((address, "data:"))] == []
            family = family_of(demo.pid)
            assert len(family) > 1
            demo.send_signal(signal.SIGINT)
            _, said = demo.communicate(timeout=60)
            assert (demo.returncode, said) == (130, "interrupted\n")
            until(lambda: not [pid for pid in family if is_running(pid)])  # workers end behind it
    finally:
        browser.quit()
    assert not outside.exists(), outside.read_text()


def test_the_watch_of_connections_works(tmp_path):
    outside = tmp_path / "outside"
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    code = (
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    )
    variables = {"PYTHONPATH": str(tmp_path), "NUMINA_TEST_OUTSIDE": str(outside)}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **variables}, check=False)
    assert "192.0.2.1" in outside.read_text()


def test_a_recording_of_solve_is_replayed_to_the_same_verdict(model_folder, tmp_path):
    record = tmp_path / "recording.jsonl"
    arguments = ["--model", str(model_folder), "--n", "3"]
    done = numina("solve", "What is $4+12$?", *arguments, "--json", "--record", str(record))
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    replay = ["-S", "engine.name=replay", "-S", f"engine.recording='{record}'"]
    with started(*arguments, *replay) as (_, address):
        name = post(address, "What is $4+12$?")
        told = [message for _, message in events(asked(address, f"problems/{name}/events")[1])]
    assert told[-1]["kind"] == "verdict"
    assert told[-1]["ran"] == len(verdict["traces"])
    assert told[-1]["tokens"] == sum(trace["generated_tokens"] for trace in verdict["traces"])
    answers = {m["trace"]: m["answer"] is not None for m in told if m["kind"] == "ended"}
    assert answers == {t["index"]: t["answer"] is not None for t in verdict["traces"]}


def test_servers_are_asked_as_the_knobs_say(model_folder):
    def answered(url: str) -> dict[str, Any]:
        knobs = (
            "engine.name=server",
            f"hardware.server.urls=['{url}']",
            "hardware.server.served_model=m",
        )
        changes = [part for knob in knobs for part in ("-S", knob)]
        with started("--model", str(model_folder), "--n", "3", *changes) as (_, address):
            name = post(address, "What is $2+2$?")
            return events(asked(address, f"problems/{name}/events")[1])[-1][1]

    async def go() -> dict[str, Any]:
        server = Told(last=Reply(completion(text="So \\boxed{4}.")))
        async with asyncio.timeout(120), serving(server) as (url,):
            return await asyncio.to_thread(answered, url)

    told = asyncio.run(go())
    assert (told["kind"], told["answer"]) == ("verdict", ["4"])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--model", "nowhere"], "nowhere: not found, so there is no model to load"),
        (["--seconds", "0"], "--seconds: must be a number above 0, got 0"),
        (["--at-once", "0"], "--at-once: must be at least 1, got 0"),
        (["--host", "192.0.2.1"], "192.0.2.1:7860: cannot listen there: "),
        (["--port", "70000"], "127.0.0.1:70000: cannot listen there: "),
        (["-S", "sctir.m=3"], "-S sctir.m=3: params.yaml has no such key"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_status(arguments, reason):
    done = numina("demo", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said_before_the_model_is_loaded():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = numina("demo", "--port", port, "--model", "nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: 127.0.0.1:{port}: cannot listen there: ")


@pytest.mark.parametrize(
    ("profiles", "change", "n", "reason"),
    [
        ([], "sctir.seeds=[1]", 0, "--n: sctir.n: Input should be greater"),
        (["real-set"], "sctir.n=3", 3, "no profile 'real-set'; did you mean 'real-sets'?"),
        ([], "sctir.m=3", None, "-S sctir.m=3: params.yaml has no such key"),
        ([], "sctir.n=3,5", None, "-S sctir.n=3,5: only KEY=VALUE with one value"),
        ([], "~sctir.n", None, "-S ~sctir.n: only KEY=VALUE with one value"),
        ([], "+sctir.n=3", None, "-S +sctir.n=3: only KEY=VALUE with one value"),
        ([], "sctir.n", None, "-S sctir.n: "),
        ([], "=3", None, "-S =3: "),
        ([], "sctir.n=x", None, "params.yaml + -S sctir.n=x: sctir.n: Input should be a valid"),
        ([], "sctir=3", None, "params.yaml + -S sctir=3: sctir: "),
    ],
)
def test_a_knob_that_is_wrong_is_named(monkeypatch, profiles, change, n, reason):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match=f"^{re.escape(reason)}"):
        read_asked(profiles, [change], n)


def test_profiles_and_changes_are_laid_over_each_other(monkeypatch):
    monkeypatch.chdir(ROOT)
    params = read_asked(["smoke"], ["sctir.n=7", "hardware.server.urls=[http://localhost:1/v1]"], 3)
    assert (params.sctir.n, params.hardware.server.urls) == (3, ("http://localhost:1/v1",))
    assert read_asked([], ["engine.recording='a b'"], None).engine.recording == "a b"
    assert read_asked([], ["sctir.at_once=5"], 2).sctir.at_once == 2
