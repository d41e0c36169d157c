"""Upload a model of a finished run to the hub, with its card and the figures, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.hub.failure import LOG_IN, asking
from numina.models.folder import check_model_folder

FIGURES = (Path("reports/metrics.json"), Path("reports/summary.json"))
QUANTISATION = Path("reports/quantization.json")  # where the run has one


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to upload.

    Attributes:
        file: where it is.
        path: its path in the repository.
        size: in bytes.
    """

    file: Path
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Target:
    """Where files are uploaded to.

    Attributes:
        repo: OWNER/NAME.
        branch: made if it does not exist.
        private: make the repository private if it does not exist.
    """

    repo: str
    branch: str
    private: bool


def gather(model: Path) -> list[Upload]:
    """The files of a model of the last run, its card as README.md, and the run's figures.

    Raises:
        UserError: the model, its card or the figures are missing or damaged, or they are not those
            of a finished run.
    """
    card = model.with_name(f"{model.name}.README.md")
    for path in (model, card, *FIGURES):
        if not path.exists():
            raise UserError(
                f"{path}: not found; `dvc checkout` brings back what the last run wrote, and "
                "`dvc repro` makes it"
            )
    check_model_folder(model)
    if changed := unfinished():
        raise UserError(
            f"{model}: the run is not finished, or something was changed after it: "
            f"{', '.join(changed)}; `dvc repro` finishes it, `dvc commit` accepts what is there"
        )
    files = {str(file.relative_to(model)): file for file in model.rglob("*") if file.is_file()}
    reports = [*FIGURES, *([QUANTISATION] if QUANTISATION.exists() else [])]
    files |= {"README.md": card} | {str(file): file for file in reports}
    return [Upload(files[path], path, files[path].stat().st_size) for path in sorted(files)]


def unfinished() -> list[str]:
    """The stages up to the report whose outs are missing or not those of their inputs.

    Raises:
        UserError: there is no pipeline here.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            return sorted(repo.status(targets=["report"], with_deps=True))
    except DvcException as error:
        raise UserError(f"dvc status: {' '.join(str(error).split())}") from None


def upload(uploads: Sequence[Upload], target: Target, message: str) -> str:
    """Upload the files, and no others, in one commit; return the commit's address.

    What else is in the repository stays there.

    Raises:
        UserError: there is no token, the hub refuses it or cannot be reached, or the repository
            exists and is public though `private` is set.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    if get_token() is None:
        raise UserError(f"the hub's token is missing: {LOG_IN}")
    api = HfApi()
    with asking(f"{target.repo}: cannot be uploaded to"):
        api.whoami()
        prepare(api, target)
        operations = [CommitOperationAdd(upload.path, upload.file) for upload in uploads]
        done = api.create_commit(
            target.repo, operations, commit_message=message, revision=target.branch
        )
    return str(done.commit_url)


def prepare(api: Any, target: Target) -> None:
    """Make the repository and the branch where they do not exist.

    Raises:
        UserError: the repository exists and is public, and `private` is set.
    """
    api.create_repo(target.repo, private=target.private or None, exist_ok=True)
    if target.private and not api.repo_info(target.repo).private:
        raise UserError(f"--private: {target.repo} exists and is public")
    api.create_branch(target.repo, branch=target.branch, exist_ok=True)
