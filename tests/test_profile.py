"""Profiles: they hold differences, compose, and are checked as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from numina.errors import UserError
from numina.profile import applied, arguments, differences, hydra_value, leaves_of, merged
from numina.settings.params import document

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = document(ROOT / "params.yaml")
ON_TOP = {"rehearsal": ["numina-7b"]}  # profiles that make sense on top of others only
NAMES = sorted(file.stem for file in ROOT.glob("profiles/*.yaml"))


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml and an empty folder of profiles."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add(project: Path, **profiles: object) -> None:
    for name, content in profiles.items():
        (project / f"profiles/{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def profile(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "numina.profile", *names],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_is_valid_and_holds_differences_only(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    leaves = differences(document(ROOT / f"profiles/{name}.yaml"), DEFAULT, name)
    under = merged(leaves_of(ON_TOP.get(name, []), DEFAULT), DEFAULT)
    assert merged(leaves, under) != under
    for key, value in leaves.items():
        assert merged({key: value}, under) != under, f"{key} changes nothing"
    assert len(arguments([name])) == 2 * len(leaves)


def test_of_two_profiles_the_later_one_is_on_top(project):
    add(project, one={"sctir": {"n": 7, "depth": 2}}, two={"sctir": {"n": 9}})
    assert (applied(["one", "two"]).sctir.n, applied(["two", "one"]).sctir.n) == (9, 7)
    assert arguments(["one", "two"]) == ["-S", "sctir.n=9", "-S", "sctir.depth=2"]
    assert profile(project, "one", "two").stdout == "-S sctir.n=9 -S sctir.depth=2\n"


def test_a_profile_may_add_a_split_and_another_change_it(project):
    split = {**DEFAULT["splits"]["mini_aime"], "count": 3}
    add(
        project,
        adds={"splits": {"olympiad-1": split}, "validation_sets": {"splits": ["olympiad-1"]}},
        changes={"splits": {"olympiad-1": {"count": 5}}},
    )
    assert applied(["adds", "changes"]).splits["olympiad-1"].count == 5
    (added,) = (part for part in arguments(["adds"]) if "olympiad-1={" in part)
    assert added.startswith("+splits.olympiad-1={source:'families',")


def test_what_is_added_and_changed_is_what_dvc_applies(project):
    from dvc.utils.hydra import apply_overrides

    split = {**DEFAULT["splits"]["mini_aime"], "count": 3}
    add(
        project,
        one={"splits": {"olympiad-1": split}, "validation_sets": {"splits": ["olympiad-1"]}},
        two={"splits": {"olympiad-1": {"count": 5}}, "sctir": {"n": 3}},
    )
    expected = applied(["one", "two"])
    apply_overrides(project / "params.yaml", arguments(["one", "two"])[1::2])
    assert applied([]) == expected


def test_a_profile_with_an_unknown_key_is_refused(project):
    add(project, some={"sctir": {"m": 4}})
    with pytest.raises(UserError, match=r"profiles/some\.yaml: sctir\.m: params\.yaml has no such"):
        arguments(["some"])


def test_an_unknown_profile_names_a_close_one_and_all(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match=r"'rael-sets'; did you mean 'real-sets'\? .*smoke"):
        arguments(["smoke", "rael-sets"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a: [", "not YAML"),
        (b"x", "holds no sections"),
        (b"sctir: {n: 3}\nsctir: {n: 4}\n", "duplicate key 'sctir'"),
        ("dedup: {ngram: 3}  # Zähler".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_profile_that_cannot_be_read_is_named(project, text, reason):
    (project / "profiles/some.yaml").write_bytes(text)
    with pytest.raises(UserError, match=rf"profiles/some\.yaml.*: .*{reason}"):
        arguments(["some"])


def test_elsewhere_it_says_where_to_run():
    done = profile(ROOT / "numina", "smoke")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: params.yaml: not found (run from the root of the repository)\n"


def test_values_are_written_as_hydra_reads_them():
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parser = OverridesParser.create()
    values = [True, None, 1.5, "a b'c", ["x", "y"], [{"path": "../a/b.jsonl.gz", "count": 3}]]
    for value in values:
        override = parser.parse_override(f"key={hydra_value(value)}")
        assert override.value() == value
