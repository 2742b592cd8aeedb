"""Ctrl-C, errors in callbacks and exhausted memory, at any moment: the earlier fit stays as it was.

And nothing of the broken fit shows in a later one: the same bits, in this thread and in others.
"""

import _thread
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier, engine
from skclf.engine import _compat
from skclf.engine._interrupts import safe_point, uninterrupted
from skclf.engine._sparse import SparseProduct

pytestmark = pytest.mark.usefixtures("ctrl_c")

RNG = np.random.RandomState(0)
X = RNG.rand(150, 16).astype(np.float32)
CSR = sparse.csr_array(np.where(X > 0.6, X, 0))
Y = (X[:, 0] > 0.6).astype(int)
Y3 = np.digitize(X[:, 0], [0.3, 0.6])


class HearsOfBatches(keras.callbacks.Callback):
    """Makes Keras's own ``fit`` run."""

    def on_train_batch_end(self, batch, logs=None):
        pass


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {"hidden_layer_sizes": 3, "dropout": 0.2, "epochs": 15, "random_state": 0}
    return estimator_class(**defaults | parameters)


def multiclass(**parameters):
    return net(MulticlassDenseClassifier, **parameters)


def conv(**parameters):
    return net(ShapeConvClassifier, filters=2, **parameters)


# AUC would take twice the time to compile.
TWO_METRICS = ["accuracy", "sparse_top_k_categorical_accuracy"]
CASES = {
    "dense": (net(hidden_layer_sizes=(4, 3)), X, Y, "fit"),
    "sparse": (net(), CSR, Y, "fit"),
    "conv": (conv(), X, Y, "fit"),
    "validation": (
        multiclass(validation_split=0.2, patience=9, keep_epochs=True, metrics=TWO_METRICS),
        X,
        Y3,
        "fit",
    ),
    "refit": (multiclass(validation_split=0.2, refit_epoch="val_loss"), CSR, Y3, "fit"),
    "warm_start": (net(warm_start=True), X, Y, "fit"),
    "partial_fit": (net(), CSR, Y, "partial_fit"),
    "Keras's own fit": (net(epochs=2, callbacks=[HearsOfBatches()]), X, Y, "fit"),
}


def train(estimator, case):
    _, rows, y, method = CASES[case]
    return getattr(estimator, method)(rows, y)


def result(estimator, case):
    """All that a fit gives, by value."""
    proba = estimator.predict_proba(CASES[case][1])
    return proba.tobytes(), estimator.history_.to_numpy().tobytes(), estimator.n_epochs_


def attributes(estimator):
    """All that an estimator holds, by identity and by value."""
    callbacks = ("callbacks", "_skl_callbacks")
    by_value = {name: value for name, value in vars(estimator).items() if name not in callbacks}
    return {name: id(value) for name, value in vars(estimator).items()}, joblib.hash(by_value)


class Trained:
    """A case's earlier fit, what the next one has to give, and how long a fit takes."""

    def __init__(self, case):
        self.case = case
        clf, rows, y, _ = CASES[case]
        engine.clear_cache()
        times = [time.perf_counter()]
        self.earlier = clone(clf).fit(rows, y)
        times.append(time.perf_counter())
        again = train(self.copy(), case)
        times.append(time.perf_counter())
        self.seconds = dict(zip(["new", "cached"], np.diff(times), strict=True))
        self.before, self.expected = result(self.earlier, case), result(again, case)

    def copy(self):
        copied = clone(self.earlier)
        vars(copied).update(vars(self.earlier))
        return copied

    def assert_next_fit_is_right(self, estimator):
        assert result(train(estimator, self.case), self.case) == self.expected


@pytest.fixture(scope="module")
def trained():
    made = {}

    def of(case):
        if case not in made:
            made[case] = Trained(case)
        return made[case]

    return of


def is_interrupted(work, seconds):
    """Whether Ctrl-C, after so many seconds, ends what runs."""
    timer = threading.Timer(seconds, _thread.interrupt_main)
    try:
        timer.start()
        work()
        timer.cancel()
        timer.join()
    except KeyboardInterrupt:
        return True
    return False


def keras_and_tensorflow():
    """What a fit that breaks off could leave behind in them."""
    return {
        "eager": tf.executing_eagerly(),
        "scope": keras.Variable(0.0, name="variable").path,
        "policy": keras.config.dtype_policy().name,
        "Ctrl-C": signal.getsignal(signal.SIGINT),
        "numpy": np.geterr(),
    }


def assert_nothing_is_left(estimator, kept, trained, state):
    assert attributes(estimator) == kept
    assert result(estimator, trained.case) == trained.before
    assert keras_and_tensorflow() == state


# ----------------------------------------------------------------------------------------- Ctrl-C


def interrupt(trained, graph, share):
    """Press Ctrl-C after this share of the time that a fit takes; check all that must hold."""
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
def test_ctrl_c(trained, case, graph):
    share = (1 + list(CASES).index(case)) / (1 + len(CASES))
    interrupt(trained(case), graph, share if graph == "new" else 1 - share)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(trained(case).assert_next_fit_is_right, trained(case).copy()).result()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_ctrl_c_at_more_moments(trained, case):
    # To compile takes most of the time, and an interrupted net is compiled anew.
    rng = np.random.RandomState(list(CASES).index(case))
    for graph in ["new", "cached", "cached", "cached"]:
        interrupt(trained(case), graph, rng.rand())


class PressCtrlC(keras.callbacks.Callback):
    """At the end of the second epoch, so many times; notes the epochs that begin."""

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


def test_ctrl_c_in_the_last_epoch_ends_the_fit_too():
    estimator = net(epochs=2, callbacks=[PressCtrlC(1, [])])
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    assert not hasattr(estimator, "classes_")


class PressesInBatch1(keras.callbacks.Callback):
    """Presses Ctrl-C as the second batch of training or of validation begins; notes batches."""

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
    callback = PressesInBatch1(phase, notes)
    with pytest.raises(KeyboardInterrupt):
        net(validation_split=0.5, batch_size=25, callbacks=[callback]).fit(X, Y)
    # No third one: were it held back until the end of the fit, that too would raise it.
    batches = [("train", 0), ("train", 1), ("train", 2), ("test", 0), ("test", 1)]
    assert notes == batches[: batches.index((phase, 1)) + 1]


def test_an_inner_fit_is_interrupted_with_its_outer_one():
    notes = []

    def fit_another(epoch, logs):
        net(callbacks=[PressCtrlC(1, notes)]).fit(X, Y)
        notes.append("not reached")

    with pytest.raises(KeyboardInterrupt):
        net(callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=fit_another)]).fit(X, Y)
    assert notes == ["0 begins", "0 ends", "1 begins", "1 ends"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class PressesWhileItIsCompiled(keras.metrics.Metric):
    """Presses Ctrl-C each time that Keras calls it, which is while it is compiled."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        signal.raise_signal(signal.SIGINT)

    def result(self):
        return keras.ops.zeros(())


def test_ctrl_c_while_a_graph_is_compiled():
    with pytest.raises(KeyboardInterrupt):
        net(metrics=[PressesWhileItIsCompiled()]).fit(X, Y)


def test_a_search_is_ended_and_does_not_take_ctrl_c_for_a_failed_fit():
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
# In the first fit of whatever estimator scikit-learn loads a library that draws random numbers.
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


# SciKeras is loaded after the other two, which an interrupted fit leaves loaded.
@pytest.mark.slow
@pytest.mark.parametrize(
    "modules",
    [
        ["tensorflow.python.data.ops.iterator_autograph", "scikeras.wrappers"],
        ["keras.src.ops.numpy"],
    ],
)
def test_ctrl_c_while_tensorflow_is_loaded(modules, environment):
    found = subprocess.run(
        [sys.executable, "-c", FIRST_FIT, *modules], capture_output=True, text=True, env=environment
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == modules


# --------------------------------------------------------------------------------- holding it back


@pytest.fixture
def handled():
    """Signals that a handler of the user's own has got, while it is set."""
    seen = []
    before = signal.signal(signal.SIGINT, lambda *arguments: seen.append(arguments[0]))
    yield seen
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_held_back_for_the_users_handler(handled):
    handler = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        assert handled == []
        safe_point()
        assert handled == [signal.SIGINT]
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert handled == [signal.SIGINT] * 2
    assert handled == [signal.SIGINT] * 3
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_handler_that_is_set_meanwhile_stays(handled):
    def another(*arguments):
        raise AssertionError("not the handler that Ctrl-C was held back for")

    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGINT, another)
    assert signal.getsignal(signal.SIGINT) is another
    assert handled == [signal.SIGINT]


def test_ctrl_c_outlives_the_error_that_came_of_it(handled):
    def swallow(*arguments):
        handled.append(arguments[0])
        raise SystemError("as TensorFlow says it")

    signal.signal(signal.SIGINT, swallow)
    with pytest.raises(SystemError, match="as TensorFlow says it"), uninterrupted():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert len(handled) == 2


@pytest.mark.parametrize("how", [signal.SIG_IGN, signal.SIG_DFL])
def test_ctrl_c_that_python_does_not_handle_is_left_alone(handled, how):
    signal.signal(signal.SIGINT, how)
    with uninterrupted():
        assert signal.getsignal(signal.SIGINT) == how
    assert signal.getsignal(signal.SIGINT) == how


def test_other_threads_leave_ctrl_c_alone(handled):
    handler = signal.getsignal(signal.SIGINT)

    def look():
        with uninterrupted():
            safe_point()
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(look).result() is handler


# ---------------------------------------------------------------------------- errors in callbacks

# At which call of them; those of batches and of validation make Keras's own fit run.
BY_EPOCHS = {
    "set_params": 1,
    "set_model": 1,
    "on_train_begin": 1,
    "on_epoch_begin": 2,
    "on_epoch_end": 2,
    "on_train_end": 1,
}
BY_BATCHES = {
    "on_train_batch_begin": 3,
    "on_train_batch_end": 3,
    "on_test_begin": 2,
    "on_test_batch_end": 2,
    "on_test_end": 1,
}


def failing(hook, error, others):
    """A Keras callback that fails in this hook and does nothing in the others."""
    calls = []

    def fail(self, *arguments, **options):
        calls.append(hook)
        if len(calls) == (BY_EPOCHS | BY_BATCHES)[hook]:
            raise error

    members = dict.fromkeys(others, lambda self, *arguments, **options: None)
    members |= {hook: fail, "__deepcopy__": lambda self, memo: self}
    return type("Failing", (keras.callbacks.Callback,), members)()


@pytest.mark.parametrize(
    ("hook", "others", "error"),
    [(hook, (), RuntimeError("spam")) for hook in (*BY_EPOCHS, *BY_BATCHES)]
    + [(hook, ("on_train_batch_end",), RuntimeError("spam")) for hook in BY_EPOCHS]
    + [("on_epoch_end", (), MemoryError("spam"))],
)
def test_an_error_in_a_callback(trained, hook, others, error):
    case = trained("validation")
    estimator = case.copy()
    estimator.set_params(epochs=3, callbacks=[failing(hook, error, others)])
    kept, state = attributes(estimator), keras_and_tensorflow()
    with pytest.raises(type(error), match="spam"):
        train(estimator, case.case)
    assert_nothing_is_left(estimator, kept, case, state)
    case.assert_next_fit_is_right(estimator.set_params(epochs=15, callbacks=None))


@pytest.mark.parametrize("hook", ["setup", "on_fit_task_begin", "on_fit_task_end"])
@pytest.mark.parametrize("task", ["fit", "find-best-epoch", "epoch", "refit"])
def test_an_error_in_a_callback_of_scikit_learn(trained, hook, task):
    pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")

    def hears(self, estimator, context, **data):
        pass

    def fail(self, estimator, context, **data):
        if hook == "setup" or context.task_name == task:
            raise RuntimeError("spam")

    hooks = dict.fromkeys(["setup", "teardown", "on_fit_task_begin", "on_fit_task_end"], hears)
    case = trained("refit")
    estimator = case.copy()
    estimator.set_callbacks(type("Failing", (), {**hooks, hook: fail})())
    kept, state = attributes(estimator), keras_and_tensorflow()
    with pytest.raises(RuntimeError, match="spam"):
        train(estimator, case.case)
    assert_nothing_is_left(estimator, kept, case, state)
    case.assert_next_fit_is_right(estimator.set_callbacks())


# ------------------------------------------------------------------------------- exhausted memory


class TooLarge(keras.metrics.Metric):
    """For the graph of an epoch, though not for Keras's eager ``fit``."""

    is_trained = False

    def __init__(self, error, name="too_large"):
        super().__init__(name=name)
        self.error = error

    def get_config(self):
        return {"error": self.error, "name": self.name}

    def update_state(self, y_true, y_pred, sample_weight=None):
        if TooLarge.is_trained and not tf.executing_eagerly():
            raise self.error

    def result(self):
        return keras.ops.zeros(())


@pytest.mark.parametrize(
    "error", [MemoryError("spam"), tf.errors.ResourceExhaustedError(None, None, "spam")], ids=repr
)
@pytest.mark.parametrize("rows", [X, CSR], ids=["dense", "sparse"])
def test_what_finds_no_memory_to_compile_is_not_tried_again_eagerly(monkeypatch, error, rows):
    nets, begin = [], engine.Net.begin

    def note(self, *arguments, **options):
        nets.append(self)
        monkeypatch.setattr(TooLarge, "is_trained", True)
        return begin(self, *arguments, **options)

    monkeypatch.setattr(engine.Net, "begin", note)
    with pytest.raises(type(error), match="spam"):
        net(metrics=[TooLarge(error)]).fit(rows, Y)
    assert [each.run_eagerly for each in nets] == [False]


def fail(error):
    raise error


@pytest.mark.parametrize("error", [MemoryError("spam"), TimeoutError("spam"), SystemExit(3)])
def test_what_stops_scipy_inside_a_graph_comes_out_as_it_is(error, monkeypatch):
    product, order = SparseProduct(4, 2), np.array([0, 1])
    graph = tf.function(lambda chosen, kernel: product(chosen, kernel), autograph=False)
    rows = CSR[:, :4]
    with monkeypatch.context() as patch:
        patch.setattr(_compat, "sparse_tools", lambda: fail(error))
        with pytest.raises(type(error), match=str(error)), product.of(rows, order, 2):
            graph(tf.constant([0, 1]), tf.ones((4, 2)))
    with product.of(rows, order, 2):
        found = graph(tf.constant([0, 1]), tf.ones((4, 2)))
    np.testing.assert_allclose(found, rows[:2] @ np.ones((4, 2)), rtol=1e-6)


def test_what_stops_tensorflow_beside_scipy_comes_out_too():
    product = SparseProduct(4, 2)
    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="spam"),
        product.of(CSR[:, :4], np.array([0, 1]), 2),
    ):
        tf.debugging.Assert(False, ["spam"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_sparse_rows_too_many_for_the_memory_are_an_error_and_nothing_else():
    code = """
    import resource
    import numpy as np
    from scipy import sparse
    from skclf import MulticlassDenseClassifier
    rng = np.random.RandomState(0)
    X = sparse.csr_array(rng.rand(60, 400).astype(np.float32))
    many = X[np.arange(60_000) % 60]
    y, labels = np.arange(60) % 3, np.arange(60_000) % 3
    clf = MulticlassDenseClassifier(3, epochs=2, random_state=0).fit(X, y)
    kept = clf.predict_proba(X)
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2**26, resource.RLIM_INFINITY))
    try:
        clf.set_params(batch_size=50_000).fit(many, labels)
    except MemoryError:
        print("caught")
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    assert np.array_equal(clf.predict_proba(X), kept)
    again = MulticlassDenseClassifier(3, epochs=2, random_state=0).fit(X, y)
    assert np.array_equal(again.predict_proba(X), kept)
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["caught"]
