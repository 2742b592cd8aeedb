"""Products of many rows and a matrix, and elementwise functions of values and a bias.

These are NumPy's operations in the form in which it computes them fastest. Both kinds of nets use
them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

# Multiplications in one product of matrices. OpenBLAS computes products of up to 100^3 in one
# thread and without rearranging the factors first (its "small matrix optimization", OpenBLAS#3335).
# Several threads that do so for different rows are faster than several that share a large product,
# and none waits for another that may not get a core.
_MOST_MULTIPLICATIONS = 10**6
# With fewer rows at a time, a large product is faster.
_FEWEST_ROWS = 10
# Length of a run on which NumPy is fast.
_LONG_RUN = 1 << 12


def multiply(rows: Any, matrix: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The product of rows and a matrix.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_rows, n_values)
    matrix : ndarray of shape (n_values, n_sums)
    out : ndarray of shape (n_rows, n_sums), default=None
        Where to write the product; for dense rows only.

    Returns
    -------
    ndarray of shape (n_rows, n_sums)
    """
    if sparse.issparse(rows):
        return rows @ matrix
    n_rows, at_a_time = len(rows), _MOST_MULTIPLICATIONS // max(1, matrix.size)
    if out is None:
        out = np.empty((n_rows, matrix.shape[1]), np.result_type(rows, matrix))
    if not is_small(matrix) or n_rows <= at_a_time:
        return np.matmul(rows, matrix, out=out)
    whole = n_rows - n_rows % at_a_time
    # For a stack of matrices, NumPy calls BLAS once for each of them.
    stack = rows[:whole].reshape(-1, at_a_time, rows.shape[1])
    np.matmul(stack, matrix, out=out[:whole].reshape(-1, at_a_time, matrix.shape[1]))
    if whole < n_rows:
        np.matmul(rows[whole:], matrix, out=out[whole:])
    return out


def is_small(matrix: np.ndarray) -> bool:
    """Whether `multiply` computes products with this matrix in the calling thread."""
    return matrix.size * _FEWEST_ROWS <= _MOST_MULTIPLICATIONS


def add_bias(sums: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Add a bias to each channel (the last axis), in place."""
    return in_long_runs(np.add, sums, bias)


def in_long_runs(function: np.ufunc, values: np.ndarray, operand: np.ndarray) -> np.ndarray:
    """Apply a function to values and an operand for each channel, in place.

    NumPy computes long runs of two arrays several times as fast as runs of a few channels, and as
    an array and a single number. So the operand is repeated.

    Parameters
    ----------
    function : ufunc
        With two arguments.
    values : ndarray of shape (..., n_channels)
        Overwritten by the results.
    operand : ndarray of shape (n_channels,) or (1,)
    """
    repeats = min(values.size, _LONG_RUN) // operand.size
    if repeats < 2 or values.size < _LONG_RUN or not values.flags.c_contiguous:
        return function(values, operand, out=values)
    run = np.empty((repeats, operand.size), operand.dtype)
    run[...] = operand
    run = run.reshape(-1)
    flat = values.reshape(-1)
    whole = flat.size - flat.size % run.size
    runs = flat[:whole].reshape(-1, run.size)
    function(runs, run, out=runs)
    function(flat[whole:], run[: flat.size - whole], out=flat[whole:])
    return values
