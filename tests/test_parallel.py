"""Searches in worker processes and threads, forked processes, dying workers, lack of memory."""

import multiprocessing
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(60, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.6).astype(int)]


def net(**parameters):
    defaults = {"hidden_layer_sizes": 3, "dropout": 0.2, "epochs": 2, "random_state": 0}
    return BinaryDenseClassifier(**defaults | parameters)


def searched(rows, labels, n_jobs, **options):
    search = GridSearchCV(
        net(), {"learning_rate": [0.001, 0.01], "l2": [0.0, 0.1]}, cv=2, n_jobs=n_jobs, **options
    )
    return search.fit(rows, labels)


def assert_same_search(first, second):
    for column in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(first.cv_results_[column], second.cv_results_[column])
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


# ------------------------------------------------------------------------------------- processes


@pytest.mark.slow
def test_search_in_processes_equals_serial_search():
    assert_same_search(
        searched(X, Y, 2, scoring="neg_log_loss"), searched(X, Y, None, scoring="neg_log_loss")
    )


def fit_in_worker(rows, labels):
    """Fit; return the type of the data, TensorFlow's numbers of threads, and probabilities."""
    kind = type(rows.data).__name__ if sparse.issparse(rows) else type(rows).__name__
    proba = net().fit(rows, labels).predict_proba(rows[:5])
    threading = sys.modules["tensorflow"].config.threading
    threads = (
        threading.get_intra_op_parallelism_threads(),
        threading.get_inter_op_parallelism_threads(),
    )
    return kind, threads, proba


@pytest.mark.slow
@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_matrix])
def test_workers_use_memory_maps_and_limited_threads(as_rows):
    rows = as_rows(RNG.rand(2_000, 300).astype(np.float32))
    labels = np.arange(2_000) % 2
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        (kind, threads, proba), _ = joblib.Parallel()(
            joblib.delayed(fit_in_worker)(rows, labels) for _ in range(2)
        )
    assert kind == "memmap"
    assert threads == (1, 1)
    np.testing.assert_array_equal(proba, net().fit(rows, labels).predict_proba(rows[:5]))


def test_fit_does_not_change_threads_of_main_process(monkeypatch):
    threading = sys.modules["tensorflow"].config.threading
    before = threading.get_intra_op_parallelism_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    net().fit(X, Y)
    assert threading.get_intra_op_parallelism_threads() == before


class DyingScorer:
    """Ends the worker process that calls it."""

    def __call__(self, estimator, X, y):
        os._exit(1)


@pytest.mark.slow
def test_dying_worker_raises_and_changes_nothing():
    fitted = net().fit(X, Y)
    kept = fitted.predict_proba(X)
    with pytest.raises(joblib.externals.loky.process_executor.TerminatedWorkerError, match="exit"):
        searched(X, Y, 2, scoring=DyingScorer())
    np.testing.assert_array_equal(fitted.predict_proba(X), kept)
    np.testing.assert_array_equal(net().fit(X, Y).predict_proba(X), kept)


# ----------------------------------------------------------------------------------------- forks


def in_child(method, work, *arguments):
    """Run `work` in a process that is started with this method, and return its result."""
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.apply_async(work, arguments).get(timeout=300)


def fitted_probabilities(clf):
    return clf.fit(X, Y).predict_proba(X)


def probabilities(clf):
    return clf.predict_proba(X)


needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system"
)


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_training_in_fork_after_training_raises():
    net().fit(X, Y)
    with pytest.raises(RuntimeError, match=r"was forked from one that had trained.*'spawn'"):
        in_child("fork", fitted_probabilities, net())


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_predicting_in_fork_after_training():
    clf = net().fit(X, Y)
    np.testing.assert_array_equal(in_child("fork", probabilities, clf), clf.predict_proba(X))


@pytest.mark.slow
def test_training_in_spawned_process_is_bitwise_equal():
    clf = net().fit(X, Y)
    found = in_child("spawn", fitted_probabilities, net())
    np.testing.assert_array_equal(found, clf.predict_proba(X))


# --------------------------------------------------------------------------------------- threads


@pytest.mark.slow
def test_many_fits_in_threads_equal_serial_fits():
    nets = [
        MulticlassDenseClassifier(hidden, dropout=0.1, epochs=2, random_state=seed)
        for seed in range(8)
        for hidden in (3, 4, 5, (3, 2), (4, 4))
    ]
    serial = [clone(net).fit(X, Y).predict_proba(X) for net in nets]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda net: clone(net).fit(X, Y).predict_proba(X), nets))
    np.testing.assert_array_equal(together, serial)


def test_search_in_threads_equals_serial_search():
    with joblib.parallel_config("threading"):
        found = searched(X, Y, 2)
    assert_same_search(found, searched(X, Y, None))


# ----------------------------------------------------------------------------------- out of memory


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_out_of_memory_raises_and_changes_nothing():
    code = """
    import resource
    import numpy as np
    from skclf import BinaryDenseClassifier
    X = np.random.RandomState(0).rand(60, 4).astype(np.float32)
    y = X[:, 0] > 0.6
    clf = BinaryDenseClassifier(3, epochs=2, random_state=0).fit(X, y)
    kept = clf.predict_proba(X)
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2**30, size + 2**30))
    try:
        clf.set_params(hidden_layer_sizes=(40_000, 40_000)).fit(X, y)
    except Exception as error:
        print(type(error).__name__)
    assert np.array_equal(clf.predict_proba(X), kept)
    again = BinaryDenseClassifier(3, epochs=2, random_state=0).fit(X, y)
    assert np.array_equal(again.predict_proba(X), kept)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()[-1] in ("ResourceExhaustedError", "MemoryError")
