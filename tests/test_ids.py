"""The contents and sizes of blocks of ids, for a few types of rows."""

from itertools import repeat

import numpy as np
import pytest

from skclf import _ids
from skclf._ids import read_blocks, rows_holding

ROWS = [[3, 1, 4, 1], [], [5, 9, 2], [0]]


def arrays(rows, dtype=np.int32):
    return [np.array(row, dtype=dtype) for row in rows]


@pytest.mark.parametrize(
    ("n_rows", "n_ids", "expected"),
    [(4, 40, 10), (4, 30, 13), (4, 400, 1), (4, 4000, 1), (4, 0, 400), (0, 0, 1)],
)
def test_rows_holding_100_ids(n_rows, n_ids, expected):
    assert rows_holding(100, n_rows, n_ids) == expected


@pytest.mark.parametrize("X", [ROWS, arrays(ROWS)], ids=["lists", "arrays"])
def test_block_has_ids_in_order_and_row_lengths(X):
    ((first_row, ids, lengths),) = read_blocks(X)
    assert first_row == 0
    assert ids.tolist() == [3, 1, 4, 1, 5, 9, 2, 0]
    assert lengths.tolist() == [4, 0, 3, 1]


@pytest.mark.parametrize("X", [ROWS, arrays(ROWS)], ids=["lists", "arrays"])
def test_blocks_have_number_of_first_row(X, monkeypatch):
    monkeypatch.setattr(_ids, "_ROWS_IN_FIRST_BLOCK", 2)
    monkeypatch.setattr(_ids, "_IDS_IN_BLOCK", 1)
    blocks = [(first_row, ids.tolist()) for first_row, ids, _ in read_blocks(X)]
    assert blocks == [(0, [3, 1, 4, 1]), (2, [5, 9, 2]), (3, [0])]


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["u1", "u1"], "u1"),
        ([">i4", ">i4"], ">i4"),
        (["u1", "i2"], "i8"),
        (["u8", "u8"], "i8"),
        (["i8", "u8"], "i8"),
    ],
)
def test_ids_keep_common_dtype(dtypes, expected):
    X = [np.array([7, 200], dtype=dtypes[0]), np.array([1], dtype=dtypes[1])]
    ((_, ids, _),) = read_blocks(X)
    assert ids.dtype == expected
    assert ids.tolist() == [7, 200, 1]


@pytest.mark.parametrize("kind", [list, np.array])
@pytest.mark.parametrize(("length", "n_rows"), [(0, 16), (5, 16), (100, 10), (2000, 1)])
def test_blocks_have_more_rows_if_rows_are_shorter(kind, length, n_rows, monkeypatch):
    monkeypatch.setattr(_ids, "_ROWS_IN_FIRST_BLOCK", 8)
    monkeypatch.setattr(_ids, "_MOST_ROWS_IN_BLOCK", 16)
    monkeypatch.setattr(_ids, "_IDS_IN_BLOCK", 1000)
    rows = repeat(kind(range(length)), 8 + n_rows + 1)
    blocks = [lengths.tolist() for _, _, lengths in read_blocks(rows)]
    assert blocks == [[length] * 8, [length] * n_rows, [length]]
