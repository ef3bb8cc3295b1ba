"""Hashes that stand in the text of a head where lash looks for none.

Damage may rename a key, or a release that is not known may write a head in another shape: what the
head named is then named by no field, and its hash stands in the text all the same.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Container, Iterator

from lashgraph.format import jsontext
from lashgraph.format.names import HASH_DIGITS, hashes_in
from lashgraph.format.strict import Pairs
from lashgraph.reach.refs import Ref, StoreRefs, spellings
from lashgraph.sqlite import heads

WHOLE_TEXT = "head_json"
"""The field of a hash whose place cannot be told, as the text is not JSON."""

_PLAIN_KEY = re.compile("[0-9A-Za-z_]+")
_SHOWN_KEY = 64


def head_text_refs(
    connection: sqlite3.Connection, refs: StoreRefs, present: Container[str]
) -> list[Ref]:
    """The blobs whose hash stands anywhere in a head's text, without those that heads name.

    Digits count in either case, escaped ones too. Of several places the first is the field, as a
    JSON path; a path to a key ends with that key.

    Parameters
    ----------
    refs : StoreRefs
        All refs of the store.
    present : container of str
        Hashes of the blobs that are there; what is not there is not taken for a name.
    """
    own = heads.row(connection)
    roots = (*refs.head_roots(), *refs.others, *refs.agent_frames())
    named = {root.blob_hash for root in roots}
    found = []
    for session_id, text in heads.texts(connection):
        every = (name for name in _hashes(text) if name in present and name not in named)
        odd = dict.fromkeys(every)
        if not odd:
            continue
        places: dict[str, str] = {}
        for name, place in _places(text):
            places.setdefault(name, place)
        is_own = own is not None and own.session_id == session_id
        source = "head_text" if is_own else f"head_text@{session_id}"
        owner = refs.session_id if is_own else session_id
        found += [
            Ref(f"{source}:{name}", "head_text", owner, places.get(name, WHOLE_TEXT), name)
            for name in odd
        ]
    return found


def _hashes(text: bytes) -> Iterator[str]:
    for spelling in spellings(text):
        yield from hashes_in(spelling.lower())


def _places(text: bytes) -> Iterator[tuple[str, str]]:
    """Each hash in a text, and where it stands in it; nothing of a text that is no JSON."""
    try:
        tree = jsontext.parse(text, Pairs)
    except jsontext.JsonError:
        return
    yield from _below(tree, "$")


def _below(value: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if len(value) >= HASH_DIGITS:
            for name in hashes_in(value.encode("utf-8", "surrogatepass").lower()):
                yield name, place
    elif isinstance(value, Pairs):
        for key, item in value:
            inside = place + _step(key)
            yield from _below(key, inside)
            yield from _below(item, inside)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _below(item, f"{place}[{at}]")


def _step(key: str) -> str:
    shown = key if len(key) <= _SHOWN_KEY else f"{key[:_SHOWN_KEY]}…"
    return f".{key}" if _PLAIN_KEY.fullmatch(shown) else f"[{json.dumps(shown)}]"
