"""scikit-learn's callbacks, ProgressBar, ScoringMonitor and a custom one, with epochs as tasks."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier, _tasks

callback = pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")

RNG = np.random.RandomState(0)
X = RNG.rand(60, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.6).astype(int)]
Y3 = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [0.2, 0.6])]
WEIGHTS = RNG.randint(1, 4, 60)


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {"hidden_layer_sizes": 3, "learning_rate": 0.05, "epochs": 3, "random_state": 0}
    return estimator_class(**defaults | parameters)


class Recorder:
    """Records its calls, and stops training after `stop_after` epochs."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.calls, self.stages, self.data = [], [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"{context.task_name} {context.task_id} begins")

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.calls.append(f"{context.task_name} {context.task_id} ends")
        self.data.append((X, y, metadata))
        if context.task_name == "epoch":
            self.stages.append(fitted_estimator)
            return context.task_id + 1 == self.stop_after
        return False


def test_fit_and_epochs_are_tasks():
    recorder = Recorder()
    net().set_callbacks(recorder).fit(X, Y)
    assert recorder.calls == [
        "setup",
        "fit 0 begins",
        *(f"epoch {i} {what}" for i in range(3) for what in ("begins", "ends")),
        "fit 0 ends",
        "teardown",
    ]


def test_refit_is_a_separate_task():
    recorder = Recorder()
    clf = net(validation_split=0.3, refit_epoch="val_loss", learning_rate=0.3)
    clf.set_callbacks(recorder).fit(X, Y)
    epochs = [f"epoch {i} {what}" for i in range(3) for what in ("begins", "ends")]
    assert recorder.calls == [
        "setup",
        "fit 0 begins",
        "find-best-epoch 0 begins",
        *epochs,
        "find-best-epoch 0 ends",
        "refit 1 begins",
        *epochs[: 2 * clf.best_epoch_],
        "refit 1 ends",
        "fit 0 ends",
        "teardown",
    ]
    (X_first, y_first, _), (X_last, y_last, _) = recorder.data[0], recorder.data[-1]
    assert len(X_first) == len(y_first) == 42
    assert X_last is X
    assert y_last is Y


@pytest.mark.parametrize(
    ("estimator_class", "y", "options"),
    [
        (BinaryDenseClassifier, Y, {"dropout": 0.3}),
        (MulticlassDenseClassifier, Y3, {}),
        (ShapeConvClassifier, Y, {"filters": 2}),
    ],
)
def test_callback_gets_estimator_of_each_epoch(estimator_class, y, options):
    recorder = Recorder()
    net(estimator_class, **options).set_callbacks(recorder).fit(X, y)
    for epochs, stage in enumerate(recorder.stages, 1):
        shorter = net(estimator_class, epochs=epochs, **options).fit(X, y)
        np.testing.assert_array_equal(stage.predict_proba(X), shorter.predict_proba(X))
        pd.testing.assert_frame_equal(stage.history_, shorter.history_)
        assert stage.n_epochs_ == epochs


@pytest.mark.parametrize(
    "first_fit", [{}, {"validation_split": 0.3}], ids=["no validation", "validation"]
)
def test_history_includes_earlier_epochs_in_warm_start(first_fit):
    clf = net(warm_start=True, **first_fit).fit(X, Y)
    recorder = Recorder()
    clf.set_params(validation_split=0.0).set_callbacks(recorder).fit(X, Y)
    for number, stage in enumerate(recorder.stages, 4):
        assert stage.n_epochs_ == number
        assert stage.history_.index.tolist() == list(range(1, number + 1))
        np.testing.assert_array_equal(stage.history_, clf.history_[:number])


def test_callback_gets_data_of_user():
    frame = pd.DataFrame(X, columns=list("abcd"))
    recorder = Recorder()
    net(epochs=1, validation_split=0.25).set_callbacks(recorder).fit(frame, Y, WEIGHTS)
    rows, labels, metadata = recorder.data[0]
    assert list(rows.columns) == list("abcd")
    numbers = rows.index.to_numpy()
    assert len(numbers) == 45
    np.testing.assert_array_equal(labels, Y[numbers])
    np.testing.assert_array_equal(metadata["sample_weight"], WEIGHTS[numbers])


def test_callbacks_do_not_change_fit():
    recorded = net(dropout=0.3).set_callbacks(Recorder()).fit(X, Y)
    plain = net(dropout=0.3).fit(X, Y)
    np.testing.assert_array_equal(recorded.predict_proba(X), plain.predict_proba(X))
    pd.testing.assert_frame_equal(recorded.history_, plain.history_)
    added = {name for name in vars(recorded) if name not in vars(plain)}
    assert added == {"_skl_callbacks"}


def test_callback_stops_training():
    stopped = net(epochs=9).set_callbacks(Recorder(stop_after=2)).fit(X, Y)
    assert stopped.n_epochs_ == len(stopped.history_) == 2
    shorter = net(epochs=2).fit(X, Y)
    np.testing.assert_array_equal(stopped.predict_proba(X), shorter.predict_proba(X))


def test_refit_follows_if_callback_stops_training():
    recorder = Recorder(stop_after=2)
    clf = net(epochs=9, validation_split=0.3, refit_epoch="val_loss", learning_rate=0.3)
    clf.set_callbacks(recorder).fit(X, Y)
    assert len(clf.history_) == 2
    assert clf.n_epochs_ == clf.best_epoch_ <= 2


def test_scoring_monitor_scores_every_epoch():
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf = net(keep_epochs=True).set_callbacks(monitor).fit(X, Y)
    log = monitor.get_logs().data_as_pandas
    scores = log[log.task_name == "epoch"].accuracy
    by_hand = [
        accuracy_score(Y, clf.classes_[stage.argmax(axis=1)])
        for stage in clf.staged_predict_proba(X)
    ]
    np.testing.assert_array_equal(scores, by_hand)
    assert log[log.task_name == "fit"].accuracy.item() == clf.score(X, Y)


def test_scoring_monitor_in_search_over_pipeline():
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    pipeline = make_pipeline(StandardScaler(), net().set_callbacks(monitor))
    search = GridSearchCV(pipeline, {"binarydenseclassifier__l2": [0.0, 0.1]}, cv=2).fit(X, Y)
    log = monitor.get_logs().data_as_pandas
    epochs = log[log.task_name == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 3
    refit = epochs[[path[1] == 1 for path in epochs.task_id_path]]
    assert len(refit) == 3
    loss = search.best_estimator_[-1].history_.loss
    assert (refit.neg_log_loss.to_numpy() > -loss).all()  # the losses are computed before each step


@pytest.mark.parametrize("in_search", [False, True])
def test_progress_bar(in_search, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    bar = callback.ProgressBar()
    clf = net(validation_split=0.3, refit_epoch="val_loss")
    if in_search:
        GridSearchCV(clf, {"l2": [0.0, 0.1]}, cv=2).set_callbacks(bar).fit(X, Y)
    else:
        clf.set_callbacks(bar).fit(X, Y)
    shown = capsys.readouterr().out
    assert "100%" in shown
    assert "BinaryDenseClassifier - refit #1" in shown


def test_callbacks_are_torn_down_if_fit_fails():
    recorder = Recorder()
    clf = net().fit(X, Y)
    kept = clf.predict_proba(X)
    clf.set_callbacks(recorder).set_params(metrics=["no metric"])
    with pytest.raises(ValueError, match="no metric"):
        clf.fit(X, Y)
    assert recorder.calls[-1] == "teardown"
    np.testing.assert_array_equal(clf.predict_proba(X), kept)
    assert not hasattr(clf, "_callback_fit_ctx")


def test_error_in_callback_keeps_earlier_fit():
    class Failing(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("no more")

    clf = net().fit(X, Y)
    kept = clf.predict_proba(X)
    with pytest.raises(RuntimeError, match="no more"):
        clf.set_callbacks(Failing()).fit(X, 1 - (Y == "ant"))
    np.testing.assert_array_equal(clf.predict_proba(X), kept)
    assert clf.classes_.tolist() == ["ant", "bee"]


def test_clones_keep_callbacks():
    recorder = Recorder()
    clone(net().set_callbacks(recorder)).fit(X, Y)
    assert "epoch 2 ends" in recorder.calls


def test_partial_fit_does_not_call_callbacks():
    recorder = Recorder()
    net().set_callbacks(recorder).partial_fit(X, Y, classes=["ant", "bee"])
    assert recorder.calls == []


def test_fit_task_without_callbacks(monkeypatch):
    """Older versions of scikit-learn have neither contexts nor callbacks."""
    task = _tasks.FitTask(net(), None, X, Y, None)
    with task as same:
        assert same is task
        assert not task.has_callbacks
        assert task.part("epoch") is task
        assert task.end() is False
