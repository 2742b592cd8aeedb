"""Compute a checksum over the values of a saved state, which changes if a single bit does.

It detects damage, not manipulation: anyone who alters a file can also compute the new checksum. A
file keeps the checksum of its own format, so any change to this module requires a new format number
(`skclf._migrations`).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

_DIGEST_BYTES = 16


def checksum(values: Mapping[str, Any]) -> str:
    """Return the checksum of named values.

    Parameters
    ----------
    values : dict
        By name, in any order: arrays, numbers, strings, None, and lists, tuples and dicts of these,
        in which the order matters. Of other objects only the position matters.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    # The fastest function of hashlib on processors without special instructions.
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for name in sorted(values):
        _add(digest, name)
        _add(digest, values[name])
    return digest.hexdigest()


def _add(digest, value):
    if isinstance(value, np.ndarray | np.generic):
        _add_array(digest, np.asarray(value))
    elif isinstance(value, Mapping):
        _add_items(digest, "keys", list(value))
        _add_items(digest, "values", list(value.values()))
    elif isinstance(value, list | tuple):
        _add_items(digest, "tuple" if isinstance(value, tuple) else "list", value)
    elif value is None or isinstance(value, bool):
        _add_block(digest, "constant", str(value).encode())
    elif isinstance(value, int):
        _add_block(digest, "int", b"%x" % value)
    elif isinstance(value, float):
        _add_block(digest, "float", struct.pack("<d", value))
    elif isinstance(value, str):
        _add_block(digest, "string", _encoded(value))
    else:
        _add_block(digest, "object", b"")


def _add_array(digest, array):
    if array.dtype.hasobject:  # whose bytes are addresses
        _add_items(digest, f"array of {array.shape}", array.ravel().tolist())
        return
    # joblib turns the bytes of arrays from a machine of the other order, pickle leaves them.
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    head = f"array of {array.shape} and {array.dtype.str}"
    # Not every type of array has a buffer, but every one can be viewed as bytes.
    _add_block(digest, head, array.reshape(-1).view(np.uint8) if array.nbytes else b"")


def _add_items(digest, kind, items):
    """Add a sequence; one of strings or of whole numbers, which may be long, in few steps."""
    types = set(map(type, items))
    if types == {str}:
        _add_block(digest, f"{kind} of strings", np.array([*map(len, items)], "<i8").tobytes())
        _add_block(digest, "text", _encoded("".join(items)))
    elif types == {int}:
        _add_block(digest, f"{kind} of int", " ".join(map(hex, items)).encode())
    else:
        _add_block(digest, kind, b"%d" % len(items))
        for item in items:
            _add(digest, item)


def _add_block(digest, kind, content):
    # With its length, so that the end of one block can't be read as the beginning of the next.
    digest.update(f"{kind}: {len(content)}\n".encode())
    digest.update(content)


def _encoded(text):
    return text.encode("utf-8", "surrogatepass")
