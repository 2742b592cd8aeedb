"""Turn rows of word ids into the arrays of a CSR matrix with one column per id.

Plain functions for `_multi_hot`, which sort the ids of the blocks that `_ids` reads. Apart from
`_ids`, imports only NumPy.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from skclf._ids import read_blocks, rows_holding

# Few enough ids to be sorted within the fastest cache, enough to outweigh the cost of the call.
_IDS_IN_SORT = 2000
# SciPy and scikit-learn index columns by int32, which limits the width of a matrix.
MOST_COLUMNS = np.iinfo(np.int32).max


def place_unknown(ids, lengths, first_row, num_words, handle_unknown):
    """Return `ids` and `lengths` with ids of `num_words` or more dropped or moved, or raise."""
    limit = MOST_COLUMNS if num_words is None else num_words
    if ids.max(initial=0) < limit:
        return ids, lengths
    known, ends = ids < limit, lengths.cumsum()
    if num_words is None or handle_unknown == "error":
        position = known.argmin()
        row_number = first_row + ends.searchsorted(position, side="right")
        fix = "Set num_words, and set" if num_words is None else "Increase num_words, or set"
        raise ValueError(
            f"Got the id {ids[position]} in row {row_number} with num_words={num_words}; expected "
            f"ids below {limit}. {fix} handle_unknown to 'ignore', which drops such ids, or to the "
            "number of a column for them."
        )
    if handle_unknown == "ignore":
        known_before = np.append(0, known.cumsum())
        return ids.compress(known), np.diff(known_before[np.append(0, ends)])
    return np.where(known, ids, int(handle_unknown)), lengths


def _distinct_ids(ids, lengths, with_counts):
    """Return the distinct ids of each row in ascending order (int32), and their number per row.

    The third result is the number of times that each of these ids occurs in its row, or None
    without counts.
    """
    # The high bits of a key are the row, and the low bits are the id.
    bits = int(ids.max(initial=0)).bit_length()
    fits = len(lengths) << bits <= np.iinfo(np.int32).max
    row_starts = np.arange(len(lengths) + 1, dtype=np.int32 if fits else np.int64) << bits
    keys = np.repeat(row_starts[:-1], lengths)
    np.add(keys, ids, out=keys, dtype=keys.dtype, casting="same_kind")
    # The rows are already in order, so sorting a few of them at a time is faster than all at once.
    step = rows_holding(_IDS_IN_SORT, len(lengths), len(keys))
    stops = lengths.cumsum()[step - 1 : -1 : step].tolist()
    for start, stop in pairwise([0, *stops, len(keys)]):
        keys[start:stop].sort()
    is_first = np.empty(len(keys), dtype=bool)
    is_first[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    occurrences = None
    if with_counts:
        occurrences = np.diff(np.append(is_first.nonzero()[0], len(keys)))
    keys = keys.compress(is_first)
    n_distinct = np.diff(keys.searchsorted(row_starts))
    keys &= (1 << bits) - 1
    return keys.astype(np.int32, copy=False), n_distinct, occurrences


def _with_room(array, size):
    """Return `array`, or a longer copy of it with room for at least `size` numbers."""
    if size <= len(array):
        return array
    longer = np.empty(2 * size, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


def encode(X, num_words, handle_unknown, with_counts=False):
    """Return the arrays of a CSR matrix: columns, row pointers (int32), and counts or None.

    Parameters
    ----------
    X : iterable of iterables of int
        The ids of each row.
    num_words : int or None
        Number of columns. None allows every id that an index can hold.
    handle_unknown : str or int
        As in `MultiHotVectorizer`.
    with_counts : bool
        Whether to count how often each id occurs in a row.
    """
    # Growing these arrays is faster than concatenating many small ones.
    indices, counts = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.intp)
    n_indices, n_distinct = 0, [[0]]
    for first_row, ids, lengths in read_blocks(X):
        ids, lengths = place_unknown(ids, lengths, first_row, num_words, handle_unknown)
        of_block, n_of_rows, occurrences = _distinct_ids(ids, lengths, with_counts)
        start, n_indices = n_indices, n_indices + len(of_block)
        indices = _with_room(indices, n_indices)
        indices[start:n_indices] = of_block
        if with_counts:
            counts = _with_room(counts, n_indices)
            counts[start:n_indices] = occurrences
        n_distinct.append(n_of_rows)
    indices.resize(n_indices, refcheck=False)
    indptr = np.concatenate(n_distinct).cumsum()
    fits = n_indices <= np.iinfo(np.int32).max  # csr_array keeps the dtypes of its arguments
    indptr = indptr.astype(np.int32 if fits else np.int64, copy=False)
    return indices, indptr, counts[:n_indices] if with_counts else None


def counts_as(dtype, counts):
    """Return counts in the type of the result, after checking that it can represent them."""
    data = counts.astype(dtype)
    if (data != counts).any():
        raise ValueError(
            f"Got an id that occurs {counts.max()} times in a row; expected counts that "
            f"dtype={dtype!r} can represent. Choose a larger type such as np.float32, or "
            "binary=True."
        )
    return data
