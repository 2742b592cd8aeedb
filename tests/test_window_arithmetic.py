"""Convolutions, products and chunks in NumPy, compared with straightforward code."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse

from skclf.nets import _chunks, _products, _window_arithmetic
from skclf.nets._products import add_bias, in_long_runs, multiply
from skclf.nets._window_arithmetic import convolve


def by_loops(values, kernel, strides, dilation, pool_size):
    """A convolution and max pooling, computed in plain loops."""
    sizes = kernel.shape[:-2]
    counts = [
        (length - (size - 1) * gap - 1) // stride + 1
        for length, size, gap, stride in zip(
            values.shape[1:], sizes, dilation, strides, strict=False
        )
    ]
    sums = np.zeros((len(values), *counts, kernel.shape[-1]))
    for place in product(*map(range, counts)):
        for tap in product(*map(range, sizes)):
            steps = zip(place, strides, tap, dilation, strict=True)
            at = tuple(start * stride + step * gap for start, stride, step, gap in steps)
            sums[(slice(None), *place)] += values[(slice(None), *at)] @ kernel[tap]
    for axis, pool in enumerate(pool_size, 1):
        if pool > 1:
            shape = sums.shape
            cut = sums.reshape(*shape[:axis], shape[axis] // pool, pool, *shape[axis + 1 :])
            sums = cut.max(axis=axis + 1)
    return sums


@pytest.mark.parametrize("max_values", [1, 300, 1 << 17])
@pytest.mark.parametrize(
    ("lengths", "sizes", "strides", "dilation", "pool_size"),
    [
        # Neighbouring windows in a band matrix, with and without max pooling.
        ((10, 18), (3, 3), (1, 1), (1, 1), (1, 1)),
        ((10, 18), (3, 3), (1, 1), (1, 1), (2, 2)),
        ((10, 18), (3, 3), (1, 1), (1, 1), (4, 4)),
        ((10, 18), (3, 3), (1, 1), (1, 1), (8, 1)),
        ((10, 18), (3, 3), (1, 1), (1, 1), (1, 16)),
        ((5, 13), (2, 4), (1, 1), (1, 1), (4, 5)),
        # Strides and dilation.
        ((10, 18), (3, 3), (2, 1), (1, 1), (1, 1)),
        ((10, 18), (3, 2), (1, 3), (1, 1), (1, 1)),
        ((10, 18), (3, 3), (1, 1), (2, 4), (2, 2)),
        ((4, 5), (4, 5), (1, 1), (1, 1), (1, 1)),
        # Sequences.
        ((20,), (3,), (1,), (1,), (1, 1)),
        ((20,), (3,), (2,), (3,), (1, 1)),
    ],
)
@pytest.mark.parametrize(("channels", "filters"), [(1, 1), (1, 8), (3, 5), (20, 70)])
def test_convolutions(
    monkeypatch, max_values, lengths, sizes, strides, dilation, pool_size, channels, filters
):
    monkeypatch.setattr(_window_arithmetic, "_MOST_VALUES", max_values)
    random = np.random.RandomState(1)
    values = random.normal(size=(3, *lengths, channels))
    kernel = random.normal(size=(*sizes, channels, filters))
    values.flags.writeable = False
    expected = by_loops(values, kernel, strides, dilation, pool_size)
    found = convolve(values, kernel, strides, dilation, pool_size)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_convolution_of_non_contiguous_rows():
    values = np.random.RandomState(1).normal(size=(3, 4, 20, 8)).transpose(0, 3, 2, 1)
    kernel = np.random.RandomState(2).normal(size=(3, 3, 4, 2))
    expected = by_loops(values, kernel, (1, 1), (1, 1), (2, 2))
    np.testing.assert_allclose(convolve(values, kernel, (1, 1), (1, 1), (2, 2)), expected)


@pytest.mark.parametrize("n_rows", [1, 99, 100, 101, 250, 300])
@pytest.mark.parametrize("max_multiplications", [10_000, 100, 1])
def test_products_of_many_rows(monkeypatch, n_rows, max_multiplications):
    monkeypatch.setattr(_products, "_MOST_MULTIPLICATIONS", max_multiplications)
    random = np.random.RandomState(1)
    rows, matrix = random.normal(size=(n_rows, 10)), random.normal(size=(10, 10))
    out = np.empty((n_rows, 10))
    assert multiply(rows, matrix, out) is out
    np.testing.assert_allclose(out, rows @ matrix, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(multiply(rows, matrix), out, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 5), (3, 5), (2000, 5), (10, 40, 30, 7), (3, 5000), (819, 5)])
def test_add_bias(shape):
    random = np.random.RandomState(1)
    values, bias = random.normal(size=shape), random.normal(size=shape[-1])
    expected = values + bias
    assert add_bias(values, bias) is values
    assert (values == expected).all()


def test_in_long_runs_with_non_contiguous_values():
    values = np.random.RandomState(1).normal(size=(300, 40)).T[::2]
    expected = np.maximum(values, 0)
    assert (in_long_runs(np.maximum, values, np.zeros(1)) == expected).all()
    assert (values == expected).all()


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("n_rows", [1, 6, 7, 8, 50])
@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_chunks_cover_all_rows(monkeypatch, as_rows, n_rows, n_threads):
    monkeypatch.setattr(_chunks, "_n_threads", lambda: n_threads)
    dense = np.random.RandomState(1).binomial(3, 0.2, size=(n_rows, 4)).astype(float)
    found = np.full(dense.shape, np.nan)

    def work(rows, place):
        found[place] = rows.toarray() if sparse.issparse(rows) else rows
        assert rows.shape[0] <= 7

    _chunks.for_chunks(work, as_rows(dense), 7, in_threads=True)
    assert (found == dense).all()


def test_chunks_of_sparse_rows_share_memory():
    rows = sparse.random(50, 20, density=0.2, format="csr", random_state=1)
    shared = []
    _chunks.for_chunks(
        lambda some, _: shared.append(np.shares_memory(some.data, rows.data)), rows, 7, False
    )
    assert shared == [True] * 8


@pytest.mark.parametrize("n_threads", [1, 2])
def test_error_in_chunk_is_raised(monkeypatch, n_threads):
    monkeypatch.setattr(_chunks, "_n_threads", lambda: n_threads)

    def work(rows, place):
        if place.start:
            raise MemoryError

    with pytest.raises(MemoryError):
        _chunks.for_chunks(work, np.zeros((9, 2)), 4, in_threads=True)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_errstate_applies_in_all_threads(monkeypatch, n_threads):
    monkeypatch.setattr(_chunks, "_n_threads", lambda: n_threads)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        _chunks.for_chunks(lambda rows, _: np.exp(rows + 1e6), np.ones((9, 2)), 4, in_threads=True)
    with np.errstate(all="ignore"):
        _chunks.for_chunks(lambda rows, _: np.exp(rows + 1e6), np.ones((9, 2)), 4, in_threads=True)


def test_n_threads_follows_threadpoolctl():
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        assert _chunks._n_threads() == 1
