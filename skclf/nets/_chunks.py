"""Splits work on many rows into chunks, and runs them in as many threads as BLAS may use.

What is computed for a chunk is up to the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from operator import getitem
from typing import Any

import numpy as np
from scipy import sparse
from threadpoolctl import ThreadpoolController


def for_chunks(
    work: Callable[[Any, slice], None], rows: Any, per_chunk: int, in_threads: bool
) -> None:
    """Call a function for each chunk of rows, in several threads if that helps.

    NumPy and SciPy release Python's lock while they compute. The chunks, and so the results, don't
    depend on the number of threads.

    Parameters
    ----------
    work : callable
        Takes the rows of a chunk and their slice.
    rows : {ndarray, CSR}
    per_chunk : int
        Number of rows in a chunk.
    in_threads : bool
        Whether to use several threads. It should be False if BLAS itself uses several for the
        products in ``work``, since they serve one product at a time.
    """
    n_rows = rows.shape[0]
    if n_rows <= per_chunk:
        work(rows, slice(0, n_rows))
        return
    cut = _rows_of_csr if sparse.issparse(rows) else getitem
    starts = range(0, n_rows, per_chunk)
    chunks = [slice(start, min(start + per_chunk, n_rows)) for start in starts]
    n_threads = min(len(chunks), _n_threads()) if in_threads else 1
    if n_threads == 1:
        for chunk in chunks:
            work(cut(rows, chunk), chunk)
        return
    # NumPy's error settings belong to a thread, so new threads don't inherit those of the caller.
    settings = np.geterr()
    left = iter(chunks)

    def work_on() -> None:
        with np.errstate(**settings):
            # Advancing a list iterator is atomic, so no chunk is taken twice.
            for chunk in left:
                work(cut(rows, chunk), chunk)

    # This thread works too, so one thread fewer is started.
    with ThreadPoolExecutor(n_threads - 1) as pool:
        helpers = [pool.submit(work_on) for _ in range(n_threads - 1)]
        work_on()
        for helper in helpers:
            helper.result()  # raises the error of that thread, if there was one


def _rows_of_csr(rows: Any, chunk: slice) -> Any:
    """Some rows as a view of all rows; SciPy's own slices are copies."""
    starts = rows.indptr[chunk.start : chunk.stop + 1]
    values = slice(starts[0], starts[-1])
    some = type(rows)((chunk.stop - chunk.start, rows.shape[1]), dtype=rows.dtype)
    some.data, some.indices, some.indptr = (
        rows.data[values],
        rows.indices[values],
        starts - starts[0],
    )
    return some


def _n_threads() -> int:
    """Number of threads that BLAS may use; joblib and threadpoolctl limit it in parallel work."""
    return max((library["num_threads"] for library in _blas().info()), default=1)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")
