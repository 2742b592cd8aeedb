"""The ConvergenceWarning of a fit with patience that was still improving at its end."""

import warnings

import keras
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skclf import BinaryDenseClassifier

X = np.random.RandomState(0).normal(size=(200, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def fit(**parameters):
    """Fit a classifier that improves for many epochs; return it and its ConvergenceWarnings."""
    defaults = {"hidden_layer_sizes": (8,), "batch_size": 50, "random_state": 0, "epochs": 4}
    defaults |= {"validation_split": 0.25, "patience": 2, "learning_rate": 0.001}
    clf = BinaryDenseClassifier(**defaults | parameters)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        clf.fit(X, Y)
    return clf, [w for w in seen if issubclass(w.category, ConvergenceWarning)]


@pytest.mark.parametrize("parameters", [{}, {"refit_epoch": "val_loss"}], ids=["fit", "refit"])
def test_warns_if_still_improving(parameters):
    clf, [warning] = fit(**parameters)
    assert clf.best_epoch_ == 4
    assert "The best epoch by val_loss was the last one, 4:" in str(warning.message)
    assert "patience=2" in str(warning.message)


def test_warning_names_monitored_metric():
    _, [warning] = fit(monitor="val_accuracy", epochs=1)
    assert "by val_accuracy" in str(warning.message)


@pytest.mark.parametrize(
    "parameters",
    [
        {"patience": None},
        {"learning_rate": 0.3, "optimizer": "adam", "epochs": 60},  # stops early
        {
            "callbacks": [
                keras.callbacks.LearningRateScheduler(lambda epoch: 0.001 if epoch < 2 else 0.0)
            ]
        },
    ],
    ids=["no patience", "early stop", "learning rate of 0"],
)
def test_no_warning(parameters):
    _, seen = fit(**parameters)
    assert not seen


class StopTraining(keras.callbacks.Callback):
    """Stops training after the second epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


def test_no_warning_if_callback_stops_training():
    clf, seen = fit(callbacks=[StopTraining()])
    assert clf.n_epochs_ == 2
    assert not seen


def test_warm_start_counts_all_epochs():
    clf, _ = fit(warm_start=True)
    with pytest.warns(ConvergenceWarning, match="was the last one, 8"):
        clf.fit(X, Y)
