"""Read rows of word ids from containers of any type into blocks of checked ids.

Plain functions for `_bags` and `_sequences`, which turn the blocks into arrays. A block is read in
bulk. If the bulk reader finds anything unusual, the block is read again id by id, and each id is
accepted or raises an error. Imports only NumPy and SciPy.
"""

import operator
import reprlib
import struct
from collections.abc import Iterable, Mapping, Set
from itertools import chain, islice, pairwise
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse

# Large enough to outweigh the cost of the calls, small enough to fit into the processor's cache.
# Python's integers take more memory than NumPy's, so lists are read in smaller parts.
_IDS_IN_BLOCK = 100_000
_IDS_IN_PART = 10_000
# The first block shows how long rows are. The upper limit keeps blocks small if longer rows follow.
_ROWS_IN_FIRST_BLOCK = 16
_MOST_ROWS_IN_BLOCK = 1024
NON_NEGATIVE = range(2**63)  # of int64
_BOOLEANS = (bool, np.bool_)


def _described(allowed):
    """Return a description of the ids in a range, for messages."""
    if allowed == NON_NEGATIVE:
        return "non-negative integers"
    return f"integers from {allowed[0]} to {allowed[-1]}"


def _are_within(ids, allowed):
    """Return whether all integers of an array are in a range."""
    info = np.iinfo(ids.dtype)
    return not ids.size or (
        # The ids needn't be read if their dtype has no values outside the range.
        (info.min >= allowed[0] or ids.min() >= allowed[0])
        and (info.max <= allowed[-1] or ids.max() <= allowed[-1])
    )


def _iterate_rows(X, allowed):
    """Return an iterator over the rows of `X`, a container of any kind."""
    if hasattr(X, "flat_values") and hasattr(X, "row_splits"):
        return _iterate_ragged_rows(np.asarray(X.flat_values), np.asarray(X.row_splits))
    fix = ""
    if hasattr(X, "columns"):
        fix = " Pass the one column that holds the id lists, such as frame['ids']."
    elif issparse(X):
        fix = " A sparse matrix is already multi-hot. Pass the sequences that it was made from."
    elif isinstance(X, (str, bytes)):
        fix = " Split each text into words, and map each word to its id."
    # Mappings and sets have no order of rows, and 0-d arrays have no rows.
    elif isinstance(X, Iterable) and not isinstance(X, (Mapping, Set)) and getattr(X, "ndim", 1):
        return iter(X)
    raise TypeError(
        f"Got X of type {type(X).__name__}; expected a sequence of rows, each a sequence of ids "
        f"({_described(allowed)}), such as [[3, 1, 4], [1, 5]].{fix}"
    )


def _iterate_ragged_rows(values, splits):
    """Return an iterator over the rows ``values[splits[i]:splits[i + 1]]``."""
    rises = splits.ndim == 1 and splits.size and splits[0] == 0 and np.all(np.diff(splits) >= 0)
    if values.ndim != 1 or not rises or splits[-1] != len(values):
        raise ValueError(
            f"Got a ragged X with flat_values of shape {values.shape}; expected one ragged "
            "dimension: flat_values of shape (n_ids,), and row_splits that increase from 0 to "
            "n_ids."
        )
    return (values[start:stop] for start, stop in pairwise(splits.tolist()))


def _read_id(value, row_number, allowed):
    """Return `value` as an int, or raise an error that says why it isn't an id."""
    is_boolean = isinstance(value, _BOOLEANS)
    try:
        number = None if is_boolean else operator.index(value)
    except TypeError:
        number = None
    if number is not None and number in allowed:
        return number
    is_printable = number is None or abs(number) < 10**99
    error, shown = ValueError, reprlib.repr(value) if is_printable else "beyond 10**99"
    # By name, so that pandas isn't imported.
    missing = value is None or type(value).__name__ in ("NAType", "NaTType")
    if missing or (isinstance(value, Real) and value != value):
        what, fix = "missing id", "Drop it, or use a separate id for missing words."
    elif is_boolean:
        error, what, fix = TypeError, "boolean", "Convert a mask to ids with np.flatnonzero(mask)."
    elif isinstance(value, Integral):
        what, fix = "negative id", "Renumber the ids from 0."
        if number >= 0:
            what = "huge id"
            fix = f"Renumber the ids from 0; the largest possible id is {allowed[-1]}."
    elif isinstance(value, Real):
        what, fix = "number", "Convert whole numbers with row.astype(int)."
    elif isinstance(value, (str, bytes)):
        error, what, fix = TypeError, "text", "Map words to ids: [vocabulary[w] for w in row]."
    else:
        error, what = TypeError, type(value).__name__
        fix = "Flatten nested rows, so that each row is a flat sequence of ids."
    raise error(
        f"Got the {what} {shown} in row {row_number}; expected {_described(allowed)}. {fix}"
    )


def _read_row(row, row_number, allowed):
    """Return a row of any type as an int64 array, or raise an error that says what is wrong."""
    if hasattr(row, "as_py"):  # a pyarrow scalar, which may be null
        row = row.as_py()
    if hasattr(row, "__array__"):
        row = np.asanyarray(row)
        row = row.tolist() if row.ndim == 0 or np.ma.is_masked(row) else np.asarray(row)
    if isinstance(row, (str, bytes, Mapping)) or not isinstance(row, Iterable):
        fix = "Pass a row without ids as []."
        if isinstance(row, (str, bytes)):
            fix = "Split it into words, and map each word to its id."
        elif isinstance(row, Real) and row == row:
            fix = "If X is a single row, pass [X]."
        raise TypeError(
            f"Got {reprlib.repr(row)} of type {type(row).__name__} as row {row_number} of X; "
            f"expected a sequence of ids ({_described(allowed)}). {fix}"
        )
    if isinstance(row, np.ndarray):
        if row.ndim == 1 and row.dtype.kind in "iu":
            if _are_within(row, allowed):
                return row.astype(np.int64, copy=False)
        elif row.dtype.kind == "f" and np.isnan(row).any():
            row = row[np.isnan(row)]  # report the NaN, which made NumPy convert the ids to floats
        row = row.tolist()
    return np.array([_read_id(value, row_number, allowed) for value in row], dtype=np.int64)


def rows_holding(wanted, n_rows, n_ids):
    """Return how many rows (at least one) have about `wanted` ids if `n_rows` have `n_ids`."""
    return max(1, wanted * n_rows // max(1, n_ids))


def _pack_lists(rows):
    """Return all ids of lists or tuples as one array, or None if some may not be valid ids."""
    values = list(chain.from_iterable(rows))
    # struct rejects floats, text, None and huge integers, and is faster than NumPy here.
    try:
        ids = np.frombuffer(struct.pack(f"{len(values)}q", *values), dtype=np.int64)
    # NumPy 1 warns about its booleans.
    except (struct.error, TypeError, ValueError, DeprecationWarning):
        return None
    # struct accepts booleans; they can only be among the zeros and ones.
    if any(isinstance(values[i], _BOOLEANS) for i in np.flatnonzero(ids <= 1).tolist()):
        return None
    return ids


def _join_arrays(rows):
    """Return all ids of arrays as one array, or None if some may not be valid ids."""
    dtypes = {row.dtype for row in rows}
    if not all(dtype.kind in "iu" and np.can_cast(dtype, np.int64) for dtype in dtypes):
        return None
    if {row.ndim for row in rows} != {1}:
        return None
    if len(dtypes) == 1:
        try:  # takes half the time of np.concatenate
            return np.frombuffer(b"".join(rows), *dtypes)
        except TypeError:  # a row has gaps between its ids
            pass
    return np.concatenate(rows, dtype=np.int64)


def _read_in_bulk(rows, allowed):
    """Return all ids of `rows` as one array, or None if they have to be read one by one."""
    kinds = set(map(type, rows))
    if kinds == {np.ndarray}:
        ids = _join_arrays(rows)
    elif kinds <= {list, tuple}:
        step = rows_holding(_IDS_IN_PART, len(rows), sum(map(len, rows)))
        parts = [_pack_lists(rows[i : i + step]) for i in range(0, len(rows), step)]
        ids = None if any(part is None for part in parts) else np.concatenate(parts)
    else:
        return None
    return None if ids is None or not _are_within(ids, allowed) else ids


def read_blocks(X, allowed=NON_NEGATIVE):
    """Yield the rows of `X` in blocks.

    Parameters
    ----------
    X : iterable of iterables of int
        Rows of any type that `MultiHotVectorizer` accepts.
    allowed : range
        Valid ids, within the range of int64.

    Yields
    ------
    first_row : int
        Number of the block's first row.
    ids : ndarray of shape (n_ids,)
        Concatenated ids of the block's rows, of any integer dtype. All are valid.
    lengths : ndarray of shape (n_rows,)
        Number of ids in each row.

    Raises
    ------
    ValueError, TypeError
        As in `MultiHotVectorizer.fit`, except for ids that are too large for it.
    """
    rows, first_row, n_rows = _iterate_rows(X, allowed), 0, _ROWS_IN_FIRST_BLOCK
    while block := list(islice(rows, n_rows)):
        ids = _read_in_bulk(block, allowed)
        if ids is None:
            block = [_read_row(row, first_row + i, allowed) for i, row in enumerate(block)]
            ids = np.concatenate(block)
        yield first_row, ids, np.fromiter(map(len, block), np.intp, len(block))
        first_row += len(block)
        # Assume that the next rows are about as long as these.
        n_rows = min(_MOST_ROWS_IN_BLOCK, rows_holding(_IDS_IN_BLOCK, len(block), len(ids)))
    if first_row == 0:
        raise ValueError("Got X without rows; expected at least one sequence of ids.")
