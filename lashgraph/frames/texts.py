"""Texts that may be JSON."""

from __future__ import annotations

import msgspec


def is_json(text: str) -> bool:
    """Whether a text is JSON, nested no deeper than can be read."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False
    return True
