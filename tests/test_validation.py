"""Validation rows, the history, patience, and the refit at the best epoch."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    ShapeConvClassifier,
    _bridge,
    _rows,
    _stratify,
)

RNG = np.random.RandomState(0)
X = RNG.rand(60, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.6).astype(int)]
Y3 = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [0.2, 0.6])]
X_VAL = RNG.rand(20, 4).astype(np.float32)
Y_VAL = np.array(["ant", "bee"])[(X_VAL[:, 0] > 0.6).astype(int)]
# Where these are learnt the other way round, validation gets worse with every epoch.
WRONG = np.where(Y == "ant", "bee", "ant")


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {
        "hidden_layer_sizes": 3,
        "activation": "tanh",
        "learning_rate": 0.02,
        "epochs": 4,
        "random_state": 0,
    }
    return estimator_class(**defaults | parameters)


def multiclass(**parameters):
    return net(MulticlassDenseClassifier, **parameters)


def conv(**parameters):
    return net(ShapeConvClassifier, filters=2, **parameters)


def assert_same_net(first, second):
    for weights, others in zip(
        first.model_.get_weights(), second.model_.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weights, others)


@pytest.fixture
def splits(monkeypatch):
    """Positions of the rows that are held out in each fit from here on."""
    found = []

    def split_rows(*arguments):
        found.append(real(*arguments))
        return found[-1]

    real = _stratify.split_rows
    monkeypatch.setattr(_stratify, "split_rows", split_rows)
    return found


@pytest.fixture(scope="module")
def validated():
    return net().fit(X, Y, X_val=X_VAL, y_val=Y_VAL)


# --------------------------------------------------------------------------------------- history


def test_history_is_a_frame_by_epoch(validated):
    history = validated.history_
    assert isinstance(history, pd.DataFrame)
    assert history.index.name == "epoch"
    assert history.index.tolist() == [1, 2, 3, 4]
    assert history.columns.tolist() == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert (history.dtypes == np.float64).all()
    best = history[history.val_loss == history.val_loss.min()]
    assert best.index.tolist() == [validated.best_epoch_]
    assert net(epochs=1).fit(X, Y).history_.columns.tolist() == ["loss", "accuracy"]


def test_history_can_not_be_changed_from_outside(validated):
    history = validated.history_
    changed = validated.history_
    changed.loc[1, "loss"] = 99
    changed["more"] = 1
    pd.testing.assert_frame_equal(validated.history_, history)


def test_validation_values_are_those_of_evaluate(validated):
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


def test_epochs_without_patience(validated):
    assert validated.n_epochs_ == 4
    assert validated.best_epoch_ == validated.history_.val_loss.argmin() + 1
    clf = net(epochs=3).fit(X, Y)
    assert (clf.best_epoch_, clf.n_epochs_) == (3, 3)


@pytest.mark.parametrize("metrics", [["auc"], None])
def test_history_of_other_metrics(metrics):
    clf = net(metrics=metrics, epochs=1, validation_split=0.2).fit(X, Y)
    names = ["loss", *(metrics or ())]
    assert clf.history_.columns.tolist() == [*names, *(f"val_{name}" for name in names)]


# -------------------------------------------------------------------------- X_val, y_val, weights


def test_validation_changes_nothing_in_training(validated):
    assert_same_net(validated, net().fit(X, Y))
    np.testing.assert_array_equal(
        validated.history_[["loss", "accuracy"]], net().fit(X, Y).history_
    )


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        (X_VAL.tolist(), Y_VAL.tolist()),
        (X_VAL.astype(float), Y_VAL.astype(object)),
        (pd.DataFrame(X_VAL), pd.Series(Y_VAL, dtype="category")),
        (sparse.csr_array(X_VAL), pd.Series(Y_VAL)),
    ],
)
def test_validation_rows_of_any_type(validated, rows, labels):
    clf = net().fit(X, Y, X_val=rows, y_val=labels)
    np.testing.assert_array_equal(clf.history_, validated.history_)


@pytest.mark.parametrize("as_training_rows", [np.array, sparse.csr_array])
@pytest.mark.parametrize("as_validation_rows", [np.array, sparse.csc_matrix])
def test_sparse_and_dense_rows_together(validated, as_training_rows, as_validation_rows):
    clf = net(refit_epoch="val_loss")
    clf.fit(as_training_rows(X), Y, X_val=as_validation_rows(X_VAL), y_val=Y_VAL)
    np.testing.assert_allclose(clf.history_, validated.history_, rtol=1e-4)


def test_validation_rows_of_one_class(validated):
    bees = Y_VAL == "bee"
    clf = net().fit(X, Y, X_val=X_VAL[bees], y_val=Y_VAL[bees])
    loss = -np.log(clf.predict_proba(X_VAL[bees])[:, 1]).mean()
    np.testing.assert_allclose(clf.history_["val_loss"].iloc[-1], loss, rtol=1e-5)


def test_validation_images_in_either_form():
    images, images_val = X.reshape(-1, 2, 2), X_VAL.reshape(-1, 2, 2)
    clf = conv().fit(images, Y, X_val=images_val, y_val=Y_VAL)
    flat = conv().fit(images, Y, X_val=X_VAL, y_val=Y_VAL)
    np.testing.assert_array_equal(clf.history_, flat.history_)
    evaluated = clf.evaluate(images_val, Y_VAL)
    np.testing.assert_allclose(clf.history_["val_loss"].iloc[-1], evaluated["loss"], rtol=1e-5)


# ------------------------------------------------------------- validation_data, also in a search


@pytest.mark.parametrize("form", [tuple, list])
def test_validation_data_is_the_three_arguments_in_one(validated, form):
    weights = np.random.RandomState(1).randint(1, 4, 20)
    clf = net().fit(X, Y, validation_data=form([X_VAL, Y_VAL]))
    np.testing.assert_array_equal(clf.history_, validated.history_)
    clf.fit(X, Y, validation_data=form([X_VAL, Y_VAL, weights]))
    one_by_one = net().fit(X, Y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=weights)
    np.testing.assert_array_equal(clf.history_, one_by_one.history_)


@pytest.mark.parametrize("bad", [X_VAL, (X_VAL,), (X_VAL, Y_VAL, None, None), "rows", 3])
def test_validation_data_of_another_form(bad):
    with pytest.raises(ValueError, match=r"Got validation_data of type .*expected a tuple \(X_val"):
        net().fit(X, Y, validation_data=bad)


def test_validation_data_and_its_parts_are_too_much():
    with pytest.raises(ValueError, match="Pass validation_data alone"):
        net().fit(X, Y, X_val=X_VAL, validation_data=(X_VAL, Y_VAL))
    with pytest.raises(ValueError, match=r"Set validation_split=0\.0 to validate on"):
        net(validation_split=0.2).fit(X, Y, validation_data=(X_VAL, Y_VAL))


@pytest.fixture
def rows_seen(monkeypatch):
    """The validation rows of each training run from here on."""
    seen, real = [], _bridge.train

    def train(layers, target, samples, validation=None, **options):
        seen.append(validation)
        return real(layers, target, samples, validation, **options)

    monkeypatch.setattr(_bridge, "train", train)
    return seen


# As many rows as are trained on, which scikit-learn takes for a column of them.
AS_LONG, AS_LONG_LABELS = X[::-1].copy(), Y[::-1].copy()


def searches():
    grid = {"epochs": [1]}
    pipeline = make_pipeline(StandardScaler(), net(epochs=1))
    name = "binarydenseclassifier__validation_data"
    with config_context(enable_metadata_routing=True):
        routed = net(epochs=1).set_fit_request(validation_data=True)
    yield lambda data: GridSearchCV(net(), grid, cv=4).fit(X, Y, validation_data=data)
    yield lambda data: GridSearchCV(pipeline, {"binarydenseclassifier__epochs": [1]}, cv=4).fit(
        X, Y, **{name: data}
    )
    yield lambda data: cross_val_score(net(epochs=1), X, Y, cv=4, params={"validation_data": data})
    search = GridSearchCV(routed, grid, cv=4)
    yield lambda data: with_routing(search.fit, X, Y, validation_data=data)


def with_routing(method, *arguments, **options):
    with config_context(enable_metadata_routing=True):
        return method(*arguments, **options)


@pytest.mark.parametrize("search", list(searches()), ids=["grid", "pipeline", "scores", "routing"])
def test_a_search_leaves_validation_data_whole(search, rows_seen):
    search((AS_LONG, AS_LONG_LABELS))
    assert len(rows_seen) >= 4
    for validation in rows_seen:
        assert len(validation) == len(validation.codes) == len(AS_LONG)


@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array, pd.DataFrame])
def test_validation_rows_far_outside_are_warned_of(as_rows):
    raw = as_rows(1000 * X + 5000)
    scaler = StandardScaler(with_mean=False)
    pipeline = make_pipeline(scaler, net(epochs=1))
    arguments = {"binarydenseclassifier__X_val": raw, "binarydenseclassifier__y_val": Y}
    message = "(?s)validation rows lie far outside .* in feature .*transform_input"
    with pytest.warns(UserWarning, match=message):
        pipeline.fit(raw, Y, **arguments)
    with warnings.catch_warnings(), config_context(enable_metadata_routing=True):
        warnings.simplefilter("error", UserWarning)
        routed = net(epochs=1).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(clone(scaler), routed, transform_input=["X_val"])
        pipeline.fit(raw, Y, X_val=raw, y_val=Y)


def test_the_warning_names_the_feature():
    frame, far = pd.DataFrame(X, columns=list("abcd")), pd.DataFrame(X_VAL, columns=list("abcd"))
    far["c"] += 9
    with pytest.warns(UserWarning, match="in feature 'c', as if"):
        net(epochs=1).fit(frame, Y, validation_data=(far, Y_VAL))


@pytest.mark.parametrize(
    ("column", "far"),
    [
        ([0.0, 1.0, 1.9, -0.9], None),  # within the width of the range
        ([5.0, 0.5, 0.5, 0.5], None),  # one outlier
        ([5.0, 5.0, 5.0, 0.5], 1),
        ([-5.0, -5.0, -5.0, 0.5], 1),
    ],
)
@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array])
def test_how_far_is_far(column, far, as_rows):
    train = np.column_stack([np.zeros(3), [0.0, 0.5, 1.0]])
    rows = np.column_stack([np.zeros(len(column)), column])
    assert _rows.feature_far_outside(as_rows(rows), as_rows(train)) == far


def test_a_constant_feature_may_vary_a_little():
    train, rows = np.zeros((5, 1)), np.ones((5, 1))
    assert _rows.feature_far_outside(rows, train) is None
    assert _rows.feature_far_outside(3 * rows, train) == 0


# ------------------------------------------------------------------------------ validation_split


def test_rows_held_out_are_stratified(splits):
    y = np.array(["ant"] * 45 + ["bee"] * 15)
    net(validation_split=0.2, epochs=1).fit(X, y)
    train, validation = splits[0]
    assert sorted([*train, *validation]) == list(range(60))
    assert (y[validation] == "ant").sum() == 9
    assert (y[validation] == "bee").sum() == 3


@pytest.mark.parametrize("make", [net, multiclass, conv])
@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
def test_holding_out_is_passing_validation_rows(splits, make, as_rows):
    if make is conv:
        as_rows = np.array
    y, weights = Y3 if make is multiclass else Y, np.random.RandomState(1).randint(1, 4, 60)
    clf = make(validation_split=0.3, dropout=0.2).fit(as_rows(X), y, weights)
    train, validation = splits[0]
    by_hand = make(dropout=0.2).fit(
        as_rows(X[train]),
        y[train],
        weights[train],
        X[validation],
        y[validation],
        weights[validation],
    )
    assert_same_net(clf, by_hand)
    np.testing.assert_array_equal(clf.history_, by_hand.history_)


def test_random_state_draws_the_rows_held_out(splits):
    for seed in (0, 0, 1):
        net(validation_split=0.3, epochs=1, random_state=seed).fit(X, Y)
    held_out = [validation.tolist() for _, validation in splits]
    assert held_out[0] == held_out[1] != held_out[2]


def test_groups_are_held_out_whole(splits):
    groups = np.array(list("abcdefghijkl"))[np.arange(60) % 12]
    net(validation_split=0.25, epochs=1).fit(X, Y, groups=groups)
    train, validation = splits[0]
    assert not set(groups[train]) & set(groups[validation])
    assert len(set(groups[validation])) == 3


def test_groups_may_be_tuples(splits):
    sites, patients = np.arange(60) % 2, np.arange(60) % 12 // 2
    groups = list(zip(sites.tolist(), patients.tolist(), strict=True))
    net(validation_split=0.25, epochs=1).fit(X, Y, groups=groups)
    train, validation = splits[0]
    assert not {groups[row] for row in train} & {groups[row] for row in validation}
    assert len({groups[row] for row in validation}) == 3


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.zeros((60, 2)), r"groups of shape \(60, 2\); expected a 1-D array-like"),
        (["a"] * 59 + [None], r"groups with a missing id in row 59 \(None\)"),
        ([np.nan, *range(59)], r"groups with a missing id in row 0 \(nan\)"),
        ([("a", 1)] * 60, "with 1 group; expected at least 2 groups"),
        (["a"] * 59, r"inconsistent numbers of samples: \[60, 59\]"),
    ],
)
def test_groups_that_can_not_be_kept_together(groups, message):
    with pytest.raises(ValueError, match=message):
        net(validation_split=0.25, epochs=1).fit(X, Y, groups=groups)


def test_groups_of_weightless_rows_are_left_out_too(splits):
    groups, weights = np.arange(60) // 5, np.ones(60)
    weights[::2] = 0
    net(validation_split=0.25, epochs=1).fit(X, Y, weights, groups=groups)
    train, validation = splits[0]
    kept = groups[1::2]
    assert len(train) + len(validation) == 30
    assert not set(kept[train]) & set(kept[validation])


def test_a_class_of_one_row_is_trained_on(splits):
    y = Y3.copy()
    y[y == "cat"] = "bee"
    y[7] = "cat"
    clf = multiclass(validation_split=0.3, epochs=1).fit(X, y)
    assert 7 in splits[0][0]
    assert clf.classes_.tolist() == ["ant", "bee", "cat"]


# -------------------------------------------------------------------------------------- patience


@pytest.mark.parametrize("patience", [1, 3])
def test_patience_stops_and_keeps_the_best_epochs_weights(patience):
    clf = net(epochs=20, patience=patience).fit(X, Y, X_val=X, y_val=WRONG)
    assert (clf.best_epoch_, clf.n_epochs_) == (1, 1)
    assert len(clf.history_) == 1 + patience
    assert clf.history_.val_loss.is_monotonic_increasing
    assert_same_net(clf, net(epochs=1).fit(X, Y))


def test_patience_counts_from_the_best_epoch(splits):
    # So many steps that validation improves, and then no longer does.
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
        train, _ = splits[0]
        by_hand = net(**fast | {"validation_split": 0.0, "epochs": clf.best_epoch_})
        assert_same_net(clf, by_hand.fit(X[train], Y[train]))


def test_patience_that_never_runs_out():
    clf = net(patience=4).fit(X, Y, X_val=X, y_val=Y)
    assert len(clf.history_) == 4
    assert clf.n_epochs_ == clf.best_epoch_ == clf.history_.val_loss.idxmin()
    clf = net(patience=4).fit(X, Y, X_val=X, y_val=WRONG)
    assert len(clf.history_) == 4
    assert_same_net(clf, net(epochs=1).fit(X, Y))


def test_patience_with_the_value_that_is_refitted_by():
    # The accuracy on these rows stays where it is, while the loss goes on falling.
    sides = Y == "ant"
    clf = net(epochs=10, patience=2, refit_epoch="val_accuracy", learning_rate=1e-4)
    clf.fit(X, Y, X_val=X[sides], y_val=Y[sides])
    assert clf.history_.val_loss.is_monotonic_decreasing or (
        clf.history_.val_loss.is_monotonic_increasing
    )
    assert clf.history_.val_accuracy.nunique() == 1
    assert len(clf.history_) == 3
    assert clf.best_epoch_ == 1


# --------------------------------------------------------------------------------------- monitor


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
def test_monitor_says_what_patience_watches(monitor, lower):
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
def test_monitor_of_a_metric_that_there_is_not(patience):
    clf = net(monitor="val_auc", patience=patience, validation_split=0.3)
    with pytest.raises(ValueError, match=r"Got monitor='val_auc'; .* 'val_loss', 'val_accuracy'"):
        clf.fit(X, Y)
    assert not hasattr(clf, "classes_")


def test_monitor_of_a_training_value():
    with pytest.raises(ValueError, match="Got monitor='loss'; expected the name of a validation"):
        net(monitor="loss", patience=1, validation_split=0.3).fit(X, Y)


# ------------------------------------------------------------------------------------------ refit


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize("patience", [None, 3])
def test_refit_is_the_ritual_by_hand(monitor, patience):
    fast = {"learning_rate": 0.1, "dropout": 0.2, "batch_size": 16, "class_weight": "balanced"}
    weights = np.random.RandomState(1).randint(1, 4, 60)
    clf = net(epochs=8, validation_split=0.3, refit_epoch=monitor, patience=patience, **fast).fit(
        X, Y, weights
    )

    looking = net(epochs=8, validation_split=0.3, **fast).fit(X, Y, weights).history_
    if patience is not None:
        looking = looking[: len(clf.history_)]
    best = looking[monitor].idxmin() if monitor == "val_loss" else looking[monitor].idxmax()
    final = net(epochs=best, **fast).fit(X, Y, weights)

    pd.testing.assert_frame_equal(clf.history_, looking)
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


def test_refit_of_the_first_of_equally_good_epochs():
    clf = net(refit_epoch="val_accuracy", learning_rate=1e-30, validation_split=0.3).fit(X, Y)
    assert clf.history_.val_accuracy.nunique() == 1
    assert clf.best_epoch_ == 1


def test_refit_of_a_random_state_instance():
    clf = net(refit_epoch="val_loss", validation_split=0.3)
    expected = clone(clf).fit(X, Y)
    assert_same_net(clf.set_params(random_state=np.random.RandomState(0)).fit(X, Y), expected)
