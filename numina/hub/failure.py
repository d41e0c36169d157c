"""Say in one line why the hub's client failed, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from numina.errors import UserError

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


@contextmanager
def asking(failed: str) -> Iterator[None]:
    """Turn any failure of the hub's client into a `UserError` of one line.

    It catches every Exception because the client, its HTTP library and its storage library each
    raise their own.

    Args:
        failed: what did not succeed, with the repository and the revision.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{failed}: {reason(error)}") from None


def reason(error: Exception) -> str:
    """Why the hub's client failed, and what to do about it, in one line."""
    from huggingface_hub import errors

    cause: BaseException = error
    # They say only that nothing is in the cache either, or which file was being uploaded.
    while isinstance(cause, errors.LocalEntryNotFoundError | RuntimeError) and cause.__cause__:
        cause = cause.__cause__
    response = getattr(cause, "response", None)
    status = getattr(response, "status_code", None)
    if isinstance(cause, errors.GatedRepoError):
        return f"access has to be asked for on its page; then {LOG_IN}"
    if isinstance(cause, errors.RevisionNotFoundError):
        return "there is no such commit or branch"
    if isinstance(cause, errors.RemoteEntryNotFoundError):
        return "there is no such file"
    if isinstance(cause, errors.RepositoryNotFoundError):
        return f"there is no such repository, or it is private: {LOG_IN}"
    if status in (401, 403):
        stated = getattr(cause, "server_message", None)
        return f"refused ({status}{f', {stated}' if stated else ''}): {LOG_IN}"
    if status is not None:
        return f"the hub answered with status {status}"
    text = " ".join(str(cause).split())[:300]
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__
