"""`numina run`: `dvc exp run` with profiles and changes that are checked first."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from numina.cli import complete
from numina.cli.options import Changes
from numina.errors import UserError


def run(
    profiles: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PROFILE",
            help="Files of profiles/; later ones override earlier.",
            autocompletion=complete.profiles,
        ),
    ] = None,
    changes: Changes = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", metavar="NAME", help="The experiment's name.")
    ] = None,
    queue: Annotated[bool, typer.Option("--queue", help="Put it in DVC's queue.")] = False,
    temp: Annotated[bool, typer.Option("--temp", help="Run in a copy of the workspace.")] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Also run stages that have not changed.")
    ] = False,
    dry: Annotated[bool, typer.Option("--dry", help="Only show what would run.")] = False,
) -> None:
    """Run the pipeline with profiles and changes.

    They are checked before anything runs. It calls `dvc exp run`; the result is an experiment.

    \b
    Examples:
      numina run
      numina run real-sets
      numina run real-sets -S sctir.n=16 -S splits.amc.source=hub
      numina run smoke -S sctir.n=3,5,7 --queue
    """
    from numina.profile import arguments

    profiles, changes = profiles or [], changes or []
    for profile in profiles:
        if "=" in profile:
            raise UserError(f"{profile!r} is not a profile; a change is -S {profile}")
    options = [*arguments(profiles), *(part for change in changes for part in ("-S", change))]
    where = " + ".join(["params.yaml", *profiles, *(f"-S {change}" for change in changes)])
    check_changes(options[1::2], queue, where)
    if shutil.which("git") is None:
        raise UserError("git is not installed, and DVC needs it")
    options += ["--name", name] if name is not None else []
    flags = {"--queue": queue, "--temp": temp, "--force": force, "--dry": dry}
    call_dvc(["exp", "run", *options, *(flag for flag, on in flags.items() if on)])


def check_changes(changes: Sequence[str], queue: bool, where: str) -> None:
    """Read params.yaml as DVC will change it; with a sweep, once for each of its experiments.

    Args:
        changes: `KEY=VALUE`, as DVC takes them.
        queue: whether there may be several experiments.
        where: what an error calls the result.

    Raises:
        UserError: a change cannot be read or applied, or a value is wrong.
    """
    from dvc.exceptions import InvalidArgumentError
    from dvc.utils.cli_parse import to_path_overrides
    from dvc.utils.hydra import apply_overrides, get_hydra_sweeps
    from hydra.errors import HydraException

    from numina.settings.params import FILE, document, parse

    def one_line(error: Exception) -> str:
        return " ".join(str(error.__cause__ or error).split())

    overrides = to_path_overrides(changes)
    for file in overrides:
        if file != str(FILE):
            raise UserError(f"-S {file}:...: knobs are in {FILE} only")
    try:
        experiments = get_hydra_sweeps(overrides)
    except (InvalidArgumentError, HydraException) as error:
        raise UserError(f"-S: {one_line(error)}") from None
    if len(experiments) > 1 and not queue:
        raise UserError(f"-S: the values make {len(experiments)} experiments, which needs --queue")
    for experiment in experiments:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(shutil.copy(FILE, folder))
            try:
                apply_overrides(file, experiment.get(str(FILE), []))
            except (InvalidArgumentError, HydraException) as error:
                raise UserError(f"-S: {one_line(error)}") from None
            parse(document(file), where)


def call_dvc(arguments: Sequence[str]) -> None:
    """Run DVC to its end, in a process group of its own, so that Ctrl-C reaches it only once.

    Raises:
        UserError: it failed; DVC has printed why.
        KeyboardInterrupt: it was interrupted.
    """
    interrupted = False
    here = Path(sys.executable).parent  # stages are run as `python -m stages.NAME`
    path = os.pathsep.join([str(here), os.environ.get("PATH", os.defpath)])
    dvc = subprocess.Popen(
        [sys.executable, "-m", "dvc", *arguments],
        env={"DVC_NO_ANALYTICS": "1", **os.environ, "PATH": path},
        process_group=0,
    )

    def pass_on(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        os.killpg(dvc.pid, signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    status = dvc.wait()
    if interrupted:
        raise KeyboardInterrupt
    if status:
        raise UserError(f"dvc {' '.join(arguments[:2])} ended with status {status}")
