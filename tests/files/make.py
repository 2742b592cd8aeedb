"""Make the files of one version, from which later versions must load exactly the same estimators.

Run it once for each version that changes the saved format, with the code of that version and with
the oldest versions of all dependencies, since NumPy 1.26 can't load pickles of NumPy 2::

    git worktree add ../old <commit of that version>
    python -m venv ../oldest
    ../oldest/bin/pip install --constraint <(python .ci/oldest_versions.py) '.[skops]'
    ../oldest/bin/pip uninstall skclf
    PYTHONPATH=../old ../oldest/bin/python tests/files/make.py

It writes ``tests/files/<version>/``: each estimator as a pickle, joblib and skops file, and its
training data and predictions as an .npz file. An existing folder is never overwritten, since no
later version can make the same files.
"""

import pickle
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import skops.io
from scipy import sparse

import skclf

RNG = np.random.RandomState(0)
# Products and sums of a few eighths and sixteenths are exact in float32, in whatever order a BLAS
# adds them, so the predictions are bitwise equal on every machine.
X = (RNG.randint(9, size=(30, 4)) / 8).astype(np.float32)
STRINGS = np.where(X[:, 0] > 0.5, "bee", "ant")
INTS = np.arange(30) % 3 - 1
BOOLEANS = X[:, 0] > 0.5
SMALL = {"hidden_layer_sizes": 3, "epochs": 2, "batch_size": 10, "random_state": 0}


def rounded(clf):
    """Round the weights of a classifier to sixteenths."""
    for weights in [clf._weights, *clf._epoch_weights.values()]:
        for number, array in enumerate(weights):
            weights[number] = np.round(array * 16).astype(np.float32) / np.float32(16)
    return clf


def binary():
    """A classifier of strings, trained on a DataFrame."""
    rows = pd.DataFrame(X, columns=["a", "b", "c", "é"])
    return rounded(skclf.BinaryDenseClassifier(**SMALL).fit(rows, STRINGS)), STRINGS


def warm():
    """A classifier that can be trained further, with validation data and weights of all epochs."""
    clf = skclf.BinaryDenseClassifier(
        warm_start=True, keep_epochs=True, validation_split=0.2, dropout=0.25, l2=0.5, **SMALL
    )
    clf.fit(X, STRINGS)
    return rounded(clf.partial_fit(X, STRINGS)), STRINGS


def multiclass():
    """A classifier of integers, trained on sparse rows."""
    clf = skclf.MulticlassDenseClassifier(optimizer="adam", **SMALL)
    return rounded(clf.fit(sparse.csr_matrix(X), INTS)), INTS


def conv():
    """A convolutional classifier of booleans."""
    clf = skclf.ShapeConvClassifier(filters=2, **SMALL)
    return rounded(clf.fit(X.reshape(30, 2, 2), BOOLEANS)), BOOLEANS


def predictions(clf):
    """Predictions, training data and history of a classifier, by name."""
    rows = X.reshape(30, 2, 2) if hasattr(clf, "image_shape_") else X
    if hasattr(clf, "feature_names_in_"):
        rows = pd.DataFrame(rows, columns=clf.feature_names_in_)
    found = {name: getattr(clf, name)(rows) for name in ("decision_function", "predict_proba")}
    stages = list(clf.staged_predict_proba(rows)) if clf._epoch_weights else []
    history = {f"history {name}": column for name, column in clf.history_.items()}
    return found | {"X": X, "stages": stages} | history


def save(folder, name, estimator, arrays):
    """Save an estimator in three formats, and arrays in an .npz file."""
    (folder / f"{name}.pickle").write_bytes(pickle.dumps(estimator, protocol=4))
    joblib.dump(estimator, folder / f"{name}.joblib")
    skops.io.dump(estimator, folder / f"{name}.skops", compression=zipfile.ZIP_DEFLATED)
    np.savez_compressed(folder / f"{name}.npz", **arrays)


if __name__ == "__main__":
    folder = Path(__file__).parent / skclf.__version__
    folder.mkdir()
    for make in (binary, warm, multiclass, conv):
        clf, y = make()
        save(folder, make.__name__, clf, predictions(clf) | {"y": y})
    vectorizer = skclf.MultiHotVectorizer(vocabulary={"ant": 1, "bee": 2, "é": 5})
    ids = np.array([[0, 1, 2], [5, 5, 9]])
    transformed = vectorizer.fit_transform(ids).toarray()
    save(folder, "vectorizer", vectorizer, {"X": ids, "transform": transformed})
