"""New keys of blobs: the hashes of their new contents, found before anything names them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from lashgraph.format.blob import content_hash, unwrap
from lashgraph.redact.contents import redacted_stored
from lashgraph.redact.replacer import Replacer

_RUN = re.compile(rb"[0-9a-f]{64,}")


def matches(key: str, stored: bytes) -> bool:
    """Whether a key is the hash of a blob's content, or of its stored bytes."""
    return key in (content_hash(unwrap(stored).content), content_hash(stored))


def names_in(stored: bytes, keys: Collection[str]) -> list[str]:
    """Those of some keys that stand in a content, in order and once each."""
    found: dict[str, None] = {}
    for run in _RUN.findall(unwrap(stored).content):
        for start in range(len(run) - 63):
            name = run[start : start + 64].decode()
            if name in keys:
                found[name] = None
    return list(found)


def in_order(keys: Collection[str], names_of: Callable[[str], list[str]]) -> Iterator[str]:
    """Keys so that each comes after those that its content names.

    There is such an order: no content can name its own hash, nor can several in a ring.
    """
    done: set[str] = set()
    for first in keys:
        waiting = [(first, iter(names_of(first)))] if first not in done else []
        while waiting:
            key, names = waiting[-1]
            before = next((name for name in names if name not in done and name != key), None)
            if before is not None:
                waiting.append((before, iter(names_of(before))))
                continue
            waiting.pop()
            if key not in done:
                done.add(key)
                yield key


def new_key(key: str, stored: bytes, replace: Replacer) -> str:
    """The key of what stands for a blob, made as its own was made."""
    made = redacted_stored(stored, replace)
    if key == content_hash(unwrap(stored).content):
        return content_hash(unwrap(made).content)
    return content_hash(made)
