"""Training of the dense classifiers, compared with Keras and NumPy; optimizers."""

import keras
import numpy as np
import pytest
from dense_nets import CODES, CODES3, NAMES3, TEXTS, X, binary, fitted_net, multiclass
from sklearn.base import clone

# ----------------------------------------------------------------------------------------- training


def test_nets_learn_the_labels():
    well = {"hidden_layer_sizes": 16, "optimizer": "adam", "learning_rate": 0.05, "epochs": 60}
    assert multiclass(**well).fit(X, NAMES3[CODES3]).score(X, NAMES3[CODES3]) > 0.95
    assert binary(**well).fit(X, TEXTS).score(X, TEXTS) > 0.95


def with_initial_weights(clf, y):
    """A fitted classifier with its initial weights, since the learning rate is tiny."""
    start = clone(clf).set_params(learning_rate=1e-30, optimizer="sgd", epochs=1).fit(X, y)
    return start.set_params(optimizer=clf.optimizer, learning_rate=clf.learning_rate)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw", "nadam", "lion"])
def test_training_equals_that_of_keras(optimizer):
    # With one batch per epoch the order of the rows doesn't matter: Keras takes the same steps.
    clf = binary(optimizer=optimizer, learning_rate=0.02, epochs=3, batch_size=40, l2=0.01)
    model = with_initial_weights(clf, CODES).model_
    model.fit(X, CODES[:, None], batch_size=40, epochs=3, verbose=0)
    trained = clf.fit(X, CODES).model_.get_weights()
    for found, expected in zip(trained, model.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_step_of_gradient_descent_matches_numpy():
    weights = np.random.RandomState(1).randint(1, 4, 40).astype(float)
    clf = multiclass(
        hidden_layer_sizes=(),
        optimizer="sgd",
        learning_rate=0.1,
        epochs=1,
        batch_size=40,
        l2=0.05,
        class_weight={0: 1, 1: 3, 2: 0.5},
    )
    kernel, bias = with_initial_weights(clf, CODES3).model_.get_weights()
    values = np.exp(X @ kernel.astype(float) + bias)
    errors = values / values.sum(axis=1, keepdims=True) - np.eye(3)[CODES3]
    factors = weights * np.array([1, 3, 0.5])[CODES3]
    errors *= (factors / factors.mean())[:, None] / 40
    found = clf.fit(X, CODES3, weights).model_.get_weights()
    np.testing.assert_allclose(found[0], kernel - 0.1 * (X.T @ errors + 0.1 * kernel), atol=1e-6)
    np.testing.assert_allclose(found[1], bias - 0.1 * errors.sum(axis=0), atol=1e-6)


# --------------------------------------------------------------------------------------- optimizers


def test_an_optimizer_instance_is_a_template():
    optimizer = keras.optimizers.Adam(0.02, beta_1=0.8)
    config = optimizer.get_config()
    clf = binary(optimizer=optimizer)
    first = clf.fit(X, CODES).predict_proba(X)
    np.testing.assert_array_equal(clf.fit(X, CODES).predict_proba(X), first)
    np.testing.assert_array_equal(clone(clf).fit(X, CODES).predict_proba(X), first)
    assert clf.optimizer is optimizer
    assert optimizer.get_config() == config
    assert not optimizer.built
    assert clf.model_.optimizer.get_config()["beta_1"] == 0.8
    np.testing.assert_allclose(float(clf.model_.optimizer.learning_rate), 0.02, rtol=1e-6)
    other = binary(optimizer="adam", learning_rate=0.02).fit(X, CODES).predict_proba(X)
    assert not np.allclose(first, other, atol=1e-6)


def test_a_used_optimizer_is_a_template_too():
    optimizer = keras.optimizers.RMSprop()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=optimizer, loss="mse")
    model.fit(X[:, :2], X[:, :1], verbose=0)
    variables = [keras.ops.convert_to_numpy(v).copy() for v in optimizer.variables]
    clf = binary(optimizer=optimizer).fit(X, CODES)
    np.testing.assert_array_equal(clf.predict_proba(X), fitted_net("two").predict_proba(X))
    for before, after in zip(variables, optimizer.variables, strict=True):
        np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(after))


@pytest.mark.parametrize("name", ["rmsprop", "RMSprop"])
def test_names_and_instances_of_optimizers_are_equivalent(name):
    np.testing.assert_array_equal(
        binary(optimizer=name).fit(X, CODES).predict_proba(X), fitted_net("two").predict_proba(X)
    )


@pytest.mark.parametrize("rate", [0.25, np.float32(0.25), np.float16(0.25), 1, np.int64(1)])
def test_learning_rate_overrides_the_optimizers_own(rate):
    own = keras.optimizers.SGD(float(rate), momentum=0.5)
    expected = binary(optimizer=own).fit(X, CODES)
    clf = binary(optimizer=keras.optimizers.SGD(3.0, momentum=0.5), learning_rate=rate)
    np.testing.assert_array_equal(clf.fit(X, CODES).predict_proba(X), expected.predict_proba(X))
    assert float(clf.model_.optimizer.learning_rate) == float(rate)


@pytest.mark.parametrize("where", ["learning_rate", "optimizer"])
def test_a_learning_rate_schedule_is_followed(where):
    # 0.05 in steps 0 and 1, then 0: with one batch per epoch, only two of four epochs train.
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.05, 0.0])
    parameters = (
        {"optimizer": "sgd", "learning_rate": schedule}
        if where == "learning_rate"
        else {"optimizer": keras.optimizers.SGD(schedule)}
    )
    clf = binary(epochs=4, batch_size=40, **parameters).fit(X, CODES)
    constant = binary(epochs=2, batch_size=40, optimizer="sgd", learning_rate=0.05)
    np.testing.assert_allclose(
        clf.predict_proba(X), constant.fit(X, CODES).predict_proba(X), rtol=1e-6
    )
    constant.set_params(epochs=4).fit(X, CODES)
    assert not np.allclose(clf.predict_proba(X), constant.predict_proba(X))
