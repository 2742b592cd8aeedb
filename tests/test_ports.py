"""Ports of nets that public scripts wrap for scikit-learn, compared with Keras alone.

Each net trains on the same rows, for as many epochs and with the same optimizer, once with
`NetworkClassifier` and once with Keras's ``compile`` and ``fit``. Initial weights and the order of
the rows are drawn separately, so the accuracies are equal only within noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np
import optuna
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, make_circles, make_classification, make_moons
from sklearn.ensemble import AdaBoostClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score

from skclf import NetworkClassifier, SequencePadder, network

# ------------------------------------------------------------------------------------------- nets


@network
def lstm(inputs, units=16):
    x = keras.layers.Embedding(30, 8)(inputs)
    return keras.layers.LSTM(units)(x)


@network
def bidirectional_gru(inputs, units=8):
    x = keras.layers.Embedding(30, 8, mask_zero=True)(inputs)
    x = keras.layers.SpatialDropout1D(0.1)(x)
    return keras.layers.Bidirectional(keras.layers.GRU(units))(x)


@network
def normalized(inputs, units=24):
    x = keras.layers.BatchNormalization()(inputs)
    for _ in range(2):
        x = keras.layers.Dense(units, use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Activation("relu")(x)
    return x


@network
def input_dropout(inputs, units=40, rate=0.2):
    x = keras.layers.Dropout(rate)(inputs)
    for n_units in (units, units // 2):
        max_norm = keras.constraints.MaxNorm(3)
        layer = keras.layers.Dense(n_units, activation="relu", kernel_constraint=max_norm)
        x = layer(x)
    return x


@network
def signal_cnn(inputs, filters=8):
    x = keras.layers.Reshape((-1, 1))(inputs)
    x = keras.layers.Conv1D(filters, 5, activation="relu")(x)
    return keras.layers.GlobalMaxPooling1D()(x)


@network
def lenet(inputs, activation="tanh"):
    x = keras.layers.Reshape((8, 8, 1))(inputs)
    x = keras.layers.Rescaling(1 / 8, offset=-1)(x)
    x = keras.layers.Conv2D(6, 3, padding="same", activation=activation)(x)
    x = keras.layers.AveragePooling2D(2, strides=1)(x)
    x = keras.layers.Conv2D(16, 3, strides=2, activation=activation)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(60, activation=activation)(x)
    return keras.layers.Dense(42, activation=activation)(x)


def convolutions():
    """The layers that are trained on some digits and then reused for other digits."""
    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Reshape((8, 8, 1)),
            keras.layers.Rescaling(1 / 16),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(32, 2, activation="relu"),
            keras.layers.Flatten(),
        ],
        name="convolutions",
    )


@network
def pretrained(inputs, weights=None, trainable=False):
    """A body with weights from a file."""
    base = convolutions()
    base.load_weights(weights)
    base.trainable = trainable
    return keras.layers.Dense(32, activation="relu")(base(inputs, training=False))


def make_base(n_features, units):
    """A Keras model without an output layer, such as another package makes."""
    inputs = keras.Input((n_features,))
    x = keras.layers.Dense(units, activation="gelu")(inputs)
    x = keras.layers.LayerNormalization()(x)
    return keras.Model(inputs, keras.layers.Dense(units, activation="gelu")(x))


@network
def from_factory(inputs, factory=make_base, units=16):
    """A body that calls a factory, which makes a new Keras model for each fit."""
    return factory(inputs.shape[-1], units)(inputs)


@network
def dense(inputs, depth=1, units=4):
    x = inputs
    for _ in range(depth):
        x = keras.layers.Dense(units, activation="relu")(x)
    return x


@network
def wide_and_deep(inputs, units=32):
    x = keras.layers.Dense(units, activation="relu")(inputs)
    x = keras.layers.Dense(units, activation="relu")(x)
    return keras.layers.Concatenate()([inputs, x])


@network
def bottleneck(inputs, code=6):
    """An autoencoder whose reconstruction error is part of the loss."""
    x = keras.layers.Dense(24, activation="relu")(inputs)
    encoded = keras.layers.Dense(code, activation="relu")(x)
    x = keras.layers.Dense(24, activation="relu")(encoded)
    decoded = keras.layers.Dense(inputs.shape[-1])(x)
    error = keras.layers.Subtract()([decoded, inputs])
    x = keras.layers.Activation("linear", activity_regularizer=keras.regularizers.L2(0.01))(error)
    return keras.layers.Concatenate()([encoded, x])


# ------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class Rows:
    """Training and test data."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def halves(X, y):
    n = len(X) // 2
    return Rows(X[:n], y[:n], X[n:], y[n:])


def last_word_counts():
    """Sentences whose class is given by the last of their good (1, 2) or bad (3, 4) words."""
    rng = np.random.RandomState(0)
    sentences = [rng.randint(1, 30, rng.randint(4, 13)) for _ in range(800)]
    for sentence in sentences:
        sentence[rng.choice(len(sentence), 3, replace=False)] = rng.randint(1, 5, 3)
    y = [(sentence[sentence < 5][-1] > 2) for sentence in sentences]
    return halves(SequencePadder(maxlen=12).fit_transform(sentences), np.where(y, "bad", "good"))


def different_scales():
    """Columns with means far from 0 and very different scales."""
    X, y = make_classification(
        1000, 12, n_informative=8, n_redundant=0, n_classes=3, class_sep=1.5, random_state=0
    )
    scales = 10.0 ** np.random.RandomState(0).uniform(-3, 3, 12)
    return halves(((X + 4) * scales).astype(np.float32), y)


def two_classes():
    X, y = make_classification(800, 30, n_informative=10, class_sep=1.5, random_state=1)
    return halves(X.astype(np.float32), y)


def signals():
    """Noise with a narrow or wide bump at a random position."""
    rng = np.random.RandomState(0)
    y = rng.randint(0, 2, 600)
    places = rng.randint(8, 32, 600)
    widths = np.where(y == 1, 3.0, 1.0)
    distances = (np.arange(40) - places[:, np.newaxis]) / widths[:, np.newaxis]
    X = 2 * np.exp(-(distances**2) / 2) + 0.3 * rng.normal(size=(600, 40))
    return halves(X.astype(np.float32), y)


def digits(kept=range(10), n=1400):
    X, y = load_digits(return_X_y=True)
    is_kept = np.isin(y, kept)
    return halves(X[is_kept][:n].astype(np.float32), y[is_kept][:n])


def moons():
    X, y = make_moons(800, noise=0.15, random_state=0)
    return halves(X.astype(np.float32), y)


def circles():
    X, y = make_circles(800, noise=0.1, factor=0.4, random_state=0)
    return halves(X.astype(np.float32), y)


# -------------------------------------------------------------------------------------- Keras alone


class KerasAlone(ClassifierMixin, BaseEstimator):
    """A scikit-learn classifier that trains a Keras model with the same body in Keras alone."""

    def __init__(self, network, epochs=1, batch_size=32, optimizer="adam", seed=0):
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.seed = seed

    def fit(self, X, y, sample_weight=None):
        keras.utils.set_random_seed(self.seed)
        self.classes_, codes = np.unique(y, return_inverse=True)
        inputs = keras.Input(X.shape[1:])
        outputs = keras.layers.Dense(len(self.classes_), "softmax")(self.network.build(inputs))
        self.model_ = keras.Model(inputs, outputs)
        optimizer = keras.optimizers.get(self.optimizer)
        optimizer = type(optimizer).from_config(optimizer.get_config())
        self.model_.compile(optimizer, "sparse_categorical_crossentropy")
        self.model_.fit(
            X,
            codes,
            sample_weight=sample_weight,
            epochs=self.epochs,
            batch_size=self.batch_size,
            verbose=0,
        )
        return self

    def predict_proba(self, X):
        return self.model_.predict(X, verbose=0)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


# ------------------------------------------------------------------------------------------ ports


@dataclass(frozen=True)
class Port:
    """A net, its data, and how to train it."""

    network: object
    rows: Callable[[], Rows]
    epochs: int
    at_least: float
    optimizer: object = "adam"
    batch_size: int = 32
    wrap: Callable = field(default=lambda classifier: classifier)

    def ours(self, seed, **parameters):
        classifier = NetworkClassifier(
            self.network,
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimizer=self.optimizer,
            random_state=seed,
        )
        return self.wrap(classifier.set_params(**parameters))

    def theirs(self, seed):
        return self.wrap(
            KerasAlone(self.network, self.epochs, self.batch_size, self.optimizer, seed)
        )


def boosted(classifier):
    return AdaBoostClassifier(classifier, n_estimators=4, random_state=0)


ADAM = keras.optimizers.Adam(0.01)
SLOW_ADAM = keras.optimizers.Adam(0.003)
MOMENTUM = keras.optimizers.SGD(0.1, momentum=0.9)
PORTS = {
    "LSTM on ids": Port(lstm(), last_word_counts, 8, 0.9, ADAM),
    "bidirectional GRU": Port(
        bidirectional_gru(), last_word_counts, 8, 0.9, keras.optimizers.Adam(0.03), batch_size=50
    ),
    "batch normalization": Port(normalized(), different_scales, 15, 0.85, ADAM),
    "input dropout and max-norm": Port(input_dropout(), two_classes, 20, 0.9, MOMENTUM),
    "boosted Conv1D": Port(signal_cnn(), signals, 6, 0.9, ADAM, wrap=boosted),
    "LeNet with strides": Port(lenet(), digits, 10, 0.85, SLOW_ADAM),
    "model from a factory": Port(from_factory(), moons, 15, 0.9, ADAM),
    "wide and deep": Port(wide_and_deep(), two_classes, 15, 0.9, SLOW_ADAM),
    "stacked autoencoder": Port(bottleneck(), two_classes, 15, 0.85, ADAM),
}


def assert_equally_accurate(ours, theirs, at_least, margin=0.05):
    assert min(ours, theirs) >= at_least
    assert ours == pytest.approx(theirs, abs=margin)


SLOW = {"LSTM on ids", "bidirectional GRU", "LeNet with strides"}
MARKED = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in PORTS]


@pytest.mark.parametrize("name", MARKED)
def test_accuracy_equals_keras(name):
    port = PORTS[name]
    rows = port.rows()
    ours, theirs = port.ours(0).fit(rows.X, rows.y), port.theirs(0).fit(rows.X, rows.y)
    assert_equally_accurate(
        ours.score(rows.X_test, rows.y_test),
        theirs.score(rows.X_test, rows.y_test),
        port.at_least,
    )


def test_fitted_weights_satisfy_max_norm():
    rows = two_classes()
    body = input_dropout()
    clf = NetworkClassifier(body, optimizer=MOMENTUM, epochs=2, random_state=0)
    clf.fit(rows.X, rows.y)
    norms = [np.linalg.norm(layer.kernel, axis=0) for layer in clf.model_.layers[2:4]]
    assert max(map(np.max, norms)) <= 3 + 1e-5


def test_batch_normalization_learns_statistics_of_inputs():
    rows = different_scales()
    clf = PORTS["batch normalization"].ours(0).fit(rows.X, rows.y)
    layer = clf.model_.layers[1]
    # Keras's moving statistics start with a mean of 0 and a variance of 1, which decay by a factor
    # of 0.99 in each of the 16 steps of an epoch.
    start = 0.99 ** (16 * clf.n_epochs_)
    mean, variance = rows.X.mean(axis=0), rows.X.var(axis=0)
    np.testing.assert_allclose(layer.moving_mean, (1 - start) * mean, rtol=0.1)
    np.testing.assert_allclose(layer.moving_variance, (1 - start) * variance + start, rtol=0.1)


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """A file with weights of convolutions that Keras has trained on the digits from 0 to 4."""
    rows = digits(kept=range(5))
    base = convolutions()
    model = keras.Sequential([base, keras.layers.Dense(5, "softmax")])
    keras.utils.set_random_seed(0)
    model.compile(SLOW_ADAM.from_config(SLOW_ADAM.get_config()), "sparse_categorical_crossentropy")
    model.fit(rows.X, rows.y, epochs=5, verbose=0)
    path = tmp_path_factory.mktemp("pretrained") / "digits.weights.h5"
    base.save_weights(path)
    return str(path)


def frozen(weights_file, **parameters):
    rows = digits(kept=range(5, 10), n=600)
    port = Port(pretrained(weights_file, **parameters), lambda: rows, 10, 0.9, ADAM)
    return port, rows


def test_frozen_body_keeps_weights_and_accuracy_equals_keras(weights_file):
    port, rows = frozen(weights_file)
    ours, theirs = port.ours(0).fit(rows.X, rows.y), port.theirs(0).fit(rows.X, rows.y)
    assert_equally_accurate(
        ours.score(rows.X_test, rows.y_test), theirs.score(rows.X_test, rows.y_test), port.at_least
    )
    loaded = convolutions()
    loaded.load_weights(weights_file)
    found = ours.model_.get_layer("convolutions").get_weights()
    for one, other in zip(found, loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_loaded_body_can_be_fine_tuned(weights_file):
    port, rows = frozen(weights_file, trainable=True)
    clf = port.ours(0, epochs=1).fit(rows.X, rows.y)
    loaded = convolutions()
    loaded.load_weights(weights_file)
    found = clf.model_.get_layer("convolutions").get_weights()
    for one, other in zip(found, loaded.get_weights(), strict=True):
        # One epoch changes each weight by a few hundredths at most.
        np.testing.assert_allclose(one, other, atol=0.1)
        assert not np.array_equal(one, other)


SEARCHED = Port(dense(), circles, 20, 0.9, keras.optimizers.Adam(0.03))


def folds_score(classifier, rows):
    return cross_val_score(classifier, rows.X, rows.y, cv=2).mean()


@pytest.mark.slow
def test_grid_search_over_depth_and_width():
    rows = circles()
    grid = {"network__depth": [0, 2], "network__units": [2, 16]}
    search = GridSearchCV(SEARCHED.ours(0), grid, cv=2).fit(rows.X, rows.y)
    assert search.best_params_ == {"network__depth": 2, "network__units": 16}
    theirs = folds_score(SEARCHED.theirs(0).set_params(**search.best_params_), rows)
    assert_equally_accurate(search.best_score_, theirs, SEARCHED.at_least)
    # Without hidden layers the net is linear and can't separate the circles.
    is_linear = search.cv_results_["param_network__depth"] == 0
    assert max(search.cv_results_["mean_test_score"][is_linear]) < 0.65


@pytest.mark.slow
def test_optuna_search_over_depth_and_width():
    rows = circles()

    def run(trial):
        depth = trial.suggest_int("network__depth", 0, 2)
        units = trial.suggest_int("network__units", 2, 32, log=True)
        clf = SEARCHED.ours(0).set_params(network__depth=depth, network__units=units)
        return folds_score(clf, rows)

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        sampler = optuna.samplers.RandomSampler(seed=0)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(run, n_trials=6)
    finally:
        optuna.logging.set_verbosity(before)
    assert study.best_params["network__depth"] > 0
    theirs = folds_score(SEARCHED.theirs(0).set_params(**study.best_params), rows)
    assert_equally_accurate(study.best_value, theirs, SEARCHED.at_least)
