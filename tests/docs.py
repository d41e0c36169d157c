"""Every command that the documentation shows: where it is run, or that it is not.

    python -m tests.docs     # in a workspace with a finished run: runs those of AFTER_A_RUN

A command is a line of a fenced block that begins with a `PROGRAM`. It is in one of the tables
below, or its comment says "not run in CI".
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = re.compile(
    r"(numina|dvc|make|python|pip|bash|echo|tail|git|vllm|ray|sbatch|sky|docker|podman) (?! )"
)
NOT_RUN = "not run in CI"

# Run by test_docs.py, in this order, in a folder that has a copy of params.yaml and `FILES`.
ALONE = (
    "numina --version; numina run --help",
    "echo 'sum(range(10))' | numina exec",
    "numina exec --jsonl programs.jsonl results.jsonl",
    "numina grade --jsonl pairs.jsonl verdicts.jsonl",
)
# Run by test_docs.py from the root of the repository, where they change nothing.
HERE = (
    "numina params sctir",
    "numina doctor",
    "numina clean --dry-run",
    'numina doctor --profile numina-7b --cards "8 x H100"',
    'numina doctor --profile numina-7b --profile mixtral-8x7b --cards "16 x H100" --json',
)
# Run by `make smoke`, in its clone, after its run.
AFTER_A_RUN = (
    "dvc metrics diff HEAD",
    "dvc plots diff HEAD",
    "dvc metrics diff main --targets reports/metrics.json",
    r"dvc exp show --drop '.*' --keep '(Experiment|all\.).*'",
    "dvc plots show logs/cot.live.csv -x step -y loss --open",
    'numina solve "What is 2+3?" --record FILE',
    "numina data show tir_select --n 5",
    "numina data show cot_data --rejected --rule not_drawn",
    "numina push --repo YOU/numina-tir --model models/tir --dry-run",
)
# Run elsewhere in CI: the command, and the file that runs it, or the like of it in small.
ELSEWHERE = {
    "make test": ".ci/run",
    "make rehearse": ".ci/run",
    "make repro": "tests/smoke.sh",
    "dvc repro": "tests/smoke.sh",
    "numina run -S sctir.n=16": "tests/cli/test_run.py",
    "numina run real-sets -S sctir.n=16": "tests/cli/test_run.py",
    "numina run real-sets -S splits.amc.path=my/amc.jsonl": "tests/test_profile.py",
    "numina run -S 'collect.sources=[{path:mine.jsonl.gz}]'": "tests/sources/test_opened.py",
    "numina run -S 'tir_data.teachers=[server]' -S teacher.model=NAME "
    "-S 'hardware.teacher.urls=[URL]' -S hardware.teacher.budget=50": "tests/teacher/test_stage.py",
    'numina solve "What is 2+3?"': "tests/cli/test_main.py",
    "numina run published -S base_model.name=Qwen/Qwen2.5-Math-7B-Instruct": (
        "tests/test_published.py"
    ),
    "dvc exp run $(python -m numina.profile published) -S "
    "base_model.name=Qwen/Qwen2.5-Math-7B-Instruct": "tests/test_published.py",
    "bash cluster/serve.sh models/quantised 10.0.0.1": "tests/rehearse.py",
    "bash cluster/wait.sh http://10.0.0.1:8000/v1 http://10.0.0.2:8000/v1": "tests/rehearse.py",
    "numina run numina-7b -S engine.name=server -S hardware.solvers=4 -S "
    "\"hardware.server.urls=['http://10.0.0.1:8000/v1','http://10.0.0.2:8000/v1']\"": (
        "tests/rehearse.py"
    ),
    "dvc remote add -d shared /mnt/shared/numina": "tests/test_cluster.py",
    "dvc push": "tests/test_cluster.py",
    "dvc pull && dvc repro": "tests/test_cluster.py",
    "dvc exp push origin NAME": "tests/test_cluster.py",
    "dvc exp pull origin NAME": "tests/test_cluster.py",
    "python -m experiments.page": "tests/smoke.sh",
    "dvc metrics show": "tests/smoke.sh",
    "numina demo": "tests/demo/test_command.py",
    "numina spread leaks data/collected/problems data/unleaked --workers 16": (
        "tests/corpus/test_spread.py"
    ),
    "numina demo --model models/tir --n 9 --port 8000": "tests/demo/test_command.py",
    "numina bench grade --pairs FILE --pairs OTHER": "tests/answer/test_grade.py",
    "numina bench packing": "tests/bench/test_packing.py",
    "numina bench train": "tests/bench/test_train.py",
    "numina bench digitize": "tests/bench/test_digitize.py",
    "numina bench digitize --exam exam.pdf --labels exam.tex": "tests/bench/test_digitize.py",
    "numina submit --problems problems.jsonl --scale 0.1": "tests/contest/test_play.py",
    "numina submit": "tests/contest/test_play.py",
    "numina submit --contest aimo2 --problems test.csv": "tests/contest/test_play.py",
}
ELSEWHERE |= {
    f"dvc repro experiments/{file.parent.name}/dvc.yaml": "experiments/smoke.py"
    for file in ROOT.glob("experiments/*/smoke.yaml")
}
FILES = {
    "programs.jsonl": '{"id": "1", "blocks": ["x = 2", "print(x + 3)"]}\n',
    "pairs.jsonl": '{"id": "1", "prediction": "0.5", "gold": "\\\\frac12"}\n',
}


class Command(NamedTuple):
    """A command of the documentation: where it stands, what is typed, and the comment behind it."""

    place: str
    text: str
    comment: str


def commands() -> Iterator[Command]:
    """All commands of the README, CONTRIBUTING, docs/ and experiments/."""
    folders = (*ROOT.glob("docs/*.md"), *ROOT.glob("experiments/**/README.md"))
    for file in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(folders)]:
        fenced, before = False, ""
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("```"):
                fenced = not fenced
            elif fenced and line.endswith("\\"):
                before += line[:-1].strip() + " "
            elif fenced and PROGRAM.match((before + line).removeprefix("$ ")):
                typed, _, comment = (before + line.strip()).removeprefix("$ ").partition(" #")
                yield Command(f"{file.relative_to(ROOT)}:{number}", typed.strip(), comment.strip())
                before = ""


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as it stands, for five minutes at most; what opens a browser does not."""
    line = re.sub(r" --open$", "", command)
    return subprocess.run(
        ["bash", "-c", f"set -euo pipefail; {line}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def main() -> None:
    for command in AFTER_A_RUN:
        done = run(command, Path.cwd())
        print(f"$ {command}\n{done.stdout}{done.stderr}")
        if done.returncode:
            sys.exit(f"{command!r} of the documentation fails here: {done.returncode}")


if __name__ == "__main__":
    main()
