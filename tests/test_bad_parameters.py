"""Errors for parameters: their values, contradictions, and keyword arguments of fit."""

import copy

import keras
import numpy as np
import pytest
from bad_input import IMAGES, X, Y, assert_fails_and_stays_unchanged, fitted_net, new, new_conv

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

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
def test_bad_parameters_are_an_error(method, name, value):
    estimator = copy.deepcopy(fitted_net()).set_params(**{"warm_start": False, name: value})
    before, predicted = vars(estimator).copy(), estimator.predict_proba(X)
    with pytest.raises((ValueError, TypeError), match=rf"\b{name}\b") as raised:
        getattr(estimator, method)(X, Y)
    allowed = ("must be", "expected the name", "expected names", "expected in", "expected a tuple")
    assert any(words in str(raised.value) for words in allowed)
    assert all(vars(estimator)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(estimator.predict_proba(X), predicted)


@pytest.mark.parametrize(("name", "value"), pairs(CONV_PARAMETERS))
@pytest.mark.parametrize("rows", [IMAGES, IMAGES.reshape(12, -1)], ids=["images", "flattened"])
def test_bad_conv_parameters_are_an_error(name, value, rows):
    estimator = new_conv(**{name: value})
    with pytest.raises(ValueError, match=rf"Got.*{name}|{name}.*must be"):
        estimator.fit(rows, Y)
    assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize("name", ["activation", "optimizer", "metrics"])
def test_error_for_an_unknown_name_lists_the_known_ones(name):
    known = {"activation": "relu", "optimizer": "Adam", "metrics": "AUC"}[name]
    value = ["spam"] if name == "metrics" else "spam"
    with pytest.raises(ValueError, match=rf"'spam'.*expected the name of a Keras.*\b{known}\b"):
        new(**{name: value}).fit(X, Y)


@pytest.mark.parametrize(
    "estimator_class", [BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier]
)
def test_unknown_and_positional_parameters_are_an_error(estimator_class):
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
def test_contradictory_parameters_are_an_error(parameters, arguments, message):
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
def test_error_for_an_unknown_argument_of_fit_names_the_fix(method, argument, message):
    for estimator in (fitted_net(), new_conv(), MulticlassDenseClassifier()):
        name = type(estimator).__name__
        title = rf"^{name}\.{method}\(\) got an unexpected keyword argument "
        with pytest.raises(TypeError, match=title + message.format(name)):
            getattr(estimator, method)(X, Y, **{argument: 3})


@pytest.mark.parametrize("size", [3, (2, 2), ()])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_continuing_with_other_layers_is_an_error(method, size):
    estimator = copy.deepcopy(fitted_net()).set_params(hidden_layer_sizes=size)
    message = "The net's layers have changed.*Set warm_start=False"
    assert_fails_and_stays_unchanged(
        estimator, X, lambda clf: getattr(clf, method)(X, Y), ValueError, message
    )
