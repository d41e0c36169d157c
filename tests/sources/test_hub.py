"""A fetch from a hub that misbehaves ends in success, or in one line that says what and where."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.client import environment, put
from tests.hub.faults import Fault
from tests.hub.server import READER, Hub, serving

NAME, COMMIT, FILE = "some/set", "c" * 40, "data/train-00000-of-00002.parquet"
LARGE = bytes(range(256)) * 2**12 * 24  # the client takes 10 MiB of a connection at once
SMALL = b"a few rows"
ONE = f"fetch_file({NAME!r}, {COMMIT!r}, {FILE!r}, 'dataset')"
ALL = f"*fetch_matching({NAME!r}, {COMMIT!r}, 'data/train-*.parquet')"
MODEL = f"fetch_model({NAME!r}, {COMMIT!r})"
PLACE = f"error: {NAME}: cannot fetch {FILE} at {COMMIT} from the hub: "


@pytest.fixture
def hub(tmp_path) -> Iterator[Hub]:
    (tmp_path / "hub").mkdir()
    with serving(tmp_path / "hub") as running:
        put(running, "datasets", NAME, COMMIT, {FILE: SMALL})
        yield running


def fetch(
    hub: Hub, tmp_path: Path, what: str = ONE, **more: str
) -> subprocess.CompletedProcess[str]:
    """Fetch in a process of its own; it prints where the files are."""
    lines = ["from numina import entry", "from numina.hub.fetch import *"]
    lines += [f"entry.command(lambda: print({what}, sep='\\n'))"]
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=environment(hub, tmp_path, **more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def cached(tmp_path: Path) -> list[Path]:
    """The contents that the cache has."""
    return [file for file in (tmp_path / "hf").rglob("blobs/*") if file.is_file()]


def test_what_was_fetched_needs_no_hub_again(hub, tmp_path):
    done = fetch(hub, tmp_path)
    assert Path(done.stdout.strip()).read_bytes() == SMALL, done.stderr
    hub.asked.clear()
    assert fetch(hub, tmp_path).stdout == done.stdout
    assert hub.asked == []
    assert fetch(hub, tmp_path, HF_HUB_OFFLINE="1").stdout == done.stdout


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", "HEAD .*parquet", status=503),
        Fault("status", "GET .*parquet", status=429),
        Fault("status", "HEAD .*parquet", status=500, times=2),
        Fault("cut", "GET .*parquet"),
        Fault("cut", "GET .*parquet", times=2),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.times}",
)
def test_a_fault_that_passes_is_waited_for(hub, tmp_path, fault):
    hub.faults.coming = [fault]
    done = fetch(hub, tmp_path)
    assert done.returncode == 0, done.stderr
    assert fault.times == 0
    assert Path(done.stdout.strip()).read_bytes() == SMALL


def test_a_download_that_is_cut_goes_on_where_it_was(hub, tmp_path):
    put(hub, "datasets", NAME, COMMIT, {FILE: LARGE})
    hub.faults.coming = [Fault("cut", "GET .*parquet", times=2)]
    done = fetch(hub, tmp_path)
    assert Path(done.stdout.strip()).read_bytes() == LARGE, done.stderr
    resumed = [int(match[1]) for ask in hub.asked if (match := re.search(r"bytes=(\d+)-", ask))]
    assert len(resumed) == 2
    assert 0 < resumed[0] <= resumed[1] < len(LARGE)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("status", "HEAD .*parquet", status=404, code="EntryNotFound"), "no such file"),
        (Fault("status", "HEAD .*parquet", status=404, code="RevisionNotFound"), "no such commit"),
        (Fault("status", "HEAD .*parquet", status=401, code="RepoNotFound"), "HF_TOKEN"),
        (Fault("status", "HEAD .*parquet", status=403, code="GatedRepo"), "access has to be asked"),
        (Fault("status", "HEAD .*parquet", status=403, message="no"), r"refused \(403.*HF_TOKEN"),
        (Fault("drop", "HEAD .*parquet"), "RemoteProtocolError: "),
        (Fault("cut", "GET .*parquet"), "RemoteProtocolError: "),
        (Fault("status", "GET .*parquet", status=404), "status 404"),
    ],
    ids=lambda value: (
        f"{value.kind}-{value.status}-{value.code}" if isinstance(value, Fault) else None
    ),
)
def test_a_fault_that_stays_is_one_line(hub, tmp_path, fault, reason):
    fault.times = -1
    hub.faults.coming = [fault]
    line = last_line(fetch(hub, tmp_path))
    assert line.startswith(PLACE)
    assert re.search(reason, line)
    assert cached(tmp_path) == []


def test_a_hub_that_is_not_there_is_one_line(hub, tmp_path):
    line = last_line(
        fetch(hub, tmp_path, HF_ENDPOINT="http://127.0.0.1:1", HF_HUB_ETAG_TIMEOUT="1")
    )
    assert line.startswith(PLACE)
    assert "ConnectError" in line
    assert last_line(fetch(hub, tmp_path, HF_HUB_OFFLINE="1")).startswith(PLACE)


@pytest.mark.parametrize("file", [FILE, "rows.jsonl"], ids=["large", "small"])
def test_other_bytes_than_the_hub_states_are_refused_and_not_kept(hub, tmp_path, file):
    put(hub, "datasets", NAME, COMMIT, {file: SMALL})
    hub.faults.coming = [Fault("wrong", f"GET .*{file}")]
    what = ONE.replace(FILE, file)
    line = last_line(fetch(hub, tmp_path, what))
    name = "[0-9a-f]{64}" if file == FILE else "[0-9a-f]{40}"
    told = f"the hub sent content with hash {name}, and it states {name};"
    assert re.match(f"error: {NAME}: {file} at {COMMIT}: {told}", line)
    assert cached(tmp_path) == []
    assert Path(fetch(hub, tmp_path, what).stdout.strip()).read_bytes() == SMALL


def test_a_file_that_was_damaged_in_the_cache_is_named(hub, tmp_path):
    file = Path(fetch(hub, tmp_path).stdout.strip())
    file.resolve().write_bytes(b"else")
    assert "start again to fetch it anew" in last_line(fetch(hub, tmp_path))
    assert Path(fetch(hub, tmp_path).stdout.strip()).read_bytes() == SMALL


def test_what_is_private_needs_a_token(hub, tmp_path):
    hub.store.get("datasets", NAME).private = True
    assert last_line(fetch(hub, tmp_path)).startswith(PLACE + "there is no such repository, or it")
    done = fetch(hub, tmp_path, HF_TOKEN=READER)
    assert Path(done.stdout.strip()).read_bytes() == SMALL


@pytest.mark.parametrize(
    ("name", "commit", "file"),
    [("some/other", COMMIT, FILE), (NAME, "d" * 40, FILE), (NAME, COMMIT, "data/other.parquet")],
)
def test_what_does_not_exist_is_named(hub, tmp_path, name, commit, file):
    line = last_line(fetch(hub, tmp_path, f"fetch_file({name!r}, {commit!r}, {file!r}, 'dataset')"))
    assert line.startswith(
        f"error: {name}: cannot fetch {file} at {commit} from the hub: there is no"
    )


SHARDS = {
    **{f"data/train-{number:05}-of-00002.parquet": b"rows %d" % number for number in range(2)},
    "data/test-00000-of-00001.parquet": b"never trained on",
    "README.md": b"---\n---\n",
}


def test_shards_come_in_their_order_and_nothing_else(hub, tmp_path):
    put(hub, "datasets", NAME, COMMIT, SHARDS)
    hub.faults.coming = [Fault("status", "HEAD .*train-00001"), Fault("cut", "GET .*train-00000")]
    done = fetch(hub, tmp_path, ALL)
    assert [Path(line).read_bytes() for line in done.stdout.split()] == [b"rows 0", b"rows 1"]
    assert not [ask for ask in hub.asked if "test" in ask or "README" in ask]
    hub.asked.clear()
    assert fetch(hub, tmp_path, ALL, HF_HUB_OFFLINE="1").stdout == done.stdout
    assert hub.asked == []


def test_one_of_several_shards_is_damaged(hub, tmp_path):
    put(hub, "datasets", NAME, COMMIT, SHARDS)
    hub.faults.coming = [Fault("wrong", "GET .*train-00001")]
    line = last_line(fetch(hub, tmp_path, ALL))
    assert line.startswith(f"error: {NAME}: data/train-00001-of-00002.parquet at {COMMIT}: the hub")
    assert fetch(hub, tmp_path, ALL).returncode == 0


def test_no_file_matches(hub, tmp_path):
    line = last_line(fetch(hub, tmp_path, ALL.replace("train", "dev")))
    assert line == f"error: {NAME}: no file at {COMMIT} matches data/dev-*.parquet"


@pytest.mark.parametrize(
    ("files", "fetched"),
    [
        (["a.safetensors", "pytorch_model.bin", "config.json"], ["a.safetensors", "config.json"]),
        (["b.bin", "tokenizer.model", "logo.png", "LICENSE"], ["b.bin", "tokenizer.model"]),
        (["c.bin", "config.json", "onnx/d.bin", ".hidden.json"], ["c.bin", "config.json"]),
    ],
)
def test_of_a_model_only_what_loads_it_is_fetched(hub, tmp_path, files, fetched):
    put(hub, "models", NAME, COMMIT, {file: file.encode() for file in files})
    done = fetch(hub, tmp_path, MODEL)
    assert sorted(file.name for file in Path(done.stdout.strip()).iterdir()) == fetched


def test_a_model_without_weights_is_named(hub, tmp_path):
    put(hub, "models", NAME, COMMIT, {"config.json": b"{}"})
    line = last_line(fetch(hub, tmp_path, MODEL))
    assert line == f"error: {NAME}: has no weights at {COMMIT} (*.safetensors or *.bin)"
