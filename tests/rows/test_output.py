"""Output files: whole or not at all, through links and into devices, never over an input."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.rows import check_output, write_rows, written_whole

ROOT = Path(__file__).resolve().parents[2]
ROWS = [{"id": 1}, {"id": 2}]
TEXT = '{"id": 1}\n{"id": 2}\n'


def write(path: Path) -> None:
    check_output(path)
    write_rows(path, ROWS)


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    path.chmod(0o640)
    write(path)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (TEXT, 0o640)
    assert os.listdir(tmp_path) == ["out.jsonl"]


def test_missing_folders_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "out.jsonl")
    assert (tmp_path / "a/b/out.jsonl").read_text() == TEXT


def test_what_ends_early_leaves_what_was_there_and_no_other_file(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), written_whole(path) as file:
        file.write("new")
        raise KeyboardInterrupt
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["out.jsonl"])


def test_an_error_of_the_caller_is_not_taken_for_one_of_the_output(tmp_path):
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "out.jsonl"):
        (tmp_path / "elsewhere").read_text()
    assert os.listdir(tmp_path) == []


def test_a_file_of_the_users_with_a_temporary_name_stays(tmp_path):
    names = ["out.jsonl.tmp", "out.tmp", "out.jsonl.try", ".out.jsonl.tmp"]
    for name in names:
        (tmp_path / name).write_text("mine")
    write(tmp_path / "out.jsonl")
    assert [(tmp_path / name).read_text() for name in names] == ["mine"] * 4


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_stays_and_its_target_is_written(tmp_path, there, absolute):
    (tmp_path / "real").mkdir()
    target, link, second = tmp_path / "real/out.jsonl", tmp_path / "link", tmp_path / "second"
    if there:
        target.write_text("old")
    link.symlink_to(target if absolute else Path("real/out.jsonl"))
    second.symlink_to("link")
    write(second)
    assert link.is_symlink()
    assert second.is_symlink()
    assert target.read_text() == TEXT
    assert os.listdir(tmp_path / "real") == ["out.jsonl"]


def test_links_in_a_circle_are_named(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for use in (check_output, lambda path: write_rows(path, ROWS)):
        with pytest.raises(UserError, match=r"/a: cannot be written: .*symbolic links"):
            use(tmp_path / "a")


def test_a_device_stays_one(tmp_path):
    (tmp_path / "link").symlink_to("/dev/null")
    for path in (Path("/dev/null"), tmp_path / "link"):
        write(path)
    assert Path("/dev/null").is_char_device()


def test_a_full_disk_is_one_line():
    with pytest.raises(UserError, match="/dev/full: cannot be written: No space left"):
        write(Path("/dev/full"))


def test_a_pipe_gets_what_is_written(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write(pipe)
    reader.join(30)
    assert (read, pipe.is_fifo()) == ([TEXT], True)


PROGRAM = """
from pathlib import Path
from numina.rows import check_output, write_rows
for path in map(Path, {paths}):
    check_output(path)
    write_rows(path, [{{"id": 1}}])
"""


@pytest.mark.parametrize("appended", [True, False])
def test_standard_output_is_written_where_it_is(tmp_path, appended):
    """To a pipe, and to a file, which is neither replaced nor cut."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    paths = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", str(tmp_path / "link")]
    command = [sys.executable, "-c", PROGRAM.format(paths=paths)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    piped = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert piped.stdout == '{"id": 1}\n' * 4, piped.stderr
    out = tmp_path / "out"
    out.write_text("before\n")
    number = out.stat().st_ino
    with out.open("a" if appended else "w") as file:
        subprocess.run(command, env=env, stdout=file, check=True, timeout=60)
    assert out.read_text() == ("before\n" if appended else "") + '{"id": 1}\n' * 4
    assert out.stat().st_ino == number


def test_another_name_of_a_file_keeps_what_it_had(tmp_path):
    """DVC's cache holds outs by such names."""
    (tmp_path / "out").write_text("old")
    os.link(tmp_path / "out", tmp_path / "cached")
    write(tmp_path / "out")
    assert (tmp_path / "cached").read_text() == "old"


@pytest.mark.parametrize("kind", ["same", "hard", "symbolic", "dotted"])
def test_an_input_is_refused_by_whatever_name(tmp_path, kind):
    source = tmp_path / "in.jsonl"
    source.write_text(TEXT)
    target = tmp_path / "out.jsonl"
    if kind == "hard":
        os.link(source, target)
    elif kind == "symbolic":
        target.symlink_to(source)
    else:
        target = source if kind == "same" else tmp_path / "." / ".." / tmp_path.name / "in.jsonl"
    with pytest.raises(UserError, match=r"is also the input .*; choose another output"):
        check_output(target, source)


def test_a_terminal_or_null_may_be_both():
    check_output(Path("/dev/null"), Path("/dev/null"))


def test_what_cannot_be_an_output_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    reasons = {
        tmp_path / "folder": "is a folder, not a file",
        tmp_path: "is a folder, not a file",
        tmp_path / "file/out": "cannot be written: Not a directory",
        tmp_path / ("x" * 300): "cannot be written: File name too long",
        Path("/proc/out"): "cannot be written",
        Path("/proc/self/fd/987"): "cannot be written: Bad file descriptor",
        Path("/dev/fd/0/x"): "cannot be written",
    }
    for path, reason in reasons.items():
        with pytest.raises(UserError, match=reason):
            check_output(path)


def test_a_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "is_block_device", lambda path: path.name == "sda")
    with pytest.raises(UserError, match="sda: is a disk, not a file"):
        check_output(tmp_path / "sda")


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_written_is_named(tmp_path, what):
    """As another user, since root may write everywhere."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "out").touch(mode=0o444)
    folder.chmod(0o555 if what == "folder" else 0o777)
    for parent in [folder, *folder.parents]:
        if parent.stat().st_mode & 0o005 != 0o005 and parent.owner() != "root":
            pytest.skip("the temporary folder is private")
    for parent in folder.parents:
        if not os.stat(parent).st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    program = f"""
import os
from pathlib import Path
from numina.errors import UserError
from numina.rows import check_output
if os.getuid() == 0:
    os.setuid(65534)
for name in ["out", "new"] if {what == "folder"} else ["out"]:
    try:
        check_output(Path({str(folder)!r}) / name)
    except UserError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    folder.chmod(0o755)
    lines = done.stdout.splitlines()
    assert lines[0] == f"{folder}/out: may not be written", done.stderr
    assert lines[1:] == (
        [f"{folder}/new: cannot be written: Permission denied"] * (what == "folder")
    )


def test_rows_are_read_back(tmp_path):
    rows = [{"id": "é", "text": "a\r\nb\u2028c"}]
    write_rows(tmp_path / "out", rows)
    assert [json.loads(line) for line in (tmp_path / "out").open(newline="\n")] == rows
