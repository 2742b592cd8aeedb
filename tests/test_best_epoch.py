"""The best epoch: patience, monitor, and the refit with its number of epochs."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from validation_data import WRONG, X_VAL, Y_VAL, X, Y, assert_same_net, conv, net

# ----------------------------------------------------------------------------------------- patience


@pytest.mark.parametrize("patience", [1, 3])
def test_patience_stops_and_keeps_the_best_epochs_weights(patience):
    clf = net(epochs=20, patience=patience).fit(X, Y, X_val=X, y_val=WRONG)
    assert (clf.best_epoch_, clf.n_epochs_) == (1, 1)
    assert len(clf.history_) == 1 + patience
    assert clf.history_.val_loss.is_monotonic_increasing
    assert_same_net(clf, net(epochs=1).fit(X, Y))


def test_patience_counts_from_the_best_epoch(held_out_splits):
    # Enough steps for validation to improve and then get worse.
    fast = {"learning_rate": 0.3, "epochs": 12, "validation_split": 0.3, "dropout": 0.2}
    watched = net(**fast).fit(X, Y).history_.val_loss
    for patience in (1, 2, 4):
        clf = net(patience=patience, **fast).fit(X, Y)
        best, since = np.inf, 0
        for epoch, value in watched.items():  # noqa: B007
            best, since = (value, 0) if value < best else (best, since + 1)
            if since == patience:
                break
        np.testing.assert_array_equal(clf.history_.val_loss, watched[:epoch])
        assert clf.best_epoch_ == clf.n_epochs_ == watched[:epoch].idxmin()
        train, _ = held_out_splits[0]
        by_hand = net(**fast | {"validation_split": 0.0, "epochs": clf.best_epoch_})
        assert_same_net(clf, by_hand.fit(X[train], Y[train]))


def test_patience_that_never_runs_out_keeps_the_best_epochs_weights():
    clf = net(patience=4).fit(X, Y, X_val=X, y_val=Y)
    assert len(clf.history_) == 4
    assert clf.n_epochs_ == clf.best_epoch_ == clf.history_.val_loss.idxmin()
    clf = net(patience=4).fit(X, Y, X_val=X, y_val=WRONG)
    assert len(clf.history_) == 4
    assert_same_net(clf, net(epochs=1).fit(X, Y))


def test_patience_watches_the_value_of_refit_epoch():
    # The accuracy on these rows stays the same, while the loss changes steadily.
    sides = Y == "ant"
    clf = net(epochs=10, patience=2, refit_epoch="val_accuracy", learning_rate=1e-4)
    clf.fit(X, Y, X_val=X[sides], y_val=Y[sides])
    assert clf.history_.val_loss.is_monotonic_decreasing or (
        clf.history_.val_loss.is_monotonic_increasing
    )
    assert clf.history_.val_accuracy.nunique() == 1
    assert len(clf.history_) == 3
    assert clf.best_epoch_ == 1


# ------------------------------------------------------------------------------------------ monitor


@pytest.mark.parametrize(
    ("monitor", "lower"),
    [
        ("val_loss", True),
        ("val_accuracy", False),
        ("val_auc", False),
        ("val_mean_squared_error", True),
        ("val_binary_crossentropy", True),
    ],
)
def test_patience_watches_the_value_of_monitor(monitor, lower):
    metrics = ["accuracy", "auc", "mean_squared_error", "binary_crossentropy"]
    fast = {"learning_rate": 0.3, "epochs": 12, "metrics": metrics}
    watched = net(**fast).fit(X, Y, X_val=X_VAL, y_val=Y_VAL).history_
    clf = net(monitor=monitor, patience=2, **fast).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    values = watched[monitor] if lower else -watched[monitor]
    best, since = np.inf, 0
    for epoch, value in values.items():  # noqa: B007
        best, since = (value, 0) if value < best else (best, since + 1)
        if since == 2:
            break
    pd.testing.assert_frame_equal(clf.history_, watched[:epoch])
    assert clf.best_epoch_ == clf.n_epochs_ == values[:epoch].idxmin()
    assert_same_net(clf, net(**fast | {"epochs": clf.n_epochs_}).fit(X, Y))


def test_monitor_without_patience_chooses_the_best_epoch():
    fitted = {
        monitor: net(monitor=monitor, learning_rate=0.3).fit(X, Y, X_val=X, y_val=WRONG)
        for monitor in ("val_loss", "val_accuracy")
    }
    history = fitted["val_loss"].history_
    assert fitted["val_loss"].best_epoch_ == history.val_loss.idxmin()
    assert fitted["val_accuracy"].best_epoch_ == history.val_accuracy.idxmax()
    assert {clf.n_epochs_ for clf in fitted.values()} == {4}


def test_monitor_and_refit_epoch_may_differ():
    fast = {"learning_rate": 0.3, "epochs": 12, "validation_split": 0.3}
    clf = net(monitor="val_accuracy", patience=2, refit_epoch="val_loss", **fast).fit(X, Y)
    alone = net(monitor="val_accuracy", patience=2, **fast).fit(X, Y)
    pd.testing.assert_frame_equal(clf.history_, alone.history_)
    assert clf.best_epoch_ == clf.n_epochs_ == alone.history_.val_loss.idxmin()


@pytest.mark.parametrize("patience", [1, None])
def test_monitor_of_an_unknown_metric_is_an_error(patience):
    clf = net(monitor="val_auc", patience=patience, validation_split=0.3)
    with pytest.raises(ValueError, match=r"Got monitor='val_auc'; .* 'val_loss', 'val_accuracy'"):
        clf.fit(X, Y)
    assert not hasattr(clf, "classes_")


def test_monitor_of_a_training_value_is_an_error():
    with pytest.raises(ValueError, match="Got monitor='loss'; expected the name of a validation"):
        net(monitor="loss", patience=1, validation_split=0.3).fit(X, Y)


# -------------------------------------------------------------------------------------------- refit


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize("patience", [None, 3])
def test_refit_equals_a_search_for_the_best_epoch_and_a_second_fit(monitor, patience):
    fast = {"learning_rate": 0.1, "dropout": 0.2, "batch_size": 16, "class_weight": "balanced"}
    weights = np.random.RandomState(1).randint(1, 4, 60)
    clf = net(epochs=8, validation_split=0.3, refit_epoch=monitor, patience=patience, **fast).fit(
        X, Y, weights
    )

    watched = net(epochs=8, validation_split=0.3, **fast).fit(X, Y, weights).history_
    if patience is not None:
        watched = watched[: len(clf.history_)]
    best = watched[monitor].idxmin() if monitor == "val_loss" else watched[monitor].idxmax()
    final = net(epochs=best, **fast).fit(X, Y, weights)

    pd.testing.assert_frame_equal(clf.history_, watched)
    assert clf.best_epoch_ == clf.n_epochs_ == best
    assert_same_net(clf, final)
    np.testing.assert_array_equal(clf.predict_proba(X), final.predict_proba(X))


@pytest.mark.parametrize("make", [net, conv])
@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
def test_refit_trains_on_the_validation_rows_too(make, as_rows):
    if make is conv:
        as_rows = np.array
    weights_val = np.random.RandomState(1).randint(1, 4, 20)
    clf = make(refit_epoch="val_loss", learning_rate=0.1).fit(
        as_rows(X), Y, None, as_rows(X_VAL), Y_VAL, weights_val
    )
    final = make(epochs=clf.best_epoch_, learning_rate=0.1).fit(
        as_rows(np.vstack([X, X_VAL])),
        np.concatenate([Y, Y_VAL]),
        np.concatenate([np.ones(60), weights_val]),
    )
    assert_same_net(clf, final)
    assert len(clf.history_) == 4


def test_refit_takes_the_first_of_equally_good_epochs():
    clf = net(refit_epoch="val_accuracy", learning_rate=1e-30, validation_split=0.3).fit(X, Y)
    assert clf.history_.val_accuracy.nunique() == 1
    assert clf.best_epoch_ == 1


def test_refit_starts_from_the_same_random_state():
    clf = net(refit_epoch="val_loss", validation_split=0.3)
    expected = clone(clf).fit(X, Y)
    assert_same_net(clf.set_params(random_state=np.random.RandomState(0)).fit(X, Y), expected)
