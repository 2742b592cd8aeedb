"""Rows too large to copy: training gathers them in pieces, and views select them."""

import tracemalloc

import numpy as np
import pytest
from batch_callback import BatchCallback
from own_nets import BODIES, IMAGES, TABLE, VECTORS, WEIGHTS, Y3, Y
from sklearn.base import clone

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    NetworkClassifier,
    ShapeConvClassifier,
    _row_view,
)
from skclf._row_view import RowView, rows_at, rows_of_both
from skclf.engine import _arrays

SMALL = {"batch_size": 8, "epochs": 3, "random_state": 0}


@pytest.fixture
def in_pieces(monkeypatch):
    """A function; after its call, all fits train in pieces of a few rows."""
    used, pieces = [], _arrays.pieces

    def recorded_pieces(X, order, batch_size):
        for chosen, rows in pieces(X, order, batch_size):
            used.append(type(X).__name__)
            yield chosen, rows

    def begin():
        monkeypatch.setattr(_arrays, "BYTES_OF_A_COPY", 100)
        monkeypatch.setattr(_arrays, "_BYTES_OF_A_PIECE", (500, 500))
        monkeypatch.setattr(_arrays, "_BATCHES_OF_A_PIECE", 1)
        monkeypatch.setattr(_row_view, "_BYTES_OF_A_COPY", 100)
        monkeypatch.setattr("skclf.engine._program.pieces", recorded_pieces)
        return used

    return begin


CASES = {
    "plain": (BinaryDenseClassifier(4, **SMALL), TABLE, Y),
    "dropout": (MulticlassDenseClassifier(4, **SMALL, dropout=0.3, l2=0.1), TABLE, Y3),
    "validation split": (BinaryDenseClassifier(4, **SMALL, validation_split=0.25), TABLE, Y),
    "refit": (
        MulticlassDenseClassifier(4, **SMALL, validation_split=0.25, refit_epoch="val_loss"),
        TABLE,
        Y3,
    ),
    "metrics": (
        BinaryDenseClassifier(4, **SMALL, validation_split=0.25, metrics=["accuracy", "auc"]),
        TABLE,
        Y,
    ),
    "images": (
        ShapeConvClassifier(4, filters=(3,), **SMALL, validation_split=0.25),
        IMAGES,
        Y3,
    ),
    "network body": (
        NetworkClassifier(BODIES["residual"][0], **SMALL, validation_split=0.25),
        TABLE,
        Y,
    ),
    "mse": (
        NetworkClassifier(BODIES["penalized"][0], **SMALL, loss="mse", validation_split=0.25),
        TABLE,
        Y,
    ),
    "sequences": (NetworkClassifier(BODIES["simple_rnn"][0], **SMALL), VECTORS, Y),
    "Keras's own fit": (
        BinaryDenseClassifier(4, **SMALL, validation_split=0.25, callbacks=BatchCallback()),
        TABLE,
        Y,
    ),
}


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_training_in_pieces_is_bitwise_equal(name, weights, in_pieces):
    clf, X, y = CASES[name]
    whole = clone(clf).fit(X, y, weights)
    used = in_pieces()
    found = clone(clf).fit(X, y, weights)
    assert len(used) > 6 or name == "Keras's own fit"
    for one, other in zip(found._weights, whole._weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(found.history_, whole.history_, rtol=1e-5)
    assert found.n_epochs_ == whole.n_epochs_


def test_views_select_rows(in_pieces):
    X_val, y_val = TABLE[:20] * 0.9, Y[:20]
    clf = BinaryDenseClassifier(4, **SMALL, refit_epoch="val_loss", metrics=["accuracy"])
    weights = np.where(np.arange(60) % 5, WEIGHTS, 0)
    whole = clone(clf).fit(TABLE, Y, weights, X_val=X_val, y_val=y_val)
    used = in_pieces()
    found = clone(clf).fit(TABLE, Y, weights, X_val=X_val, y_val=y_val)
    assert set(used) == {"RowView", "ndarray"}
    np.testing.assert_array_equal(found._weights[0], whole._weights[0])
    large_batch = clone(clf).set_params(batch_size=100)
    in_one_batch = clone(large_batch).fit(TABLE, Y, weights, X_val=X_val, y_val=y_val)
    assert np.isfinite(in_one_batch.predict_proba(TABLE)).all()


def test_fortran_ordered_rows_are_copied_once(in_pieces):
    columnwise = np.asfortranarray(TABLE)
    clf = BinaryDenseClassifier(4, **SMALL, validation_split=0.25)
    whole = clone(clf).fit(columnwise, Y)
    used = in_pieces()
    np.testing.assert_array_equal(clone(clf).fit(columnwise, Y)._weights[0], whole._weights[0])
    assert set(used) == {"ndarray"}


def test_ids_in_views_are_checked(in_pieces):
    body, X = BODIES["text_cnn"]
    in_pieces()
    clf = NetworkClassifier(body, **SMALL, validation_split=0.25)
    clf.fit(X, Y)
    with pytest.raises(ValueError, match="Got 30 in X; expected ids from 0 to"):
        clone(clf).fit(np.where(X == 29, 30, X), Y)


@pytest.mark.parametrize("n_parts", [1, 2, 3])
@pytest.mark.parametrize("is_whole", [True, False])
def test_view_equals_copy(n_parts, is_whole):
    rng = np.random.RandomState(0)
    parts = tuple(rng.rand(number + 4, 3).astype(np.float32) for number in range(n_parts))
    rows = np.concatenate(parts)
    at = None if is_whole else rng.permutation(len(rows))[:-1]
    view, wanted = RowView(parts, at), rows if is_whole else rows[at]
    assert (view.shape, view.dtype, view.nbytes, len(view), view.ndim) == (
        wanted.shape,
        wanted.dtype,
        wanted.nbytes,
        len(wanted),
        2,
    )
    np.testing.assert_array_equal(np.asarray(view), wanted)
    np.testing.assert_array_equal(view[1:], wanted[1:])
    np.testing.assert_array_equal(view[::-1], wanted[::-1])
    chosen = np.array([1, 0, 1])
    np.testing.assert_array_equal(view[chosen], wanted[chosen])
    np.testing.assert_array_equal(view.reshape(-1, 3, 1)[chosen], wanted[chosen][..., None])
    np.testing.assert_array_equal(view.min(axis=0), wanted.min(axis=0))
    np.testing.assert_array_equal(view.max(axis=0), wanted.max(axis=0))


def test_small_rows_are_copied():
    assert isinstance(rows_at(TABLE, np.arange(3)), np.ndarray)
    assert isinstance(rows_of_both(TABLE, TABLE), np.ndarray)


@pytest.mark.parametrize(
    ("parameters", "bytes_of_a_row"),
    [({}, 48), ({"validation_split": 0.2, "refit_epoch": "val_loss"}, 80)],
    ids=["fit", "refit"],
)
def test_fit_does_not_copy_rows(parameters, bytes_of_a_row):
    X = np.random.RandomState(0).rand(250_000, 100).astype(np.float32)
    y = (X[:, 0] > 0.5).astype(int)
    clf = BinaryDenseClassifier(4, batch_size=5000, epochs=1, random_state=0, **parameters)
    clf.fit(X[:500], y[:500])
    tracemalloc.start()
    try:
        clf.fit(X, y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Two pieces, here of 15,000 rows, are in memory at a time. In addition, each row of 400 bytes
    # needs its encoded label, the net's target, its position in the order and its fold.
    two_pieces = 2 * _arrays.rows_of_a_piece(X, clf.batch_size) * X[0].nbytes
    assert two_pieces < 0.13 * X.nbytes
    assert peak < two_pieces + bytes_of_a_row * len(X)
