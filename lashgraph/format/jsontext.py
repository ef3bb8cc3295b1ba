"""JSON text as the runtime writes and reads it.

Written: no spaces, unicode as it is, the keys of free-form objects sorted by their UTF-8 bytes,
floats in the shortest form that reads back. Read: at most 127 levels, nothing after the value, no
byte order mark.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw

from lashgraph.format.limits import MAX_CONTAINERS, MAX_SCALARS

MAX_DEPTH = 127
_STEPS = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes({*range(256)} - {*b"{[}]"})
_encoder = msgspec.json.Encoder()
encode: Callable[[Any], bytes] = _encoder.encode


def encode_checked(value: Any) -> bytes:
    """Encode a record, or ordinary Python values that may hold what JSON cannot.

    Raises
    ------
    ValueError, TypeError, RecursionError
        A float that is not finite, half of a surrogate pair, another kind of object, a cycle.
    """
    if isinstance(value, msgspec.Struct):
        return encode(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


class JsonError(ValueError):
    """A text is not the JSON that the runtime reads."""


def free(value: Any) -> Raw:
    """Encode a free-form value (payload, body, state): sorted keys, the runtime's floats."""
    return Raw(encode(_canonical(value)))


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(value[key]) for key in sorted(value, key=key_bytes)}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, Raw):
        return _canonical(value_of(value))
    if isinstance(value, Beyond):
        return Raw(value.text.encode())
    if isinstance(value, float):
        return Raw(float_text(value).encode())
    if type(value) is int and not -(1 << 63) <= value < 1 << 64:
        return Raw(float_text(float(value)).encode())
    return value


class Beyond(float):
    """A number beyond the range of a double: infinite as a value, kept as it was written.

    The runtime drops a row that holds one; here the row is read, since nothing else in it is lost.
    """

    text: str

    @classmethod
    def read(cls, text: str) -> float | int:
        """A number by its text."""
        if text == "-0":
            return -0.0
        try:
            number = int(text) if text.lstrip("-").isdigit() else float(text)
            if math.isfinite(float(number)):
                return number
        except (ValueError, OverflowError):
            pass
        beyond = cls("-inf" if text.startswith("-") else "inf")
        beyond.text = text
        return beyond


def value_of(text: Raw | bytes) -> Any:
    """The value of a JSON text that is known to be one; numbers beyond a double are infinite."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(bytes(text), parse_int=Beyond.read, parse_float=Beyond.read)


def key_bytes(key: str) -> bytes:
    """The order of keys: by their UTF-8 bytes."""
    return key.encode("utf-8", "surrogatepass")


def float_text(value: float) -> str:
    """The text of a finite float: ``1.0``, ``1e+16``, ``0.00001``, ``1e-6``.

    Examples
    --------
    >>> [float_text(x) for x in (1.0, 1e300, 1e15, 1e16, 1e-5, 1e-6)]
    ['1.0', '1e+300', '1000000000000000.0', '1e+16', '0.00001', '1e-6']
    """
    if not math.isfinite(value):
        raise JsonError(f"{value} has no JSON form")
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    if not mark:
        return text
    power = int(exponent)
    if power == -5:
        sign, digits = ("-", mantissa[1:]) if mantissa[0] == "-" else ("", mantissa)
        return f"{sign}0.0000{digits.replace('.', '')}"
    return f"{mantissa}e{'+' if power > 0 else '-'}{abs(power)}"


def parse(text: bytes | str, pairs: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    """Parse a whole JSON text, delivering maps through `pairs`.

    Raises
    ------
    JsonError
        The text is none that the runtime reads.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode()
        if decoded.count("{") + decoded.count("[") > MAX_CONTAINERS:
            raise JsonError(f"more than {MAX_CONTAINERS:,} lists and maps")
        if decoded.count(",") > MAX_SCALARS:
            raise JsonError(f"more than {MAX_SCALARS:,} elements")
        value = json.loads(
            decoded,
            object_pairs_hook=pairs,
            parse_constant=_refuse,
            parse_int=Beyond.read,
            parse_float=Beyond.read,
        )
    except JsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise JsonError(f"not JSON: {_short(error)}") from None
    _check_depth(decoded)
    return value


def _refuse(name: str) -> Any:
    raise JsonError(f"{name} is no JSON value")


def _short(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."


def _check_depth(text: str) -> None:
    """Refuse a text, known to be JSON, whose brackets stand in each other too deep."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    if "\\" in text:
        text = text.replace("\\\\", "").replace('\\"', "")
    beside_strings = "".join(text.split('"')[::2])
    steps = beside_strings.encode().translate(_STEPS, _NO_BRACKETS)
    if np.frombuffer(steps, np.int8).cumsum(dtype=np.int32).max(initial=0) > MAX_DEPTH:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")


def lenient(text: str | bytes | None) -> Any:
    """The value of a text, or the text itself where it is not JSON."""
    try:
        return msgspec.json.decode(text or "null")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text


def inside(value: Any, *keys: str) -> Any:
    """What stands in a parsed object under a path of keys; None where the path ends early."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
