"""Work on many rows, some at a time, by as many threads as linear algebra has."""

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
    """Do some work for all rows, a chunk of them at a time, or several at once.

    NumPy and SciPy let other threads run while they compute. The chunks are the same for any number
    of threads, and so are the results.

    Parameters
    ----------
    work : callable
        Takes rows and their slice.
    rows : {ndarray, CSR}
    per_chunk : int
        Number of rows.
    in_threads : bool
        Whether the work is done by the thread that asks for it, and not by those of BLAS, which
        serve one product at a time.
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
    settings = np.geterr()  # of this thread alone
    left = iter(chunks)

    def work_on() -> None:
        with np.errstate(**settings):
            # Python lets one thread at a time take the next.
            for chunk in left:
                work(cut(rows, chunk), chunk)

    with ThreadPoolExecutor(n_threads - 1) as pool:
        helpers = [pool.submit(work_on) for _ in range(n_threads - 1)]
        work_on()
        for helper in helpers:
            helper.result()


def _rows_of_csr(rows: Any, chunk: slice) -> Any:
    """Rows with the memory of all rows, which SciPy's own slices copy."""
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
    """How many threads BLAS may use, which joblib and threadpoolctl limit in parallel work."""
    return max((library["num_threads"] for library in _blas().info()), default=1)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")
