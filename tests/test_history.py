"""history_: its form, and its values for training and validation rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss
from validation_data import X_VAL, Y_VAL, X, Y, net, validated_net


def test_history_is_a_frame_with_a_row_per_epoch():
    validated = validated_net()
    history = validated.history_
    assert isinstance(history, pd.DataFrame)
    assert history.index.name == "epoch"
    assert history.index.tolist() == [1, 2, 3, 4]
    assert history.columns.tolist() == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert (history.dtypes == np.float64).all()
    best = history[history.val_loss == history.val_loss.min()]
    assert best.index.tolist() == [validated.best_epoch_]
    assert net(epochs=1).fit(X, Y).history_.columns.tolist() == ["loss", "accuracy"]


def test_changing_the_returned_history_has_no_effect():
    validated = validated_net()
    history = validated.history_
    changed = validated.history_
    changed.loc[1, "loss"] = 99
    changed["more"] = 1
    pd.testing.assert_frame_equal(validated.history_, history)


def test_validation_values_are_those_of_evaluate():
    validated = validated_net()
    last = validated.history_.iloc[-1]
    evaluated = validated.evaluate(X_VAL, Y_VAL)
    np.testing.assert_allclose(last["val_loss"], evaluated["loss"], rtol=1e-5)
    np.testing.assert_allclose(last["val_accuracy"], evaluated["accuracy"], rtol=1e-6)
    np.testing.assert_allclose(
        last["val_loss"], log_loss(Y_VAL, validated.predict_proba(X_VAL)), rtol=1e-5
    )


def test_validation_values_include_the_l2_penalty_and_no_dropout():
    clf = net(l2=0.1, dropout=0.5, epochs=1).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    np.testing.assert_allclose(
        clf.history_["val_loss"].iloc[-1], clf.evaluate(X_VAL, Y_VAL)["loss"], rtol=1e-5
    )


def test_without_patience_all_epochs_are_trained():
    validated = validated_net()
    assert validated.n_epochs_ == 4
    assert validated.best_epoch_ == validated.history_.val_loss.argmin() + 1
    clf = net(epochs=3).fit(X, Y)
    assert (clf.best_epoch_, clf.n_epochs_) == (3, 3)


@pytest.mark.parametrize("metrics", [["auc"], None])
def test_history_has_columns_for_each_metric(metrics):
    clf = net(metrics=metrics, epochs=1, validation_split=0.2).fit(X, Y)
    names = ["loss", *(metrics or ())]
    assert clf.history_.columns.tolist() == [*names, *(f"val_{name}" for name in names)]
