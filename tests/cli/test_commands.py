"""Every command's help, its examples, and what the shell proposes."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from numina.cli.commands import app
from tests.cli.test_main import ROOT


def leaves(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that name it."""
    inside = getattr(command, "commands", {})
    for name, below in inside.items():
        yield from leaves(below, *path, name)
    if not inside:
        yield path, command


COMMANDS = dict(leaves(typer.main.get_command(app)))


def examples(command: Any) -> list[list[str]]:
    """The words of each example of a command's help, up to a redirection."""
    lines = [line.strip().rpartition("| ")[2] for line in (command.help or "").splitlines()]
    found = [shlex.split(line) for line in lines if line.startswith("numina ")]
    return [words[: words.index(">")] if ">" in words else words for words in found]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_has_examples_that_the_command_takes(path):
    command = COMMANDS[path]
    found = examples(command)
    assert found
    for words in found:
        assert words[: len(path) + 1] == ["numina", *path]
        command.make_context(path[-1], words[len(path) + 1 :])  # parses, and runs nothing
    assert all(parameter.help for parameter in command.params if parameter.name != "help")


def proposed(words: str, folder: Any = ROOT) -> list[str]:
    """What bash would propose for the last word."""
    shell = {
        "_NUMINA_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", "numina.cli.main"],
        cwd=folder,
        env={**os.environ, **shell},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("numina so", ["solve"]),
        ("numina demo --ho", ["--host"]),
        ("numina bench sa", ["sandbox"]),
        ("numina submit --contest aimo", ["aimo", "aimo2", "aimo3"]),
        ("numina run real-", ["real-sets"]),
        ("numina solve --profile numina-", ["numina-7b"]),
        ("numina params sctir.t", ["sctir.temperature", "sctir.top_p"]),
        ("numina params sct", ["sctir"]),
        ("numina run -S sctir.t", ["sctir.temperature=", "sctir.top_p="]),
        ("numina run -S hardware.serv", ["hardware.server."]),
        ("numina run -S sctir.n.x", []),
    ],
)
def test_the_shell_completes(words, expected):
    assert proposed(words) == expected


def test_in_another_folder_nothing_is_proposed(tmp_path):
    assert proposed("numina run -S sct", tmp_path) == []
    assert proposed("numina run ", tmp_path) == []


def test_bash_is_given_a_completion_that_works():
    script = f"""
        numina() {{ PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} \\
            -m numina.cli.main "$@"; }}
        export -f numina
        eval "$(numina --show-completion bash | sed 's/\\$1/bash -c numina/')"
        COMP_WORDS=(numina sol) COMP_CWORD=1
        _numina_completion numina
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["solve"], done.stderr
