"""Saves fitted estimators, which `without_tensorflow` loads where TensorFlow isn't installed.

Only functions import Keras here, because loading a `NetworkClassifier` imports this module for its
body.
"""

import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skclf
from skclf import network

X = np.random.RandomState(0).rand(40, 6).astype(np.float32)
IMAGES = X[:, :4].reshape(-1, 2, 2)
BINARY = np.array(["ant", "bee"])[(X[:, 0] > 0.5).astype(int)]
CLASSES = np.array(["ant", "bee", "cat", "dog"] * 10)
LABELS = (X[:, :3] > 0.5).astype(int)
WORDS = [[3, 4, 5], [4, 4], [6, 3], [5]] * 10
SMALL = {"epochs": 2, "batch_size": 10, "random_state": 0}
DENSE = {"hidden_layer_sizes": 3, **SMALL}


@network
def residual(inputs, units=6):
    """A body that NumPy can compute."""
    import keras

    return inputs + keras.layers.Dense(units, activation="relu")(inputs)


@network
def running_sums(inputs):
    """A body that only Keras can compute."""
    import keras

    return keras.ops.cumsum(inputs, axis=1)


def fitted():
    """Yield the name, the fitted estimator and the rows of each case."""
    watched = DENSE | {"validation_split": 0.2, "refit_epoch": "val_loss"}
    words = make_pipeline(skclf.MultiHotVectorizer(), skclf.BinaryDenseClassifier(**DENSE))
    padded = make_pipeline(skclf.SequencePadder(maxlen=3), skclf.BinaryDenseClassifier(**DENSE))
    scaled = make_pipeline(StandardScaler(), skclf.BinaryDenseClassifier(**watched))
    for name, estimator, rows, y in (
        ("binary", scaled, X, BINARY),
        ("multiclass", skclf.MulticlassDenseClassifier(**DENSE), X, CLASSES),
        ("multilabel", skclf.MultilabelDenseClassifier(**DENSE), X, LABELS),
        ("images", skclf.ShapeConvClassifier(filters=(2,), **DENSE), IMAGES, CLASSES),
        ("network", skclf.NetworkClassifier(residual(), **SMALL), X, CLASSES),
        ("words", words, WORDS, BINARY),
        ("padded", padded, WORDS, BINARY),
        ("opaque", skclf.NetworkClassifier(running_sums(), **SMALL), X, CLASSES),
    ):
        yield name, estimator.fit(rows, y), rows


def save(folder):
    """Save each case with joblib, pickle and skops, and its predictions."""
    import skops.io

    for name, estimator, rows in fitted():
        file = Path(folder) / name
        joblib.dump(estimator, file.with_suffix(".joblib"))
        file.with_suffix(".pickle").write_bytes(pickle.dumps(estimator))
        skops.io.dump(estimator, file.with_suffix(".skops"))
        np.save(file.with_suffix(".npy"), np.asarray(estimator.predict_proba(rows)))


if __name__ == "__main__":
    # The saved files must refer to the bodies by this module's own name, not by __main__.
    import saved_nets

    saved_nets.save(sys.argv[1])
