"""Errors for rows: values, shapes, feature names, numbers of rows, arrays in objects."""

import functools
import re

import keras
import numpy as np
import pandas as pd
import pytest
from bad_input import (
    IMAGES,
    X,
    Y,
    assert_fails_and_stays_unchanged,
    fitted_conv_net,
    fitted_net,
    new,
    new_conv,
    objects,
)
from scipy import sparse

# -------------------------------------------------------------------------------- values and shapes


NAN, INFINITE = X.copy(), X.copy()
NAN[1, 2], INFINITE[1, 2] = np.nan, np.inf
RAGGED = np.empty(12, dtype=object)
RAGGED[:] = [list(range(i + 1)) for i in range(12)]

BAD_ROWS = {
    "NaN": (NAN, r"X contains NaN\. Fill in .*SimpleImputer.*tabular_pipeline"),
    "sparse NaN": (sparse.csr_array(NAN), "X contains NaN"),
    "missing": (pd.DataFrame(NAN).astype("Float64"), "X contains NaN in the column 2"),
    "NaN in a column": (pd.DataFrame(NAN), r"X contains NaN in the column 2\. Fill"),
    "infinity": (INFINITE, r"X contains infinity.*float32'\)\. Replace .*StandardScaler"),
    "infinite column": (pd.DataFrame(INFINITE), "X contains infinity .* in the column 2. Replace"),
    "sparse infinity": (sparse.csc_matrix(INFINITE), "X contains infinity"),
    "complex": (X + 1j, "Complex data not supported"),
    "sparse complex": (sparse.csr_array(X + 1j), "Complex data not supported"),
    "text": (np.full((12, 4), "spam"), r"Got text \(.*: 'spam'\); expected .*OneHotEncoder"),
    "text objects": (np.full((12, 4), "spam", object), "Got text.*TfidfVectorizer"),
    "text column": (
        pd.DataFrame({0: X[:, 0], 1: "spam", 2: 0, 3: 0}),
        "Got text in the column 1 .*ColumnTr.*tabular_pipeline",
    ),
    "text columns": (
        pd.DataFrame({0: X[:, 0], 1: "spam", 2: "eggs", 3: 0}),
        "Got text in the columns 1, 2 .*tabular_pipeline",
    ),
    "text beside missing values and numbers as text": (
        pd.DataFrame({0: pd.array([1, None] * 6), 1: "spam", 2: "3.5", 3: [None, 1.5] * 6}),
        r"Got text in the column 1 \(",
    ),
    "dates": (
        pd.DataFrame({0: X[:, 0], 1: pd.Timestamp("2020-02-29"), 2: 0, 3: 0}),
        "Got values in the column 1 that can't be converted.*DatetimeEncoder",
    ),
    "paths of images": (np.full((12, 4), "a/b.PNG", object), r"Got text .*Read the images.*Pillow"),
    "bytes": (np.full((12, 4), b"spam"), "Got text"),
    "no rows": (X[:0], r"0 sample\(s\).*minimum of 1 is required"),
    "no rows, sparse": (sparse.csr_array(X[:0]), r"0 sample\(s\)"),
    "no columns": (X[:, :0], r"0 feature\(s\).*minimum of 1 is required"),
    "one row flat": (X[0], r"Expected 2D array, got 1D array.*reshape\(1, -1\)"),
    "a number": (5.0, "Expected 2D array, got scalar"),
    "images": (IMAGES, r"dim 3.* <= 2 .*BinaryDenseClassifier\. Flatten .*ShapeConvClassifier"),
    "images of two sizes": ([X, X[:3]] * 6, "Got rows of different shapes .*Resize images"),
    "lists of different lengths": (RAGGED.tolist(), "different lengths.*MultiHotVectorizer"),
    "an array of lists": (RAGGED, "Got rows of different lengths.*MultiHotVectorizer"),
}


@pytest.mark.parametrize("rows", BAD_ROWS)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "X_val", "evaluate", "predict"])
def test_bad_rows_are_an_error(method, rows):
    bad, message = BAD_ROWS[rows]
    calls = {
        "fit": lambda clf: clf.fit(bad, Y),
        "partial_fit": lambda clf: clf.partial_fit(bad, Y),
        "X_val": lambda clf: clf.fit(X, Y, X_val=bad, y_val=Y),
        "evaluate": lambda clf: clf.evaluate(bad, Y),
        "predict": lambda clf: clf.predict(bad),
    }
    match = "(?s)" + ("In X_val, y_val, sample_weight_val: .*" if method == "X_val" else "")
    assert_fails_and_stays_unchanged(fitted_net(), X, calls[method], ValueError, match + message)


# ----------------------------------------------------------------------------- features and lengths


@functools.cache
def net_fitted_on_names():
    return new().fit(pd.DataFrame(X, columns=list("abcd")), Y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("abc", "names seen at fit time, yet now missing:\n- d"),
        ("abcde", "Feature names unseen at fit time:\n- e"),
        ("bacd", "must be in the same order as they were in fit"),
        ("abcz", "Feature names unseen at fit time:\n- z"),
    ],
)
def test_other_feature_names_are_an_error(method, columns, message):
    frame = pd.DataFrame(np.random.RandomState(1).rand(3, len(columns)), columns=list(columns))
    with pytest.raises(ValueError, match=message):
        getattr(net_fitted_on_names(), method)(frame)


def test_rows_without_the_fitted_feature_names_warn():
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        net_fitted_on_names().predict(X)


@pytest.mark.parametrize("bad", [X[:, :3], np.hstack([X, X]), sparse.csr_array((2, 5))])
def test_another_number_of_features_is_an_error(bad):
    fitted = fitted_net()
    message = f"X has {bad.shape[1]} features, but BinaryDenseClassifier is expecting 4 features"
    for call in (fitted.predict, fitted.predict_proba, fitted.predict_log_proba):
        with pytest.raises(ValueError, match=message):
            call(bad)
    y = Y[: bad.shape[0]]
    assert_fails_and_stays_unchanged(
        fitted, X, lambda clf: clf.partial_fit(bad, y), ValueError, message
    )


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("fit", (X, Y[:5])),
        ("fit", (X, Y, np.ones(5))),
        ("partial_fit", (X, Y[:5])),
        ("partial_fit", (X, Y, None, np.ones(5))),
        ("evaluate", (X, Y[:5])),
        ("evaluate", (X, Y, np.ones(5))),
        ("score", (X, Y[:5])),
        ("fit", (X, Y, None, X, Y[:5])),
        ("fit", (X, Y, None, X, Y, np.ones(5))),
    ],
)
def test_different_numbers_of_samples_are_an_error(method, arguments):
    message = r"inconsistent numbers of samples: \[(12, 5|5, 12)\]|\(5,\), expected \(12,\)"
    assert_fails_and_stays_unchanged(
        fitted_net(), X, lambda clf: getattr(clf, method)(*arguments), ValueError, message
    )


# ------------------------------------------------------------------ arrays and sequences in objects


ROWS_IN_OBJECTS = {
    "series": (pd.Series, "X"),
    "series of lists": (lambda rows: pd.Series(rows.tolist()), "X"),
    "series of tensors": (
        lambda rows: pd.Series(list(map(keras.ops.convert_to_tensor, rows))),
        "X",
    ),
    "objects": (objects, "X"),
    "objects of frames": (lambda rows: objects([pd.DataFrame(row) for row in rows]), "X"),
    "column of objects": (lambda rows: objects(rows)[:, np.newaxis], "X.ravel()"),
    "frame": (lambda rows: pd.DataFrame({"id": Y, "image": list(rows)})[["image"]], "X['image']"),
}


@pytest.mark.parametrize("kind", ROWS_IN_OBJECTS)
@pytest.mark.parametrize("make", [new, new_conv])
@pytest.mark.parametrize("rows", [X, IMAGES], ids=["rows", "images"])
def test_error_for_arrays_in_objects_names_the_fix(kind, make, rows):
    held, where = ROWS_IN_OBJECTS[kind]
    fix = f"np.stack(list({where}))"
    values = held(list(rows)) if kind in ("series", "objects") else held(rows)
    assert eval(fix, {"np": np, "X": values}).size == rows.size
    with pytest.raises(ValueError, match=re.escape(f"Pass {fix}, which has the shape ({len(X)},")):
        make().fit(values, Y)


@pytest.mark.parametrize("kind", ["series", "objects"])
@pytest.mark.parametrize("method", ["predict", "evaluate", "partial_fit", "X_val"])
def test_error_for_arrays_in_objects_names_the_fix_after_fit(kind, method):
    values = ROWS_IN_OBJECTS[kind][0](list(IMAGES))
    calls = {
        "predict": lambda clf: clf.predict(values),
        "X_val": lambda clf: clf.fit(IMAGES, Y, X_val=values, y_val=Y),
    }
    call = calls.get(method, lambda clf: getattr(clf, method)(values, Y))
    message = r"Pass np\.stack\(list\(X\)\), which has the shape \(12, 5, 4\)"
    assert_fails_and_stays_unchanged(fitted_conv_net(), IMAGES, call, ValueError, message)


@pytest.mark.parametrize("make", [new, new_conv])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pd.Series([[1, 2], [3]] * 6), r"Got rows of different lengths.*MultiHotVectorizer"),
        (objects([np.ones((2, 2)), np.ones((3, 2))] * 6), "Got rows of different shapes"),
        (pd.Series([[1, 2], None] * 6), "Got X with nested sequences.*look for None and for lists"),
        ([(1, [2, 3])] * 12, "Got X with nested sequences.*look for None and for lists"),
        (
            [sparse.csr_array(row[np.newaxis]) for row in X],
            r"Pass scipy\.sparse\.vstack\(list\(X\)",
        ),
        (iter(X), r"Pass np\.stack\(list\(X\)\)"),
    ],
    ids=["lists", "images", "None", "lists in rows", "sparse", "iterator"],
)
def test_nested_sequences_are_an_error(make, rows, message):
    rows = iter(X) if hasattr(rows, "__next__") else rows
    with pytest.raises(ValueError, match=message):
        make().fit(rows, Y)
