"""Validation rows passed to fit: their forms, in searches, and a warning for distant rows."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from validation_data import X_VAL, Y_VAL, X, Y, assert_same_net, conv, net, validated_net

from skclf import _bridge, _rows

# --------------------------------------------------------------------------------------------- rows


def test_validation_does_not_change_training():
    validated = validated_net()
    assert_same_net(validated, net().fit(X, Y))
    np.testing.assert_array_equal(
        validated.history_[["loss", "accuracy"]], net().fit(X, Y).history_
    )


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        (X_VAL.tolist(), Y_VAL.tolist()),
        (X_VAL.astype(float), Y_VAL.astype(object)),
        (pd.DataFrame(X_VAL), pd.Series(Y_VAL, dtype="category")),
        (sparse.csr_array(X_VAL), pd.Series(Y_VAL)),
    ],
)
def test_validation_rows_may_have_any_type(rows, labels):
    clf = net().fit(X, Y, X_val=rows, y_val=labels)
    np.testing.assert_array_equal(clf.history_, validated_net().history_)


@pytest.mark.parametrize("as_training_rows", [np.array, sparse.csr_array])
@pytest.mark.parametrize("as_validation_rows", [np.array, sparse.csc_matrix])
def test_sparse_and_dense_rows_can_be_combined(as_training_rows, as_validation_rows):
    clf = net(refit_epoch="val_loss")
    clf.fit(as_training_rows(X), Y, X_val=as_validation_rows(X_VAL), y_val=Y_VAL)
    np.testing.assert_allclose(clf.history_, validated_net().history_, rtol=1e-4)


def test_validation_rows_may_have_a_single_class():
    bees = Y_VAL == "bee"
    clf = net().fit(X, Y, X_val=X_VAL[bees], y_val=Y_VAL[bees])
    loss = -np.log(clf.predict_proba(X_VAL[bees])[:, 1]).mean()
    np.testing.assert_allclose(clf.history_["val_loss"].iloc[-1], loss, rtol=1e-5)


def test_validation_images_may_be_flattened():
    images, images_val = X.reshape(-1, 2, 2), X_VAL.reshape(-1, 2, 2)
    clf = conv().fit(images, Y, X_val=images_val, y_val=Y_VAL)
    flat = conv().fit(images, Y, X_val=X_VAL, y_val=Y_VAL)
    np.testing.assert_array_equal(clf.history_, flat.history_)
    evaluated = clf.evaluate(images_val, Y_VAL)
    np.testing.assert_allclose(clf.history_["val_loss"].iloc[-1], evaluated["loss"], rtol=1e-5)


# ---------------------------------------------------------------------------------- validation_data


@pytest.mark.parametrize("form", [tuple, list])
def test_validation_data_equals_the_three_arguments(form):
    weights = np.random.RandomState(1).randint(1, 4, 20)
    clf = net().fit(X, Y, validation_data=form([X_VAL, Y_VAL]))
    np.testing.assert_array_equal(clf.history_, validated_net().history_)
    clf.fit(X, Y, validation_data=form([X_VAL, Y_VAL, weights]))
    one_by_one = net().fit(X, Y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=weights)
    np.testing.assert_array_equal(clf.history_, one_by_one.history_)


@pytest.mark.parametrize("bad", [X_VAL, (X_VAL,), (X_VAL, Y_VAL, None, None), "rows", 3])
def test_validation_data_of_another_form_is_an_error(bad):
    with pytest.raises(ValueError, match=r"Got validation_data of type .*expected a tuple \(X_val"):
        net().fit(X, Y, validation_data=bad)


def test_validation_data_excludes_its_parts_and_validation_split():
    with pytest.raises(ValueError, match="Pass validation_data alone"):
        net().fit(X, Y, X_val=X_VAL, validation_data=(X_VAL, Y_VAL))
    with pytest.raises(ValueError, match=r"Set validation_split=0\.0 to validate on"):
        net(validation_split=0.2).fit(X, Y, validation_data=(X_VAL, Y_VAL))


@pytest.fixture
def rows_seen(monkeypatch):
    """The validation rows of each training run in the test."""
    seen, real = [], _bridge.train

    def train(layers, target, samples, validation=None, **options):
        seen.append(validation)
        return real(layers, target, samples, validation, **options)

    monkeypatch.setattr(_bridge, "train", train)
    return seen


# As many rows as X has: scikit-learn would split such arrays like sample weights.
SAME_LENGTH, SAME_LENGTH_LABELS = X[::-1].copy(), Y[::-1].copy()


def searches():
    grid = {"epochs": [1]}
    pipeline = make_pipeline(StandardScaler(), net(epochs=1))
    name = "binarydenseclassifier__validation_data"
    with config_context(enable_metadata_routing=True):
        routed = net(epochs=1).set_fit_request(validation_data=True)
    yield lambda data: GridSearchCV(net(), grid, cv=4).fit(X, Y, validation_data=data)
    yield lambda data: GridSearchCV(pipeline, {"binarydenseclassifier__epochs": [1]}, cv=4).fit(
        X, Y, **{name: data}
    )
    yield lambda data: cross_val_score(net(epochs=1), X, Y, cv=4, params={"validation_data": data})
    search = GridSearchCV(routed, grid, cv=4)
    yield lambda data: with_routing(search.fit, X, Y, validation_data=data)


def with_routing(method, *arguments, **options):
    with config_context(enable_metadata_routing=True):
        return method(*arguments, **options)


@pytest.mark.parametrize("search", list(searches()), ids=["grid", "pipeline", "scores", "routing"])
def test_a_search_does_not_split_validation_data(search, rows_seen):
    search((SAME_LENGTH, SAME_LENGTH_LABELS))
    assert len(rows_seen) >= 4
    for validation in rows_seen:
        assert len(validation) == len(validation.codes) == len(SAME_LENGTH)


# --------------------------------------------------------------- rows far outside the training rows


@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array, pd.DataFrame])
def test_validation_rows_far_outside_the_training_rows_warn(as_rows):
    raw = as_rows(1000 * X + 5000)
    scaler = StandardScaler(with_mean=False)
    pipeline = make_pipeline(scaler, net(epochs=1))
    arguments = {"binarydenseclassifier__X_val": raw, "binarydenseclassifier__y_val": Y}
    message = "(?s)validation rows lie far outside .* in feature .*transform_input"
    with pytest.warns(UserWarning, match=message):
        pipeline.fit(raw, Y, **arguments)
    with warnings.catch_warnings(), config_context(enable_metadata_routing=True):
        warnings.simplefilter("error", UserWarning)
        routed = net(epochs=1).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(clone(scaler), routed, transform_input=["X_val"])
        pipeline.fit(raw, Y, X_val=raw, y_val=Y)


def test_warning_for_distant_rows_names_the_feature():
    frame, far = pd.DataFrame(X, columns=list("abcd")), pd.DataFrame(X_VAL, columns=list("abcd"))
    far["c"] += 9
    with pytest.warns(UserWarning, match="in feature 'c', as if"):
        net(epochs=1).fit(frame, Y, validation_data=(far, Y_VAL))


@pytest.mark.parametrize(
    ("column", "far"),
    [
        ([0.0, 1.0, 1.9, -0.9], None),  # within the width of the range
        ([5.0, 0.5, 0.5, 0.5], None),  # one outlier
        ([5.0, 5.0, 5.0, 0.5], 1),
        ([-5.0, -5.0, -5.0, 0.5], 1),
    ],
)
@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array])
def test_most_values_of_a_feature_must_be_far_outside(column, far, as_rows):
    train = np.column_stack([np.zeros(3), [0.0, 0.5, 1.0]])
    rows = np.column_stack([np.zeros(len(column)), column])
    assert _rows.feature_far_outside(as_rows(rows), as_rows(train)) == far


def test_a_constant_feature_may_vary_a_little():
    train, rows = np.zeros((5, 1)), np.ones((5, 1))
    assert _rows.feature_far_outside(rows, train) is None
    assert _rows.feature_far_outside(3 * rows, train) == 0
