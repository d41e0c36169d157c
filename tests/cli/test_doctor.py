"""What the doctor says of a machine and of what each profile lacks on it."""

import shutil
from pathlib import Path
from typing import get_args

import pytest
import yaml

from numina.cli import doctor
from numina.engine.choose import INSTALL
from numina.settings.decoding import EngineParams

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml and no profile, on a machine with transformers and no card."""
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    (tmp_path / "profiles").mkdir()
    monkeypatch.chdir(tmp_path)
    has(monkeypatch, [], "transformers", "server", "replay")
    return tmp_path


def has(monkeypatch, cards: list[str], *engines: str) -> None:
    """Make this machine one with these cards and engines."""
    for module in ("numina.cli.doctor", "numina.engine.choose"):
        monkeypatch.setattr(f"{module}.accelerators", lambda: cards)
        monkeypatch.setattr(f"{module}.is_installed", lambda name: name in engines)
    monkeypatch.setattr("numina.cli.doctor.is_vllm_for_cpu", lambda: False)


PATHS = {
    "base_model": {"source": "path", "name": "weights"},
    "validation_sets": {"splits": ["mini_amc", "amc"]},
    "splits": {"amc": {"path": "amc.jsonl"}},
    "collect": {"jsonl": [{"path": "more.jsonl", "count": 0}]},
    "engine": {"name": "replay", "recording": "said.jsonl"},
}
SPLIT = {"engine": {"name": "vllm"}, "hardware": {"vllm": {"tensor_parallel": 4}}}


@pytest.mark.parametrize(
    ("profile", "lacks"),
    [
        ({"sctir": {"n": 16}}, []),
        (
            {
                "engine": {"name": "server"},
                "hardware": {"server": {"urls": ["http://localhost:8000/v1"]}},
            },
            [],
        ),
        (
            SPLIT,
            [
                f"engine.name: vllm is not installed: {INSTALL['vllm']}",
                "hardware.vllm.tensor_parallel: 4 accelerators, of which 0 here",
            ],
        ),
        (
            PATHS,
            [
                "collect.jsonl: more.jsonl is not there",
                "splits.amc.path: amc.jsonl is not there",
                "base_model.name: weights/config.json is not there",
                "engine.recording: said.jsonl is not there",
            ],
        ),
        (
            {"sctir": {"n": 0}},
            ["profiles/some.yaml: sctir.n: Input should be greater than or equal to 1 (got 0)"],
        ),
        ({"sctir": {"m": 1}}, ["profiles/some.yaml: sctir.m: params.yaml has no such key"]),
        ([1], ["profiles/some.yaml: holds no sections"]),
    ],
)
def test_what_a_profile_lacks_is_said_a_line_each(project, profile, lacks):
    (project / "profiles/some.yaml").write_text(yaml.safe_dump(profile))
    assert doctor.lacking(["some"]) == lacks


def test_a_profile_lacks_nothing_where_its_files_are(project):
    (project / "profiles/some.yaml").write_text(yaml.safe_dump(PATHS))
    (project / "weights").mkdir()
    for file in ("weights/config.json", "amc.jsonl", "more.jsonl", "said.jsonl"):
        (project / file).touch()
    assert doctor.lacking(["some"]) == []


@pytest.mark.parametrize(
    ("cards", "on_cpu", "lacks"),
    [
        (4, False, []),
        (2, False, ["hardware.vllm.tensor_parallel: 4 accelerators, of which 2 here"]),
        (0, True, []),
    ],
)
def test_accelerators_are_counted(project, monkeypatch, cards, on_cpu, lacks):
    has(monkeypatch, ["a card"] * cards, "vllm", "transformers")
    monkeypatch.setattr("numina.cli.doctor.is_vllm_for_cpu", lambda: on_cpu)
    (project / "profiles/some.yaml").write_text(yaml.safe_dump(SPLIT))
    assert doctor.lacking(["some"]) == lacks


def test_every_engine_is_listed_with_whether_it_is_here(project, monkeypatch):
    (project / "profiles/some.yaml").write_text(yaml.safe_dump(SPLIT))
    monkeypatch.setattr("numina.cli.doctor.isolation", lambda: {"landlock": False})
    found = doctor.examine()
    assert found["engines"] == {"transformers": True, "vllm": False, "server": True, "replay": True}
    assert set(found["engines"]) == set(get_args(EngineParams.model_fields["name"].annotation)) - {
        "auto"
    }
    assert found["isolation"] == {"landlock": False}
    assert {"accelerators", "versions"} <= found.keys()
    text = doctor.describe(found)
    assert "\nengines\n  transformers: yes\n  vllm: no\n  server: yes\n  replay: yes\n" in text
    assert "what each profile lacks\n  some: engine.name: vllm is not installed: pip" in text
    assert "\naccelerators\n  none\n" in text
