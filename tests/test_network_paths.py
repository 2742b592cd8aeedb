"""Nets of the user's own: the compiled epoch gives what Keras's own fit and predict give."""

import keras
import numpy as np
import pytest
from own_nets import BODIES, IDS, IMAGES, LABELS, TABLE, VECTORS, WEIGHTS, Y3, Y, residual
from scipy import sparse

from skclf import NetworkClassifier, engine
from skclf.engine._forward import all_layers
from skclf.engine._fused_layers import fusible

layers = keras.layers


class HearsOfBatches(keras.callbacks.Callback):
    """Makes Keras's own ``fit`` run."""

    def on_train_batch_end(self, batch, logs=None):
        pass


def net(body, **parameters):
    # Of the 48 rows that validation leaves, the last batch has one.
    defaults = {"batch_size": 47, "epochs": 3, "learning_rate": 0.01, "random_state": 0}
    return NetworkClassifier(body, **defaults | parameters)


def assert_both_paths_agree(body, X, y, sample_weight=None, **parameters):
    compiled = net(body, **parameters).fit(X, y, sample_weight)
    by_keras = net(body, callbacks=HearsOfBatches(), **parameters).fit(X, y, sample_weight)
    for found, wanted in zip(compiled._weights, by_keras._weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(compiled.history_, by_keras.history_, rtol=1e-3, atol=1e-5)
    return compiled


@pytest.mark.parametrize("name", BODIES)
def test_a_body_trains_as_in_keras(name):
    body, X = BODIES[name]
    clf = assert_both_paths_agree(body, X, Y, validation_split=0.2)
    # And it predicts so, be it by NumPy or by a program.
    wanted = clf.model_.predict(X, verbose=0, batch_size=13)[:, 0]
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], wanted, atol=1e-6)
    before = engine.trace_count()
    again = net(body, validation_split=0.2).fit(X, Y)
    assert engine.trace_count() == before
    for found, wanted in zip(again._weights, clf._weights, strict=True):
        np.testing.assert_array_equal(found, wanted)


class Asymmetric(keras.losses.Loss):
    """A loss of the user's own, by row."""

    def call(self, y_true, y_pred):
        y_true = keras.ops.cast(y_true, y_pred.dtype)
        wrong = keras.ops.abs(y_true - y_pred)
        return keras.ops.mean(wrong * (1 + 2 * y_true), axis=-1)


def squared(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


# Weights reach every loss in one place, so that a few of them with weights will do.
WEIGHTED = ("own", "sum", "focal", "auto")


def each_of(names):
    """All losses without weights, and some with weights."""
    pairs = [(name, weights) for weights in (None, WEIGHTS) for name in names]
    return pytest.mark.parametrize(
        ("name", "weights"),
        [
            pytest.param(name, weights, id=name if weights is None else f"{name}-weighted")
            for name, weights in pairs
            if weights is None or name in WEIGHTED
        ],
    )


LOSSES = {
    "mse": "mse",
    "own": Asymmetric(),
    "function": squared,
    "huber": keras.losses.Huber(delta=0.3),
    "sum": keras.losses.MeanSquaredError(reduction="sum"),
}
TWO = {
    "focal": keras.losses.BinaryFocalCrossentropy(gamma=2.0),
    "smoothed": keras.losses.BinaryCrossentropy(label_smoothing=0.1),
}
SEVERAL = {
    "categorical": "categorical_crossentropy",
    "sparse": "sparse_categorical_crossentropy",
    "focal": keras.losses.CategoricalFocalCrossentropy(gamma=2.0),
    "smoothed": keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    "kld": "kld",
    "cosine": "cosine_similarity",
}


@each_of([*LOSSES, *TWO])
def test_losses_for_two_classes(name, weights):
    loss = (LOSSES | TWO)[name]
    class_weight = None if weights is None else {1: 2}
    options = {"loss": loss, "class_weight": class_weight, "validation_split": 0.2}
    assert_both_paths_agree(residual(), TABLE, Y, weights, **options)


@each_of([*LOSSES, *SEVERAL])
def test_losses_for_more_classes(name, weights):
    loss = (LOSSES | SEVERAL)[name]
    class_weight = None if weights is None else "balanced"
    options = {"loss": loss, "class_weight": class_weight, "validation_split": 0.2}
    clf = assert_both_paths_agree(residual(), TABLE, Y3, weights, **options)
    assert clf.predict_proba(TABLE).shape == (60, 3)


@each_of(["auto", *LOSSES, *TWO])
def test_losses_for_several_labels(name, weights):
    loss = (LOSSES | TWO).get(name, name)
    by_label = weights is not None and name not in ("own", "function")
    options = {"loss": loss, "class_weight": "balanced" if by_label else None}
    clf = assert_both_paths_agree(residual(), TABLE, LABELS, weights, multilabel=True, **options)
    assert clf.predict(TABLE).shape == LABELS.shape


@pytest.mark.parametrize("name", ["none", "dense", "residual", "nested", "penalized"])
def test_sparse_rows(name):
    body, X = BODIES[name]
    rows = sparse.csr_array(np.where(X > 0, X, 0))
    if name in ("nested", "penalized"):
        with pytest.raises(ValueError, match=r"Got sparse rows"):
            net(body).fit(rows, Y)
        return
    # Adam makes steps of rounding errors where a slope is 0.
    options = {"validation_split": 0.2, "optimizer": "sgd"}
    clf = assert_both_paths_agree(body, rows, Y, **options)
    dense_rows = net(body, **options).fit(rows.toarray(), Y)
    for found, wanted in zip(clf._weights, dense_rows._weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)
    found = clf.predict_proba(rows)
    np.testing.assert_allclose(found, clf.predict_proba(rows.toarray()), atol=1e-6)
    np.testing.assert_allclose(
        found[:, [1]], clf.model_.predict(rows.toarray(), verbose=0), atol=1e-6
    )


NORMALIZED = {  # rows, layer, and whether TensorFlow's kernel can train it
    "vectors": (TABLE, {}, True),
    "far from 0": (TABLE + 1000, {}, True),
    "sequences": (VECTORS, {"momentum": 0.5}, True),
    "images": (IMAGES, {"epsilon": 0.1}, True),
    "bare": (IMAGES, {"center": False, "scale": False}, True),
    "last axis by number": (IMAGES, {"axis": 3, "scale": False}, True),
    "penalized": (TABLE, {"gamma_regularizer": "l2", "beta_constraint": "non_neg"}, True),
    "another axis": (IMAGES, {"axis": 1}, False),
    "frozen": (TABLE, {"trainable": False, "moving_mean_initializer": "ones"}, True),
}


@pytest.mark.parametrize("name", NORMALIZED)
def test_batch_normalization_trains_as_in_keras(name):
    X, options, is_fused = NORMALIZED[name]

    def body(inputs):
        x = layers.BatchNormalization(**options)(inputs)
        x = layers.Dense(4, "tanh")(x)
        return layers.Flatten()(layers.BatchNormalization(**options)(x))

    clf = assert_both_paths_agree(body, X, Y, optimizer="sgd", validation_split=0.2)
    assert len(fusible(all_layers(clf.model_))) == (2 if is_fused else 0)


def test_masked_steps_are_left_out_of_batch_normalization():
    def body(inputs):
        x = layers.Embedding(30, 4, mask_zero=True)(inputs)
        return layers.LSTM(3)(layers.BatchNormalization()(x))

    assert_both_paths_agree(body, IDS, Y, optimizer="sgd")


def test_plain_keras_trains_the_same():
    """Without any of skclf: the same initial weights, batches and optimizer in a plain model."""
    body = BODIES["recurrent"][0].set_params(units=3)
    clf = net(body, batch_size=60, epochs=1, optimizer="sgd", learning_rate=0.1)
    clf.set_params(warm_start=True).fit(IDS, Y)
    inputs = keras.Input((7,))
    x = keras.layers.LSTM(3, dropout=0.0)(keras.layers.Embedding(30, 4)(inputs))
    plain = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    plain.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    plain.set_weights(clf._weights)
    wanted = plain.evaluate(IDS, Y, verbose=0, batch_size=60)
    assert abs(clf.evaluate(IDS, Y)["loss"] - wanted) < 1e-6
