"""The one exception that people see."""

from __future__ import annotations


class UserError(Exception):
    """Something the user gave is wrong; the message names it. Shown without a traceback."""
