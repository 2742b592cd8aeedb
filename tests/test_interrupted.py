"""Ctrl-C at any moment of a fit: the estimator keeps its earlier fit.

Later fits give the same bits as if there had been no interruption, in this thread and in others.
"""

import _thread
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from interrupted_fits import (
    CASES,
    CSR,
    X,
    Y,
    assert_nothing_is_left,
    attributes,
    keras_and_tensorflow,
    net,
    result,
    train,
    trained_case,
)
from sklearn.model_selection import GridSearchCV

from skclf import engine

pytestmark = pytest.mark.usefixtures("ctrl_c")


def is_interrupted(work, seconds):
    """Return whether Ctrl-C after this many seconds interrupts the work."""
    timer = threading.Timer(seconds, _thread.interrupt_main)
    try:
        timer.start()
        work()
        timer.cancel()
        timer.join()
    except KeyboardInterrupt:
        return True
    return False


def interrupt(trained, graph, share):
    """Press Ctrl-C after this share of the time of a fit; check the estimator and later fits."""
    estimator, state = trained.copy(), keras_and_tensorflow()
    kept = attributes(estimator)
    if graph == "new":
        engine.clear_cache()
    if is_interrupted(lambda: train(estimator, trained.case), share * trained.seconds[graph]):
        assert_nothing_is_left(estimator, kept, trained, state)
        trained.assert_next_fit_is_right(estimator)
    else:
        assert result(estimator, trained.case) == trained.expected
    trained.assert_next_fit_is_right(trained.copy())


@pytest.mark.parametrize("graph", ["new", "cached"])
@pytest.mark.parametrize("case", CASES)
def test_ctrl_c_keeps_the_earlier_fit(case, graph):
    share = (1 + list(CASES).index(case)) / (1 + len(CASES))
    interrupt(trained_case(case), graph, share if graph == "new" else 1 - share)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(
            trained_case(case).assert_next_fit_is_right, trained_case(case).copy()
        ).result()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_ctrl_c_at_more_moments(case):
    # Compilation takes most of the time, and an interrupted net is compiled again.
    rng = np.random.RandomState(list(CASES).index(case))
    for graph in ["new", "cached", "cached", "cached"]:
        interrupt(trained_case(case), graph, rng.rand())


class PressCtrlC(keras.callbacks.Callback):
    """Presses Ctrl-C at the end of the second epoch; notes the start and end of each epoch."""

    def __init__(self, times, notes):
        super().__init__()
        self.times, self.notes = times, notes

    def __deepcopy__(self, memo):
        return type(self)(self.times, self.notes)

    def on_epoch_begin(self, epoch, logs=None):
        self.notes.append(f"{epoch} begins")

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)
        self.notes.append(f"{epoch} ends")


def test_ctrl_c_waits_for_the_end_of_the_epoch():
    notes = []
    with pytest.raises(KeyboardInterrupt):
        net(callbacks=[PressCtrlC(1, notes)]).fit(X, Y)
    assert notes == ["0 begins", "0 ends", "1 begins", "1 ends"]


def test_a_second_ctrl_c_does_not_wait():
    notes = []
    with pytest.raises(KeyboardInterrupt):
        net(callbacks=[PressCtrlC(2, notes)]).fit(X, Y)
    assert notes == ["0 begins", "0 ends", "1 begins"]


def test_ctrl_c_in_the_last_epoch_raises_too():
    estimator = net(epochs=2, callbacks=[PressCtrlC(1, [])])
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    assert not hasattr(estimator, "classes_")


class PressCtrlCInBatch1(keras.callbacks.Callback):
    """Presses Ctrl-C at the start of the second batch of a phase; notes all batches."""

    def __init__(self, phase, notes):
        super().__init__()
        self.phase, self.notes = phase, notes

    def __deepcopy__(self, memo):
        return type(self)(self.phase, self.notes)

    def on_train_batch_begin(self, batch, logs=None):
        self.note("train", batch)

    def on_test_batch_begin(self, batch, logs=None):
        self.note("test", batch)

    def note(self, phase, batch):
        self.notes.append((phase, batch))
        if (phase, batch) == (self.phase, 1):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("phase", ["train", "test"])
def test_ctrl_c_waits_for_the_end_of_the_batch_in_keras_own_fit(phase):
    notes = []
    callback = PressCtrlCInBatch1(phase, notes)
    with pytest.raises(KeyboardInterrupt):
        net(validation_split=0.5, batch_size=25, callbacks=[callback]).fit(X, Y)
    # A third batch would mean that Ctrl-C was held back until the end of the fit.
    batches = [("train", 0), ("train", 1), ("train", 2), ("test", 0), ("test", 1)]
    assert notes == batches[: batches.index((phase, 1)) + 1]


def test_ctrl_c_in_a_nested_fit_ends_both_fits():
    notes = []

    def fit_another(epoch, logs):
        net(callbacks=[PressCtrlC(1, notes)]).fit(X, Y)
        notes.append("not reached")

    with pytest.raises(KeyboardInterrupt):
        net(callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=fit_another)]).fit(X, Y)
    assert notes == ["0 begins", "0 ends", "1 begins", "1 ends"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class PressCtrlCInEachCall(keras.metrics.Metric):
    """Presses Ctrl-C whenever Keras calls it, which happens only during compilation."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        signal.raise_signal(signal.SIGINT)

    def result(self):
        return keras.ops.zeros(())


def test_ctrl_c_during_compilation_ends_the_fit():
    with pytest.raises(KeyboardInterrupt):
        net(metrics=[PressCtrlCInEachCall()]).fit(X, Y)


def test_ctrl_c_ends_a_search_and_is_not_a_failed_fit():
    notes = []
    estimator = net(callbacks=[PressCtrlC(1, notes)])
    search = GridSearchCV(estimator, {"l2": [0.0, 0.1]}, cv=2, error_score=np.nan)
    with pytest.raises(KeyboardInterrupt):
        search.fit(CSR, Y)
    assert notes == ["0 begins", "0 ends", "1 begins", "1 ends"]


def test_ctrl_c_ends_the_line_of_progress(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(KeyboardInterrupt):
        net(verbose=1, callbacks=[PressCtrlC(1, [])]).fit(X, Y)
    assert re.search(r"epoch 2/15 .* took \S+ s *\n$", capsys.readouterr().out)


FIRST_FIT = """
import gc, os, random, signal, sys, warnings
import numpy as np
from sklearn.dummy import DummyClassifier
from skclf import BinaryDenseClassifier

class PressesCtrlC:
    def __init__(self, module):
        self.module = module
    def find_spec(self, name, path=None, target=None):
        if name == self.module:
            signal.raise_signal(signal.SIGINT)

def state():
    return (
        dict(os.environ), random.getstate(), gc.isenabled(), repr(warnings.filters),
        signal.getsignal(signal.SIGINT), vars(clf).copy(),
    )

X = np.random.RandomState(0).rand(40, 4)
y = X[:, 0] > 0.5
# The first fit of any estimator of scikit-learn loads a library that draws random numbers.
DummyClassifier().fit(X, y)
clf = BinaryDenseClassifier(3, epochs=2, random_state=0)
before = state()
for module in sys.argv[1:]:
    sys.meta_path.insert(0, PressesCtrlC(module))
    try:
        clf.fit(X, y)
    except KeyboardInterrupt:
        print(module)
    sys.meta_path.pop(0)
    assert state() == before
first = clf.fit(X, y).predict_proba(X)
assert np.array_equal(clf.fit(X, y).predict_proba(X), first)
"""


# SciKeras is loaded after TensorFlow and Keras, which stay loaded after an interrupted fit.
@pytest.mark.slow
@pytest.mark.parametrize(
    "modules",
    [
        ["tensorflow.python.data.ops.iterator_autograph", "scikeras.wrappers"],
        ["keras.src.ops.numpy"],
    ],
)
def test_ctrl_c_during_the_import_of_tensorflow_changes_nothing(modules, environment):
    found = subprocess.run(
        [sys.executable, "-c", FIRST_FIT, *modules], capture_output=True, text=True, env=environment
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == modules
