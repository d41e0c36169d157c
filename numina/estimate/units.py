"""Bytes and hours as a person reads them."""

from __future__ import annotations


def in_gb(size: float) -> str:
    """Bytes as a person reads them."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:,.1f} {unit}"
    return f"{size / 1e3:,.1f} kB"


def in_hours(hours: float) -> str:
    """A length of time."""
    return f"{hours:,.1f} hours" if hours >= 1 else f"{hours * 60:,.1f} minutes"
