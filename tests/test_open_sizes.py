"""Nets of open sizes: compiled once for all sizes, and bitwise equal to a Keras model."""

import itertools

import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    MultilabelDenseClassifier,
    engine,
)
from skclf.engine import _cache

RNG = np.random.RandomState(0)
X = RNG.rand(90, 7).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)
Y3 = np.digitize(X[:, 0], [0.3, 0.6])
LABELS = (X[:, :3] > 0.5).astype(int)
WEIGHTS = RNG.uniform(0.5, 2, 90)
CSR = sparse.csr_array(np.where(X > 0.3, X, 0))
CLASSIFIERS = {
    "binary": (BinaryDenseClassifier, Y),
    "multiclass": (MulticlassDenseClassifier, Y3),
    "multilabel": (MultilabelDenseClassifier, LABELS),
}


class ModelCallback(keras.callbacks.Callback):
    """A callback that accesses the Keras model."""

    def on_train_begin(self, logs=None):
        assert isinstance(self.model, keras.Model)


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {"hidden_layer_sizes": (6, 5), "batch_size": 16, "epochs": 3, "random_state": 0}
    return estimator_class(**defaults | parameters)


def n_compiled(fit):
    before = engine.trace_count()
    fit()
    return engine.trace_count() - before


def assert_bitwise_equal(one, other):
    for found, wanted in zip(one._weights, other._weights, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert one.history_.equals(other.history_)


def assert_equals_keras_model(clf, X, y, sample_weight=None):
    with_model = clone(clf).set_params(callbacks=[ModelCallback()]).fit(X, y, sample_weight)
    assert_bitwise_equal(clf.fit(X, y, sample_weight), with_model)


OPTIMIZERS = {
    "sgd": "sgd",
    "momentum": keras.optimizers.SGD(0.05, momentum=0.8),
    "nesterov": keras.optimizers.SGD(0.05, momentum=0.8, nesterov=True),
    "rmsprop": "rmsprop",
    "rmsprop with momentum": keras.optimizers.RMSprop(0.01, rho=0.8, momentum=0.5, epsilon=1e-4),
    "adam": "adam",
    "adam with options": keras.optimizers.Adam(0.02, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
}
MODES = [
    {"dropout": 0.3, "l2": 0.02},
    {"class_weight": "balanced", "metrics": ["accuracy"]},
    {"hidden_layer_sizes": (), "validation_split": 0.2, "refit_epoch": "val_loss"},
    {"hidden_layer_sizes": 4, "activation": "tanh", "keep_epochs": True, "l2": 0.1},
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("rows", [X, CSR], ids=["dense", "sparse"])
def test_optimizers_equal_keras_model(optimizer, rows):
    clf = net(MulticlassDenseClassifier, optimizer=OPTIMIZERS[optimizer], dropout=0.2)
    assert_equals_keras_model(clf, rows, Y3, WEIGHTS)


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("rows", [X, CSR], ids=["dense", "sparse"])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: "-".join(mode))
def test_modes_equal_keras_model(kind, rows, mode):
    estimator_class, y = CLASSIFIERS[kind]
    assert_equals_keras_model(net(estimator_class, **mode), rows, y)


def test_one_hot_targets_equal_keras_model():
    clf = net(MulticlassDenseClassifier, loss="categorical_crossentropy", class_weight="balanced")
    assert_equals_keras_model(clf, X, Y3, WEIGHTS)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
@pytest.mark.parametrize("sizes", [(6, 3000), (250, 250)], ids=["many weights", "large layer"])
def test_large_layers_equal_keras_model(optimizer, sizes):
    assert_equals_keras_model(net(hidden_layer_sizes=sizes, optimizer=optimizer), X, Y)


def test_search_compiles_once_per_number_of_layers():
    engine.clear_cache()
    grid = {
        "hidden_layer_sizes": [(7, 5), (8, 3), (40, 40), (9,), (2,)],
        "dropout": [0.1, 0.5],
        "l2": [0.01, 0.1],
        "learning_rate": [0.001, 0.01],
    }
    search = GridSearchCV(net(epochs=1), grid, cv=2)
    assert n_compiled(lambda: search.fit(X, Y)) == 2
    assert sum(map(len, _cache._idle.values())) == 2


@pytest.mark.parametrize("rows", [X, CSR], ids=["dense", "sparse"])
def test_other_numbers_of_features_and_classes_compile_nothing(rows):
    clf = net(MulticlassDenseClassifier, class_weight="balanced", validation_split=0.2)
    clf.fit(rows, Y3)
    alone = {}
    for n_features, n_classes in itertools.product((1, 4, 7), (3, 4, 6)):
        y = np.arange(90) % n_classes
        fit = clone(clf).set_params(random_state=n_features)
        assert n_compiled(lambda fit=fit, y=y, n=n_features: fit.fit(rows[:, :n], y)) == 0
        alone[n_features, n_classes] = fit, y
    for (n_features, _), (fit, y) in alone.items():
        engine.clear_cache()
        assert_bitwise_equal(clone(fit).fit(rows[:, :n_features], y), fit)


KERAS_ONLY = {
    "nadam": {"optimizer": "nadam"},
    "clipped": {"optimizer": keras.optimizers.Adam(clipnorm=0.1)},
    "amsgrad": {"optimizer": keras.optimizers.Adam(amsgrad=True)},
    "centered": {"optimizer": keras.optimizers.RMSprop(centered=True)},
    "weight decay": {"optimizer": keras.optimizers.SGD(weight_decay=0.1)},
    "moving averages": {"optimizer": keras.optimizers.SGD(use_ema=True)},
    "accumulation": {"optimizer": keras.optimizers.SGD(gradient_accumulation_steps=2)},
    "scaled loss": {"optimizer": keras.optimizers.SGD(loss_scale_factor=8.0)},
    "schedule": {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)},
    "schedule in optimizer": {
        "optimizer": keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9))
    },
    "auc": {"metrics": ["auc"]},
    "f1": {"metrics": [keras.metrics.F1Score("macro", threshold=0.5)]},
    "activation": {"activation": "sparsemax"},  # in Keras, but not in the table of activations
    "callbacks": {"callbacks": [ModelCallback()]},
}


@pytest.mark.parametrize("name", KERAS_ONLY)
def test_unsupported_options_train_a_keras_model(name, monkeypatch):
    made = []

    class RecordedNet(engine.Net):
        def __init__(self, *arguments, **options):
            made.append(self)
            super().__init__(*arguments, **options)

    engine.clear_cache()
    monkeypatch.setattr(engine, "Net", RecordedNet)
    clf = net(**KERAS_ONLY[name]).fit(X, Y)
    assert len(made) == 1
    net().fit(X, Y)
    assert len(made) == 1
    engine.clear_cache()
    assert np.isfinite(clf.predict_proba(X)).all()


@pytest.mark.parametrize("optimizer", ["momentum", "rmsprop", "adam"])
def test_training_continues_between_open_net_and_keras_model(optimizer):
    parameters = {"optimizer": OPTIMIZERS[optimizer], "dropout": 0.2, "warm_start": True}
    whole = net(**parameters, epochs=4).fit(X, Y)
    for first, second in itertools.permutations([None, [ModelCallback()]]):
        clf = net(**parameters, epochs=2, callbacks=first).fit(X, Y)
        assert_bitwise_equal(clf.set_params(callbacks=second).fit(X, Y), whole)
        kept = clf.model_.optimizer.variables
        for variable, value in zip(kept, clf._state["variables"], strict=True):
            np.testing.assert_array_equal(variable, value)


def test_warm_start_uses_new_learning_rate():
    fits = []
    for callbacks in (None, [ModelCallback()]):
        clf = net(warm_start=True, callbacks=callbacks).fit(X, Y)
        fits.append(clf.set_params(learning_rate=0.05).fit(X, Y))
    assert_bitwise_equal(*fits)
    same_rate = net(warm_start=True).fit(X, Y).fit(X, Y)
    assert not np.array_equal(same_rate._weights[0], fits[0]._weights[0])
