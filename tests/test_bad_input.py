"""Bad input: the message says what was got, what is allowed and the fix, and nothing is lost."""

import copy
import re

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(12, 4).astype(np.float32)
Y = np.array(["ant", "bee"] * 6)
Y3 = np.array(["ant", "bee", "cat"] * 4)
IMAGES = RNG.rand(12, 5, 4).astype(np.float32)


def new(**parameters):
    return BinaryDenseClassifier(2, epochs=1, random_state=0, **parameters)


def new_conv(**parameters):
    defaults = {"filters": 1, "epochs": 1, "random_state": 0}
    return ShapeConvClassifier(2, **{**defaults, **parameters})


@pytest.fixture(scope="module")
def fitted():
    return new(warm_start=True).fit(X, Y)


@pytest.fixture(scope="module")
def fitted_on_names():
    return new().fit(pd.DataFrame(X, columns=list("abcd")), Y)


@pytest.fixture(scope="module")
def fitted_conv():
    return new_conv(warm_start=True).fit(IMAGES, Y)


def state_of(estimator):
    return {name: repr(value) for name, value in vars(estimator).items()}


def assert_refused(estimator, X, call, error, match):
    """The call fails with the message, and the estimator is what it was."""
    before, attributes = state_of(estimator), vars(estimator).copy()
    predicted = estimator.predict_proba(X)
    with pytest.raises(error, match=match):
        call(estimator)
    assert state_of(estimator) == before
    assert all(vars(estimator)[name] is value for name, value in attributes.items())
    np.testing.assert_array_equal(estimator.predict_proba(X), predicted)


# ------------------------------------------------------------------------------------------ rows

NAN, INFINITE = X.copy(), X.copy()
NAN[1, 2], INFINITE[1, 2] = np.nan, np.inf
RAGGED = np.empty(12, dtype=object)
RAGGED[:] = [list(range(i + 1)) for i in range(12)]

BAD_ROWS = {
    "NaN": (NAN, r"X contains NaN\. Fill in .*SimpleImputer.*tabular_pipeline"),
    "sparse NaN": (sparse.csr_array(NAN), "X contains NaN"),
    "missing": (pd.DataFrame(NAN).astype("Float64"), "X contains NaN"),
    "infinity": (INFINITE, "X contains infinity"),
    "sparse infinity": (sparse.csc_matrix(INFINITE), "X contains infinity"),
    "complex": (X + 1j, "Complex data not supported"),
    "sparse complex": (sparse.csr_array(X + 1j), "Complex data not supported"),
    "text": (np.full((12, 4), "spam"), "Got text.*'spam'.*expected numbers.*OneHotEncoder"),
    "text objects": (np.full((12, 4), "spam", object), "Got text.*MultiHotVectorizer"),
    "text column": (
        pd.DataFrame({0: X[:, 0], 1: "spam", 2: 0, 3: 0}),
        "Got text.*ColumnTr.*tabular_pipeline",
    ),
    "bytes": (np.full((12, 4), b"spam"), "Got text"),
    "no rows": (X[:0], r"0 sample\(s\).*minimum of 1 is required"),
    "no rows, sparse": (sparse.csr_array(X[:0]), r"0 sample\(s\)"),
    "no columns": (X[:, :0], r"0 feature\(s\).*minimum of 1 is required"),
    "one row flat": (X[0], r"Expected 2D array, got 1D array.*reshape\(1, -1\)"),
    "a number": (5.0, "Expected 2D array, got scalar"),
    "images": (IMAGES, r"dim 3.* <= 2"),
    "lists of different lengths": (RAGGED.tolist(), "different lengths.*MultiHotVectorizer"),
    "an array of lists": (RAGGED, "Got rows of different lengths.*MultiHotVectorizer"),
}


@pytest.mark.parametrize("rows", BAD_ROWS)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "X_val", "evaluate", "predict"])
def test_rows(fitted, method, rows):
    bad, message = BAD_ROWS[rows]
    calls = {
        "fit": lambda clf: clf.fit(bad, Y),
        "partial_fit": lambda clf: clf.partial_fit(bad, Y),
        "X_val": lambda clf: clf.fit(X, Y, X_val=bad, y_val=Y),
        "evaluate": lambda clf: clf.evaluate(bad, Y),
        "predict": lambda clf: clf.predict(bad),
    }
    match = "(?s)" + ("In X_val, y_val, sample_weight_val: .*" if method == "X_val" else "")
    assert_refused(fitted, X, calls[method], ValueError, match + message)


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
def test_names_of_features(fitted_on_names, method, columns, message):
    frame = pd.DataFrame(np.random.RandomState(1).rand(3, len(columns)), columns=list(columns))
    with pytest.raises(ValueError, match=message):
        getattr(fitted_on_names, method)(frame)


def test_rows_without_names_where_names_were_seen_are_warned_of(fitted_on_names):
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        fitted_on_names.predict(X)


@pytest.mark.parametrize("bad", [X[:, :3], np.hstack([X, X]), sparse.csr_array((2, 5))])
def test_number_of_features(fitted, bad):
    message = f"X has {bad.shape[1]} features, but BinaryDenseClassifier is expecting 4 features"
    for call in (fitted.predict, fitted.predict_proba, fitted.predict_log_proba):
        with pytest.raises(ValueError, match=message):
            call(bad)
    y = Y[: bad.shape[0]]
    assert_refused(fitted, X, lambda clf: clf.partial_fit(bad, y), ValueError, message)


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
def test_lengths_that_differ(fitted, method, arguments):
    message = r"inconsistent numbers of samples: \[(12, 5|5, 12)\]|\(5,\), expected \(12,\)"
    assert_refused(fitted, X, lambda clf: getattr(clf, method)(*arguments), ValueError, message)


# ---------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, ValueError, "requires y to be passed, but the target y is None"),
        (np.zeros(12), ValueError, r"Got 1 class, \[0\.0\]; expected at least 2 classes"),
        (Y3, ValueError, "Only binary.*Got 3 classes; expected 2. Use MulticlassDenseClassifier"),
        (X[:, 0], ValueError, "Unknown label type: continuous"),
        ([*Y[:-1], None], ValueError, r"y contains NaN: the label of row 11 is missing \(None\)"),
        ([0.0, np.nan] * 6, ValueError, "y contains NaN: the label of row 1 is missing"),
        ([0.0, np.inf] * 6, ValueError, "y contains infinity"),
        (np.eye(2)[[0, 1] * 6], ValueError, r"one-hot encoded y.*Pass y\.argmax\(axis=1\)"),
        (np.ones((12, 2)), ValueError, r"1d array, got an array of shape \(12, 2\)"),
        (np.array(["a", 1] * 6, dtype=object), TypeError, r"type int and str.*y\.astype\(str\)"),
        ("spam", ValueError, "1d array, got an object of type str"),
    ],
    ids=str,
)
def test_labels(y, error, message):
    estimator = new().fit(X, Y)
    assert_refused(estimator, X, lambda clf: clf.fit(X, y), error, f"(?s){message}")


def test_one_class(fitted_conv):
    for estimator, rows in [(new(), X), (MulticlassDenseClassifier(), X), (new_conv(), IMAGES)]:
        with pytest.raises(
            ValueError, match=r"Got 1 class, \['ant'\]; expected at least 2 classes"
        ):
            estimator.fit(rows, ["ant"] * 12)
        with pytest.raises(
            ValueError, match=r"Got 1 class.*at least 2 classes.*weight 0 are not counted"
        ):
            estimator.fit(rows, Y, sample_weight=Y == "ant")
        assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize("method", ["fit", "partial_fit", "evaluate", "y_val"])
def test_labels_that_training_did_not_see(fitted, method):
    calls = {
        "fit": lambda clf: clf.fit(X, Y3),
        "partial_fit": lambda clf: clf.partial_fit(X, Y3),
        "evaluate": lambda clf: clf.evaluate(X, Y3),
        "y_val": lambda clf: clf.fit(X, Y, X_val=X, y_val=Y3),
    }
    message = "labels that are not among the classes: 'cat'; expected labels among 'ant', 'bee'"
    assert_refused(fitted, X, calls[method], ValueError, message)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (None, "classes must be passed on the first call to partial_fit"),
        (["ant"], "at least 2 classes"),
        (["ant", "bee", "cat"], "Only binary classification is supported"),
        (["ant", "cat"], "labels that are not among the classes: 'bee'"),
        ([[0, 1], [1, 0]], "Got one-hot encoded classes"),
        (["ant", None], "classes contains NaN: the label of row 1 is missing"),
    ],
)
def test_classes_of_partial_fit(classes, message):
    estimator = new()
    with pytest.raises(ValueError, match=message):
        estimator.partial_fit(X, Y, classes)
    assert vars(estimator) == vars(new())


def test_other_classes_at_a_later_call(fitted):
    assert_refused(
        fitted,
        X,
        lambda clf: clf.partial_fit(X, Y, ["ant", "cat"]),
        ValueError,
        "not the same as on last call to partial_fit",
    )


# --------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(12), "Negative values in data passed to `sample_weight`"),
        (np.zeros(12), "must contain at least one non-zero number"),
        (np.full(12, np.nan), "sample_weight contains NaN"),
        (np.full(12, np.inf), "sample_weight contains infinity"),
        (np.ones((12, 2)), "Sample weights must be 1D array or scalar"),
        (["much"] * 12, "Got text.*'much'.*expected numbers as .*weights"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "evaluate", "sample_weight_val"])
def test_sample_weights(fitted, method, weights, message):
    calls = {
        "fit": lambda clf: clf.fit(X, Y, weights),
        "partial_fit": lambda clf: clf.partial_fit(X, Y, sample_weight=weights),
        "evaluate": lambda clf: clf.evaluate(X, Y, weights),
        "sample_weight_val": lambda clf: clf.fit(X, Y, None, X, Y, weights),
    }
    assert_refused(fitted, X, calls[method], ValueError, message)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        (
            {"cow": 2},
            "not among the classes: 'cow'; expected labels among 'ant', 'bee'",
        ),
        ({0: 1, 1: 2}, "class_weight with labels that are not among the classes: 0, 1"),
        ({"ant": -1}, "{'ant': -1}; expected finite and non-negative weights"),
        ({"ant": "much"}, "expected finite and non-negative weights"),
        ({"ant": 0, "bee": 0}, "a weight above 0 for at least one class in y"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_class_weights(fitted, method, class_weight, message):
    estimator = copy.deepcopy(fitted).set_params(class_weight=class_weight)
    assert_refused(estimator, X, lambda clf: getattr(clf, method)(X, Y), ValueError, message)


def test_balanced_weights_can_not_be_known_by_partial_fit(fitted):
    estimator = copy.deepcopy(fitted).set_params(class_weight="balanced")
    message = "'balanced' is not supported by partial_fit.*Pass a dict"
    assert_refused(estimator, X, lambda clf: clf.partial_fit(X, Y), ValueError, message)


# ------------------------------------------------------------------------------------ parameters

SHARED_PARAMETERS = {
    "hidden_layer_sizes": [0, -1, "16", 2.5, None, (4, 0), (4, 1.5), [[2]], {2: 2}, {2}],
    "activation": [None, "rellu", "", keras.activations.relu],
    "dropout": [1.0, -0.1, "much", None, np.nan],
    "l2": [-1, np.inf, "much", None],
    "optimizer": ["addam", "", None, 5, keras.optimizers.Adam],
    "learning_rate": [0, -1, np.inf, np.nan, "fast", lambda step: 0.1],
    "loss": ["mse", "Binary_crossentropy", None, keras.losses.BinaryCrossentropy()],
    "metrics": ["accuracy", 5, ["acuracy"], [5], [None]],
    "epochs": [0, -3, 1.5, "3", None],
    "batch_size": [0, -1, 1.5, "3", None],
    "validation_split": [1.0, 1.5, -0.1, 5, None],
    "patience": [0, -1, 1.5, "3"],
    "monitor": [3, True, ["val_loss"]],
    "keep_epochs": ["yes", None, 1],
    "refit_epoch": ["loss", 3, True, ("loss", "min"), ["val_loss"]],
    "class_weight": ["balance", 5, [1, 2]],
    "callbacks": [5, "spam", [5], [None], keras.callbacks.History, [keras.callbacks.History]],
    "warm_start": ["yes", None, 1],
    "random_state": ["spam", -1, 1.5, 2**32, np.random.default_rng(0)],
    "verbose": [3, -1, "spam", None, 1.0],
}
CONV_PARAMETERS = {
    "filters": [0, "8", None, (), (0,), (2, 2.5)],
    "kernel_size": [0, "3", 2.5, None, (), (3,), (3, 3, 3), (3, 0)],
    "pool_size": [0, "3", 2.5, None, (), (2,), (2, 2, 2), (2, 0)],
    "image_shape": ["54", 5, (20,), (5, 4, 1, 1), (5, 0), (5.0, 4), (5, 5), (5, 4, 3)],
}


def pairs(parameters):
    return [(name, value) for name, values in parameters.items() for value in values]


@pytest.mark.parametrize(("name", "value"), pairs(SHARED_PARAMETERS))
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_parameters(fitted, method, name, value):
    estimator = copy.deepcopy(fitted).set_params(**{"warm_start": False, name: value})
    before, predicted = vars(estimator).copy(), estimator.predict_proba(X)
    with pytest.raises((ValueError, TypeError), match=rf"\b{name}\b") as raised:
        getattr(estimator, method)(X, Y)
    allowed = ("must be", "expected the name", "expected names", "expected in", "expected a tuple")
    assert any(words in str(raised.value) for words in allowed)
    assert all(vars(estimator)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(estimator.predict_proba(X), predicted)


@pytest.mark.parametrize(("name", "value"), pairs(CONV_PARAMETERS))
@pytest.mark.parametrize("rows", [IMAGES, IMAGES.reshape(12, -1)], ids=["images", "flattened"])
def test_conv_parameters(name, value, rows):
    estimator = new_conv(**{name: value})
    with pytest.raises(ValueError, match=rf"Got.*{name}|{name}.*must be"):
        estimator.fit(rows, Y)
    assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize("name", ["activation", "optimizer", "metrics"])
def test_unknown_names_come_with_the_known_ones(name):
    known = {"activation": "relu", "optimizer": "Adam", "metrics": "AUC"}[name]
    value = ["spam"] if name == "metrics" else "spam"
    with pytest.raises(ValueError, match=rf"'spam'.*expected the name of a Keras.*\b{known}\b"):
        new(**{name: value}).fit(X, Y)


@pytest.mark.parametrize(
    "estimator_class", [BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier]
)
def test_unknown_and_positional_parameters_are_refused(estimator_class):
    with pytest.raises(TypeError, match="unexpected keyword argument 'layers'"):
        estimator_class(layers=3)
    with pytest.raises(TypeError, match="takes from 1 to 2 positional arguments"):
        estimator_class((2,), "relu")
    with pytest.raises(ValueError, match="Invalid parameter 'layers' for estimator"):
        estimator_class().set_params(layers=3)


@pytest.mark.parametrize(
    ("parameters", "arguments", "message"),
    [
        (
            {"validation_split": 0.25},
            {"X_val": X, "y_val": Y},
            "validation_split=0.25 and X_val; expected one of them. Set validation_split=0.0",
        ),
        (
            {"patience": 2},
            {},
            "patience=2 without validation rows;.* Set validation_split, or pass",
        ),
        ({"refit_epoch": "val_loss"}, {}, "refit_epoch='val_loss' without validation rows"),
        (
            {"refit_epoch": "val_loss", "validation_split": 0.25, "warm_start": True},
            {},
            "refit_epoch='val_loss' and warm_start=True; expected one of them",
        ),
        (
            {"refit_epoch": "val_accuracy", "validation_split": 0.25, "metrics": ["auc"]},
            {},
            "Got refit_epoch='val_accuracy'; .* 'val_loss', 'val_auc'. .*add the metric to metrics",
        ),
        ({}, {"X_val": X}, "Got only one of X_val and y_val; expected both"),
        ({}, {"y_val": Y}, "Got only one of X_val and y_val; expected both"),
        ({}, {"sample_weight_val": np.ones(12)}, "Got only one of X_val and y_val; expected both"),
        ({}, {"groups": np.arange(12)}, "groups with validation_split=0.0; .* Set it, or leave"),
        ({"validation_split": 0.25}, {"groups": [1, 2]}, "inconsistent numbers of samples"),
        ({"validation_split": 0.25}, {"groups": np.zeros(12)}, "with 1 group; .*more groups"),
        ({"validation_split": 0.01}, {}, "with 12 rows of 2 classes; expected enough rows"),
    ],
)
def test_what_contradicts_itself(parameters, arguments, message):
    estimator = new(**parameters)
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, Y, **arguments)
    assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("epochs", r"'epochs', which is a parameter of the class. Set it with {}\(epochs=...\) or"),
        ("batch_size", "'batch_size', which is a parameter of the class"),
        ("callbacks", "'callbacks', which is a parameter of the class"),
        ("verbose", "'verbose', which is a parameter of the class"),
        ("validation_split", "'validation_split', which is a parameter of the class"),
        ("class_weight", "'class_weight', which is a parameter of the class"),
        ("nb_epoch", r"'nb_epoch', which is an argument of Keras's fit\. Set the parameter epochs"),
        ("shuffle", "'shuffle', which is an .* fit. Leave it out: rows are shuffled in each epoch"),
        ("initial_epoch", "'initial_epoch', which is an argument of .* set warm_start=True"),
        ("spam", "'spam'; expected one of X, y, "),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_arguments_that_belong_elsewhere(fitted, method, argument, message):
    for estimator in (fitted, new_conv(), MulticlassDenseClassifier()):
        name = type(estimator).__name__
        title = rf"^{name}\.{method}\(\) got an unexpected keyword argument "
        with pytest.raises(TypeError, match=title + message.format(name)):
            getattr(estimator, method)(X, Y, **{argument: 3})


def test_the_fix_for_one_hot_labels_ends_the_error_of_a_search():
    one_hot = np.eye(2)[np.arange(12) % 2]
    with pytest.raises(ValueError, match="All the 3 fits failed") as raised:
        cross_val_score(MulticlassDenseClassifier(epochs=1), X, one_hot, cv=3)
    *_, last = str(raised.value).strip().splitlines()
    assert last.startswith("ValueError: Got one-hot encoded y of shape (8, 2); expected a 1-D")
    assert "Pass y.argmax(axis=1)" in last


@pytest.mark.parametrize("size", [3, (2, 2), ()])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_going_on_with_other_layers(fitted, method, size):
    estimator = copy.deepcopy(fitted).set_params(hidden_layer_sizes=size)
    message = "The net's layers have changed.*Set warm_start=False"
    assert_refused(estimator, X, lambda clf: getattr(clf, method)(X, Y), ValueError, message)


# ---------------------------------------------------------------------------------------- images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            IMAGES[:, :4],
            r"images of shape \(4, 4, 1\).*expected images of shape \(5, 4, 1\), on which",
        ),
        (IMAGES.transpose(0, 2, 1), r"images of shape \(4, 5, 1\) \(height, width, channels\)"),
        (np.stack([IMAGES] * 3, axis=-1), r"images of shape \(5, 4, 3\)"),
        (
            IMAGES.reshape(12, -1)[:, :7],
            "X has 7 features, but ShapeConvClassifier is expecting 20",
        ),
        (
            IMAGES[0],
            r"shape \(5, 4\), which is the shape of a single image; expected a batch",
        ),
        (
            IMAGES[0][..., np.newaxis],
            r"is the shape of a single image; expected a batch of images. Pass X\[np.newaxis\]",
        ),
        (IMAGES.ravel(), "Expected 2D array, got 1D array"),
        (IMAGES[None, None], r"Got X of shape \(1, 1, 12, 5, 4\); expected images of shape"),
        (IMAGES[:0], r"0 sample\(s\)"),
        (np.where(IMAGES > 0.9, np.nan, IMAGES), "X contains NaN"),
        (IMAGES + 1j, "Complex data not supported"),
        (np.full(IMAGES.shape, "spam"), "Got text"),
        ([np.zeros((2, 2)), np.zeros((3, 3))], "Got rows of different lengths"),
    ],
    ids=lambda value: str(np.shape(value)) if isinstance(value, np.ndarray) else "",
)
@pytest.mark.parametrize("method", ["predict", "fit", "partial_fit", "evaluate"])
def test_images(fitted_conv, method, images, message):
    arguments = (images,) if method == "predict" else (images, Y[: len(images)])
    assert_refused(
        fitted_conv,
        IMAGES,
        lambda clf: getattr(clf, method)(*arguments),
        ValueError,
        f"(?s){message}",
    )


def objects(rows):
    array = np.empty(len(rows), dtype=object)
    for row, value in enumerate(rows):
        array[row] = value
    return array


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
def test_an_array_in_each_element(kind, make, rows):
    held, where = ROWS_IN_OBJECTS[kind]
    fix = f"np.stack(list({where}))"
    values = held(list(rows)) if kind in ("series", "objects") else held(rows)
    assert eval(fix, {"np": np, "X": values}).size == rows.size
    with pytest.raises(ValueError, match=re.escape(f"Pass {fix}, which has the shape ({len(X)},")):
        make().fit(values, Y)


@pytest.mark.parametrize("kind", ["series", "objects"])
@pytest.mark.parametrize("method", ["predict", "evaluate", "partial_fit", "X_val"])
def test_an_array_in_each_element_after_the_fit(fitted_conv, kind, method):
    values = ROWS_IN_OBJECTS[kind][0](list(IMAGES))
    calls = {
        "predict": lambda clf: clf.predict(values),
        "X_val": lambda clf: clf.fit(IMAGES, Y, X_val=values, y_val=Y),
    }
    call = calls.get(method, lambda clf: getattr(clf, method)(values, Y))
    message = r"Pass np\.stack\(list\(X\)\), which has the shape \(12, 5, 4\)"
    assert_refused(fitted_conv, IMAGES, call, ValueError, message)


@pytest.mark.parametrize("make", [new, new_conv])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pd.Series([[1, 2], [3]] * 6), r"Got rows of different lengths.*MultiHotVectorizer"),
        (objects([np.ones((2, 2)), np.ones((3, 2))] * 6), "Got rows of different lengths"),
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
def test_what_makes_no_array_of_numbers(make, rows, message):
    rows = iter(X) if hasattr(rows, "__next__") else rows
    with pytest.raises(ValueError, match=message):
        make().fit(rows, Y)


@pytest.mark.parametrize("weights", [objects([[1.0]] * 12), [[1], [1, 2]] * 6])
def test_sample_weights_in_lists(weights):
    with pytest.raises(
        ValueError, match=r"Got sample_weight with nested sequences.*np\.concatenate"
    ):
        new().fit(X, Y, weights)


CHANNELS_FIRST = RNG.rand(12, 3, 8, 9)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "evaluate"])
def test_channels_before_height_and_width(method):
    message = r"\(3, 8, 9\), which seem to have their channels first;.*np\.moveaxis\(X, 1, -1\)"
    clf = new_conv(warm_start=True).fit(np.moveaxis(CHANNELS_FIRST, 1, -1), Y)
    arguments = (CHANNELS_FIRST,) if method == "predict" else (CHANNELS_FIRST, Y)
    assert_refused(
        clf,
        np.moveaxis(CHANNELS_FIRST, 1, -1),
        lambda clf: getattr(clf, method)(*arguments),
        ValueError,
        message,
    )


def test_image_shape_says_that_the_first_axis_is_the_height():
    clf = new_conv(image_shape=(3, 8, 9)).fit(CHANNELS_FIRST, Y)
    assert clf.image_shape_ == (3, 8, 9)
    assert clf.predict(CHANNELS_FIRST).shape == (12,)


def test_sparse_images(fitted_conv):
    rows = sparse.csr_array(IMAGES.reshape(12, -1))
    for call in (lambda clf: clf.fit(rows, Y), lambda clf: clf.predict(rows)):
        assert_refused(
            fitted_conv, IMAGES, call, TypeError, r"Sparse data was passed.*Use '\.toarray\(\)'"
        )


def test_three_classes_and_one_sigmoid_unit():
    message = "Got loss='binary_crossentropy' and 3 classes in y; expected 2 .*loss='auto', which"
    with pytest.raises(ValueError, match=message):
        new_conv(loss="binary_crossentropy").fit(IMAGES, Y3)


# -------------------------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    "call",
    [
        lambda clf: clf.predict(X),
        lambda clf: clf.predict_proba(X),
        lambda clf: clf.predict_log_proba(X),
        lambda clf: clf.decision_function(X),
        lambda clf: clf.evaluate(X, Y),
        lambda clf: clf.score(X, Y),
        lambda clf: clf.history_,
        lambda clf: clf.model_,
    ],
)
@pytest.mark.parametrize("make", [new, new_conv, MulticlassDenseClassifier])
def test_not_fitted(make, call):
    with pytest.raises(NotFittedError, match=r"is not fitted yet\. Call 'fit'"):
        call(make())


class FailAtEpoch2(keras.callbacks.Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise self.error


@pytest.mark.parametrize("error", [RuntimeError("spam"), KeyboardInterrupt("spam")], ids=repr)
@pytest.mark.parametrize("warm_start", [True, False])
def test_a_fit_that_breaks_off_changes_nothing(fitted, error, warm_start):
    estimator = copy.deepcopy(fitted).set_params(
        warm_start=warm_start, epochs=3, callbacks=[FailAtEpoch2(error)]
    )
    # With fewer features and other classes, had it gone through.
    other_rows, other_labels = (X, Y) if warm_start else (X[:, :2], Y == "ant")
    assert_refused(estimator, X, lambda clf: clf.fit(other_rows, other_labels), type(error), "spam")
    np.testing.assert_array_equal(estimator.history_, fitted.history_)


@pytest.mark.parametrize("error", [RuntimeError("spam"), KeyboardInterrupt("spam")], ids=repr)
def test_a_first_fit_that_breaks_off_leaves_nothing(error):
    estimator = new(callbacks=[FailAtEpoch2(error)]).set_params(epochs=3)
    before = vars(estimator).copy()
    with pytest.raises(type(error), match="spam"):
        estimator.fit(X, Y)
    assert vars(estimator) == before
    estimator.set_params(callbacks=None).fit(X, Y)
    expected = new().set_params(epochs=3).fit(X, Y)
    np.testing.assert_array_equal(estimator.predict_proba(X), expected.predict_proba(X))


def test_after_a_failure_training_goes_on_as_if_it_had_not_been(fitted):
    estimator, undisturbed = copy.deepcopy(fitted), copy.deepcopy(fitted)
    with pytest.raises(ValueError, match="X contains NaN"):
        estimator.partial_fit(NAN, Y)
    estimator.partial_fit(X, Y)
    undisturbed.partial_fit(X, Y)
    np.testing.assert_array_equal(estimator.predict_proba(X), undisturbed.predict_proba(X))
