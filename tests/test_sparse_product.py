"""Products of CSR rows inside a TensorFlow graph, and their gradients."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import sparse

from skclf import MulticlassDenseClassifier, engine
from skclf.engine import _compat, _sparse
from skclf.engine._sparse import SparseProduct

RNG = np.random.RandomState(0)
ROWS = sparse.random(60, 30, density=0.2, format="csr", dtype=np.float32, random_state=1)
ROWS = sparse.csr_array(ROWS.toarray() * ~np.isin(np.arange(60), [3, 4, 59])[:, None])
Y = np.arange(60) % 3


def wide_indices(rows):
    arrays = rows.data, rows.indices.astype(np.int64), rows.indptr.astype(np.int64)
    return sparse.csr_array(arrays, rows.shape)


def unsorted_with_duplicates(rows):
    data, indices = np.repeat(rows.data, 2)[::-1], np.repeat(rows.indices, 2)[::-1]
    indptr = (2 * rows.indptr[-1] - 2 * rows.indptr[::-1]).astype(rows.indptr.dtype)
    return sparse.csr_array((data.copy(), indices.copy(), indptr), rows.shape)


KINDS = {
    "csr": ROWS,
    "matrix": sparse.csr_matrix(ROWS),
    "wide indices": wide_indices(ROWS),
    "unsorted": unsorted_with_duplicates(ROWS),
    "empty": sparse.csr_array((60, 30), dtype=np.float32),
}


@pytest.fixture(params=["inline", "thread", "public functions"])
def implementation(request, monkeypatch):
    """Each implementation of gathering and multiplying batches."""
    if request.param == "thread":
        monkeypatch.setattr(_sparse, "_VALUES_WORTH_A_THREAD", 0)
    if request.param == "public functions":
        monkeypatch.setattr(_compat, "sparse_tools", lambda: None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("in_order", [True, False])
def test_products_and_gradients(kind, in_order, implementation):
    rows, product = KINDS[kind], SparseProduct(None, None)
    kernel, upstream = RNG.rand(30, 4).astype("f4"), RNG.rand(60, 4).astype("f4")
    order = np.arange(60) if in_order else RNG.permutation(60)

    @tf.function(autograph=False)
    def step(chosen, kernel, upstream):
        products = product(chosen, kernel)
        with tf.control_dependencies([products]):
            return products, product.gradient(upstream)

    with product.of(rows, order, 13):
        for start in range(0, 60, 13):
            chosen = order[start : start + 13]
            found, gradient = step(chosen, kernel, upstream[: len(chosen)])
            wanted = rows[chosen].toarray()
            np.testing.assert_allclose(found, wanted @ kernel, rtol=1e-5, atol=1e-6)
            expected = wanted.T @ upstream[: len(chosen)]
            np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)


def test_all_implementations_train_bitwise_equal(monkeypatch):
    clf = MulticlassDenseClassifier(5, batch_size=16, validation_split=0.2, random_state=0)
    fits = []
    for min_values, tools in ((10**9, True), (0, True), (10**9, False)):
        monkeypatch.setattr(_sparse, "_VALUES_WORTH_A_THREAD", min_values)
        if not tools:
            monkeypatch.setattr(_compat, "sparse_tools", lambda: None)
        engine.clear_cache()
        clf.fit(ROWS, Y)
        fits.append((clf._weights[0], clf.history_))
    for weights, history in fits[1:]:
        np.testing.assert_array_equal(weights, fits[0][0])
        assert history.equals(fits[0][1])


def test_consecutive_rows_are_not_copied():
    batch = _sparse._gathered(ROWS, np.arange(10, 40))
    assert np.shares_memory(batch.data, ROWS.data)
    assert np.shares_memory(batch.indices, ROWS.indices)


@pytest.mark.parametrize("min_values", [0, 10**9])
def test_error_while_gathering_is_raised_unchanged(min_values, monkeypatch):
    def fail(rows, chosen):
        raise MemoryError("spam")

    monkeypatch.setattr(_sparse, "_VALUES_WORTH_A_THREAD", min_values)
    clf = MulticlassDenseClassifier(5, epochs=2, random_state=0)
    wanted = clf.fit(ROWS, Y).predict_proba(ROWS)
    with monkeypatch.context() as patch:
        patch.setattr(_sparse, "_gathered", fail)
        with pytest.raises(MemoryError, match="spam"):
            clf.fit(ROWS, Y)
    np.testing.assert_array_equal(clf.fit(ROWS, Y).predict_proba(ROWS), wanted)


def test_missing_scipy_kernels_warn_once(monkeypatch):
    monkeypatch.setattr(_compat, "_sparsetools", object())
    monkeypatch.setattr(_compat, "_warned_of", set())
    clf = MulticlassDenseClassifier(5, epochs=2, random_state=0)
    with pytest.warns(RuntimeWarning, match="lacks .*csr_row_index, which") as caught:
        clf.fit(ROWS, Y)
    assert len([w for w in caught if "skclf" in str(w.message)]) == 1
