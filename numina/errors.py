"""The one exception that people see."""

from __future__ import annotations


class UserError(Exception):
    """The user's input is wrong; the message says where. Shown without a traceback."""
