"""Paths of params.yaml, in the repository and in the copies that DVC makes of it."""

from pathlib import Path

import pytest

from numina.local import from_root


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    """The folder of a copy, as `dvc exp run --temp` makes it, which this process works in."""
    (tmp_path / "data.jsonl").write_text("beside the repository")
    root = tmp_path / "repository"
    folder = root / ".dvc" / "tmp" / "exps" / "tmp1a2b"
    folder.mkdir(parents=True)
    (root / "mine.jsonl").write_text("not in git")
    (folder / "tracked.jsonl").write_text("in the copy")
    (root / "tracked.jsonl").write_text("in the repository")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("path", ["a.jsonl", "../b.jsonl", "/c.jsonl"])
def test_in_the_repository_a_path_stays_as_it_is(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert from_root(path) == Path(path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("mine.jsonl", "not in git"),
        ("../data.jsonl", "beside the repository"),
        ("tracked.jsonl", "in the copy"),
    ],
)
@pytest.mark.usefixtures("copy")
def test_in_a_copy_a_path_has_the_same_meaning(path, text):
    assert from_root(path).read_text() == text


@pytest.mark.usefixtures("copy")
def test_in_a_copy_an_absolute_path_stays_and_a_missing_file_is_named_in_the_repository(tmp_path):
    assert from_root(str(tmp_path / "data.jsonl")) == tmp_path / "data.jsonl"
    assert from_root("none.jsonl") == tmp_path / "repository" / "none.jsonl"


def test_a_folder_that_is_only_named_as_the_copies_are_is_none(tmp_path, monkeypatch):
    folder = tmp_path / "tmp" / "exps" / "x"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert from_root("a.jsonl") == Path("a.jsonl")
