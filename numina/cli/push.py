"""`numina push`: upload a model to the hub."""

from __future__ import annotations

from typing import Annotated

import typer

from numina.cli.options import QUANTISED, Model
from numina.errors import UserError


def push(
    repo: Annotated[str, typer.Option(metavar="OWNER/NAME", help="The repository on the hub.")],
    model: Model = QUANTISED,
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private.")
    ] = False,
    revision: Annotated[
        str, typer.Option(metavar="BRANCH", help="The branch; made if it does not exist.")
    ] = "main",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be uploaded.")
    ] = False,
) -> None:
    """Upload a model of the finished run to the Hugging Face hub.

    Its folder, its card as README.md, and the run's figures (reports/metrics.json and summary.json)
    are uploaded in one commit, and nothing that is not listed. The token is that of `hf auth login`
    or HF_TOKEN.

    \b
    Examples:
      numina push --repo YOU/numina-quantised --dry-run
      numina push --repo YOU/numina-tir --model models/tir --private
    """
    from numina.estimate.units import in_gb
    from numina.hub.upload import Target, gather, upload

    check_name(repo)
    uploads = gather(model)
    where = f"{repo}, branch {revision}"
    for each in uploads:
        print(f"{in_gb(each.size):>10}  {each.path}  ({each.file})")
    total = in_gb(sum(each.size for each in uploads))
    if dry_run:
        print(f"{len(uploads)} files, {total}, would be uploaded to {where}")
        return
    address = upload(uploads, Target(repo, revision, private), f"numina: {model.name}")
    print(f"{len(uploads)} files, {total}, uploaded to {where}: {address}")


def check_name(repo: str) -> None:
    """Refuse what cannot be a repository's name.

    Raises:
        UserError: it is not OWNER/NAME in the hub's letters.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UserError(f"--repo: {' '.join(str(error).split())}") from None
    if "/" not in repo:
        raise UserError(f"--repo: {repo!r} has no owner; it must be OWNER/NAME")
