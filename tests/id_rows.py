"""Rows of ids in every form that MultiHotVectorizer and SequencePadder accept, and bad ids."""

from decimal import Decimal
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy import sparse

ROWS = [[3, 1, 4, 1], [], [5, 9, 2], [0]]
VOCABULARY = {"<pad>": 0, "good": 1, "bad": 2, "film": 4}

# ROWS as SequencePadder pads them by default.
PADDED = [[3, 1, 4, 1], [0, 0, 0, 0], [0, 5, 9, 2], [0, 0, 0, 0]]
# The smallest and the largest id that SequencePadder accepts.
SMALLEST, LARGEST = -(2**31), 2**31 - 1
INTEGERS = ["i1", "u1", "i2", "u2", "i4", ">i4", "u4", "i8", "u8"]


def plain_double_loop(rows, num_words, handle_unknown="ignore"):
    """Return the multi-hot matrix by its definition."""
    result = np.zeros((len(rows), num_words))
    for i, row in enumerate(rows):
        for value in row:
            if value < num_words:
                result[i, value] = 1
            elif handle_unknown != "ignore":
                result[i, handle_unknown] = 1
    return result


def assert_canonical(X):
    """Check the arrays of the CSR matrix, not only its flags."""
    assert X.format == "csr"
    assert X.has_canonical_format
    assert X.indices.dtype == X.indptr.dtype == np.int32
    fresh = sparse.csr_matrix((X.data, X.indices, X.indptr), shape=X.shape)
    fresh.check_format(full_check=True)
    assert fresh.has_canonical_format
    assert (X.data == 1).all()


def ragged(rows):
    """Return an object with the two attributes of a `tf.RaggedTensor` that skclf reads."""
    splits = np.cumsum([0] + [len(row) for row in rows])
    return SimpleNamespace(flat_values=np.array(list(chain(*rows)), dtype=int), row_splits=splits)


def object_array(rows):
    result = np.empty(len(rows), dtype=object)
    result[:] = rows
    return result


class ArrowScalar:
    """Like the scalars in pyarrow's arrays, with one id or a list of ids."""

    def __init__(self, value):
        self._value = value

    def as_py(self):
        return self._value

    def __len__(self):
        return len(self._value)

    def __iter__(self):
        return iter(None if self._value is None else map(ArrowScalar, self._value))


FORMS = {
    "lists": list,
    "tuples": lambda rows: tuple(map(tuple, rows)),
    "int64 arrays": lambda rows: [np.array(row, dtype=np.int64) for row in rows],
    "int32 arrays": lambda rows: [np.array(row, dtype=np.int32) for row in rows],
    "big-endian arrays": lambda rows: [np.array(row, dtype=">i4") for row in rows],
    "arrays with gaps": lambda rows: [np.repeat(row, 2).astype(int)[::2] for row in rows],
    "uint8 arrays": lambda rows: [np.array(row, dtype=np.uint8) for row in rows],
    "uint64 arrays": lambda rows: [np.array(row, dtype=np.uint64) for row in rows],
    "arrays, empty ones of floats": lambda rows: [np.array(row) for row in rows],
    "object arrays": lambda rows: [np.array(row, dtype=object) for row in rows],
    "masked arrays without masked ids": lambda rows: [np.ma.array(row, dtype=int) for row in rows],
    "many dtypes": lambda rows: [
        np.array(row, dtype=["i1", "u2", ">i4", "u8"][i % 4]) for i, row in enumerate(rows)
    ],
    "lists of NumPy integers": lambda rows: [list(np.array(row, dtype=np.int16)) for row in rows],
    "lists beside arrays": lambda rows: [
        np.array(row, int) if len(row) % 2 else row for row in rows
    ],
    "object array of lists": object_array,
    "Series of lists": lambda rows: pd.Series(object_array(rows), index=range(5, 5 + len(rows))),
    "Series of arrays": lambda rows: pd.Series([np.array(row, int) for row in rows], dtype=object),
    "Series rows": lambda rows: [pd.Series(row, dtype="Int64") for row in rows],
    "sets": lambda rows: list(map(set, rows)),
    "ragged": ragged,
    "generator": lambda rows: (row for row in rows),
    "generator rows": lambda rows: [(value for value in row) for row in rows],
}

BAD_IDS = {
    "negative": (-4, ValueError, "negative id -4.*Renumber the ids from 0"),
    "far below zero": (-(10**30), ValueError, "negative id -10{17}.*Renumber the ids from 0"),
    "beyond int64": (2**63, ValueError, "huge id 9223372036854775808.*largest possible"),
    "beyond printing": (10**5000, ValueError, r"huge id beyond 10\*\*99"),
    "fractional": (2.5, ValueError, r"number 2\.5.*astype\(int\)"),
    "whole float": (3.0, ValueError, r"number 3\.0.*astype\(int\)"),
    "infinite": (float("inf"), ValueError, "number inf"),
    "text": ("film", TypeError, r"text 'film'.*vocabulary\[w\]"),
    "digits": ("3", TypeError, r"text '3'.*vocabulary\[w\]"),
    "bytes": (b"3", TypeError, r"text b'3'.*vocabulary\[w\]"),
    "None": (None, ValueError, "missing id None.*Drop it"),
    "NaN": (float("nan"), ValueError, "missing id nan.*Drop it"),
    "NA": (pd.NA, ValueError, "missing id <NA>.*Drop it"),
    "NaT": (pd.NaT, ValueError, "missing id NaT.*Drop it"),
    "True": (True, TypeError, "boolean True.*flatnonzero"),
    "False": (False, TypeError, "boolean False.*flatnonzero"),
    "NumPy boolean": (np.True_, TypeError, "boolean (np.)?True_?.*flatnonzero"),
    "list": ([1, 2], TypeError, r"list \[1, 2\].*Flatten"),
    "array": (np.array([3]), TypeError, r"ndarray array\(\[3\]\).*Flatten"),
    "Decimal": (Decimal(3), TypeError, r"Decimal Decimal\('3'\)"),
}
