"""User-defined nets: compiled training and prediction equal Keras's fit and predict."""

import keras
import numpy as np
import pytest
from batch_callback import BatchCallback
from own_nets import BODIES, IDS, IMAGES, LABELS, TABLE, VECTORS, WEIGHTS, Y3, Y, residual
from scipy import sparse

from skclf import NetworkClassifier, engine
from skclf.engine._forward import all_layers
from skclf.engine._fused_layers import fusible

layers = keras.layers


def net(body, **parameters):
    # With the 48 rows that remain after the validation split, the last batch has one row.
    defaults = {"batch_size": 47, "epochs": 3, "learning_rate": 0.01, "random_state": 0}
    return NetworkClassifier(body, **defaults | parameters)


def assert_both_paths_agree(body, X, y, sample_weight=None, **parameters):
    compiled = net(body, **parameters).fit(X, y, sample_weight)
    by_keras = net(body, callbacks=BatchCallback(), **parameters).fit(X, y, sample_weight)
    for found, wanted in zip(compiled._weights, by_keras._weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(compiled.history_, by_keras.history_, rtol=1e-3, atol=1e-5)
    return compiled


@pytest.mark.parametrize("name", BODIES)
def test_body_trains_as_in_keras(name):
    body, X = BODIES[name]
    clf = assert_both_paths_agree(body, X, Y, validation_split=0.2)
    # Predictions are equal, too, whether NumPy or a compiled program computes them.
    wanted = clf.model_.predict(X, verbose=0, batch_size=13)[:, 0]
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], wanted, atol=1e-6)
    before = engine.trace_count()
    again = net(body, validation_split=0.2).fit(X, Y)
    assert engine.trace_count() == before
    for found, wanted in zip(again._weights, clf._weights, strict=True):
        np.testing.assert_array_equal(found, wanted)


class Asymmetric(keras.losses.Loss):
    """A custom loss with one value per row."""

    def call(self, y_true, y_pred):
        y_true = keras.ops.cast(y_true, y_pred.dtype)
        wrong = keras.ops.abs(y_true - y_pred)
        return keras.ops.mean(wrong * (1 + 2 * y_true), axis=-1)


def squared(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


# All losses are weighted in the same place, so a few weighted cases are enough.
WEIGHTED = ("custom", "sum", "focal", "auto")


def parametrize_losses(names):
    """Parametrize by all losses without weights, and by some with weights."""
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
    "custom": Asymmetric(),
    "function": squared,
    "huber": keras.losses.Huber(delta=0.3),
    "sum": keras.losses.MeanSquaredError(reduction="sum"),
}
BINARY_LOSSES = {
    "focal": keras.losses.BinaryFocalCrossentropy(gamma=2.0),
    "smoothed": keras.losses.BinaryCrossentropy(label_smoothing=0.1),
}
MULTICLASS_LOSSES = {
    "categorical": "categorical_crossentropy",
    "sparse": "sparse_categorical_crossentropy",
    "focal": keras.losses.CategoricalFocalCrossentropy(gamma=2.0),
    "smoothed": keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    "kld": "kld",
    "cosine": "cosine_similarity",
}


@parametrize_losses([*LOSSES, *BINARY_LOSSES])
def test_binary_losses(name, weights):
    loss = (LOSSES | BINARY_LOSSES)[name]
    class_weight = None if weights is None else {1: 2}
    options = {"loss": loss, "class_weight": class_weight, "validation_split": 0.2}
    assert_both_paths_agree(residual(), TABLE, Y, weights, **options)


@parametrize_losses([*LOSSES, *MULTICLASS_LOSSES])
def test_multiclass_losses(name, weights):
    loss = (LOSSES | MULTICLASS_LOSSES)[name]
    class_weight = None if weights is None else "balanced"
    options = {"loss": loss, "class_weight": class_weight, "validation_split": 0.2}
    clf = assert_both_paths_agree(residual(), TABLE, Y3, weights, **options)
    assert clf.predict_proba(TABLE).shape == (60, 3)


@parametrize_losses(["auto", *LOSSES, *BINARY_LOSSES])
def test_multilabel_losses(name, weights):
    loss = (LOSSES | BINARY_LOSSES).get(name, name)
    by_label = weights is not None and name not in ("custom", "function")
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
    # Where a gradient is 0, Adam turns rounding errors into steps.
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
    "large offset": (TABLE + 1000, {}, True),
    "sequences": (VECTORS, {"momentum": 0.5}, True),
    "images": (IMAGES, {"epsilon": 0.1}, True),
    "neither center nor scale": (IMAGES, {"center": False, "scale": False}, True),
    "axis 3": (IMAGES, {"axis": 3, "scale": False}, True),
    "penalized": (TABLE, {"gamma_regularizer": "l2", "beta_constraint": "non_neg"}, True),
    "axis 1": (IMAGES, {"axis": 1}, False),
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


def test_batch_normalization_ignores_masked_steps():
    def body(inputs):
        x = layers.Embedding(30, 4, mask_zero=True)(inputs)
        return layers.LSTM(3)(layers.BatchNormalization()(x))

    assert_both_paths_agree(body, IDS, Y, optimizer="sgd")


def test_evaluate_equals_plain_keras_model():
    """A plain Keras model with the same layers and weights has the same loss."""
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
