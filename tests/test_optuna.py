"""Optuna's Keras callback prunes trials with skclf as it does with Keras alone."""

import numpy as np
import optuna
import pytest
from optuna_integration import KerasPruningCallback
from sklearn.base import clone

from skclf import BinaryDenseClassifier
from skclf._samples import Samples

RNG = np.random.RandomState(0)
X = RNG.rand(120, 4)
Y = (X.mean(axis=1) > 0.5).astype(int)


@pytest.fixture
def study():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield optuna.create_study(
        sampler=optuna.samplers.RandomSampler(0), pruner=optuna.pruners.MedianPruner(3, 2)
    )
    optuna.logging.set_verbosity(before)


def counts(study):
    pruned = [trial.state.name for trial in study.trials].count("PRUNED")
    return pruned, sum(len(trial.intermediate_values) for trial in study.trials)


def test_trials_are_pruned(study):
    def run(trial):
        clf = BinaryDenseClassifier(
            optimizer="sgd",
            learning_rate=trial.suggest_float("learning_rate", 1e-5, 1, log=True),
            epochs=15,
            validation_split=0.25,
            random_state=0,
            callbacks=[KerasPruningCallback(trial, "val_loss")],
        )
        # A clone, as in a Pipeline or in cross_val_score, reports to the same trial.
        return clone(clf).fit(X, Y).history_["val_loss"].iloc[-1]

    study.optimize(run, n_trials=12)
    assert counts(study) == (5, 120)


@pytest.mark.slow
def test_same_trials_are_pruned_with_keras(study):
    # The same nets, rows and batches, trained with only Keras's own fit.
    fitted = BinaryDenseClassifier(epochs=1, validation_split=0.25, random_state=0).fit(X, Y)
    start = BinaryDenseClassifier(
        epochs=1, learning_rate=1e-30, validation_split=0.25, random_state=0
    ).fit(X, Y)
    training, validation = fitted._hold_out(Samples(X, Y))
    X_train, y_train = training.X, training.codes
    X_val, y_val = validation.X, validation.codes
    model, weights = start.model_, start.model_.get_weights()
    model.compile("sgd", "binary_crossentropy")

    def run(trial):
        # Plain SGD has no state, so the model can be reused.
        model.set_weights(weights)
        model.optimizer.learning_rate = trial.suggest_float("learning_rate", 1e-5, 1, log=True)
        history = model.fit(
            X_train,
            y_train,
            validation_data=(X_val, y_val),
            batch_size=32,
            epochs=15,
            shuffle=False,
            verbose=0,
            callbacks=[KerasPruningCallback(trial, "val_loss")],
        )
        return history.history["val_loss"][-1]

    study.optimize(run, n_trials=12)
    assert counts(study) == (5, 120)
