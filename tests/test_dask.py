"""Searches on dask.distributed with failing workers, and training on chunks of Dask arrays."""

import importlib
import os
import signal
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from skclf import BinaryDenseClassifier

resource = pytest.importorskip("resource", reason="needs a system that can limit resources")
dask = pytest.importorskip("dask", reason="skclf[dask] is not installed")
distributed = pytest.importorskip("distributed", reason="skclf[dask] is not installed")

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "examples" / "cluster"
MOST_SECONDS = 180
RNG = np.random.RandomState(0)
# X, Y and the indices of a fold have more than 1000 bytes each, so joblib scatters them.
X = RNG.rand(300, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.6).astype(int)]


def net(**parameters):
    return BinaryDenseClassifier(
        **{"hidden_layer_sizes": 3, "dropout": 0.2, "epochs": 2, "random_state": 0} | parameters
    )


def search(scoring="neg_log_loss"):
    return GridSearchCV(net(), {"l2": [0.0, 0.1], "epochs": [1, 2]}, cv=2, scoring=scoring)


def cluster_of(n_workers, threads_per_worker=1, **parameters):
    return distributed.LocalCluster(
        n_workers=n_workers,
        threads_per_worker=threads_per_worker,
        host="127.0.0.1",
        dashboard_address=None,
        **parameters,
    )


@pytest.fixture(autouse=True)
def time_limit():
    """Fail a hanging test: joblib waits in the main thread, where a signal interrupts it."""

    def give_up(signum, frame):
        raise TimeoutError(f"The test has taken more than {MOST_SECONDS} seconds.")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(MOST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def backend(monkeypatch):
    """The joblib backend class of examples/cluster."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("dask_backend").ReliableDaskBackend


@pytest.fixture(scope="module")
def client():
    with cluster_of(2) as cluster, distributed.Client(cluster) as client:
        yield client


def assert_same_search(first, second):
    for column in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(first.cv_results_[column], second.cv_results_[column])
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_search_on_cluster_equals_serial_search(client):
    with joblib.parallel_config("dask"):
        found = search().fit(X, Y)
    assert_same_search(found, search().fit(X, Y))


class KillWorkerOnce:
    """A scorer whose first call kills its process, while later calls return the accuracy."""

    def __init__(self, folder):
        self.mark = Path(folder) / "killed"

    def __call__(self, estimator, X, y):
        try:
            self.mark.touch(exist_ok=False)
        except FileExistsError:
            return estimator.score(X, y)
        os.kill(os.getpid(), signal.SIGKILL)


def test_search_survives_killed_worker(client, backend, tmp_path):
    with joblib.parallel_config(backend(client)):
        found = search(KillWorkerOnce(tmp_path)).fit(X, Y)
    assert (tmp_path / "killed").exists()
    assert_same_search(found, search("accuracy").fit(X, Y))


def test_scattered_data_survive_loss_of_only_worker(backend, tmp_path):
    logistic = GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=2)
    with (
        cluster_of(1, threads_per_worker=2) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        joblib.parallel_config(backend(client, scatter=[X])),
    ):
        found = clone(logistic).set_params(scoring=KillWorkerOnce(tmp_path)).fit(X, Y)
    assert (tmp_path / "killed").exists()
    wanted = logistic.fit(X, Y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], wanted)


def limit_memory():
    """Leave this process too little address space for TensorFlow."""
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2**28, size + 2**28))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_worker_out_of_memory_raises():
    with cluster_of(2) as cluster, distributed.Client(cluster) as client:
        client.run(limit_memory)
        with (
            joblib.parallel_config("dask"),
            pytest.raises((MemoryError, ImportError, OSError), match=r"memory|allocate|map"),
        ):
            search().set_params(error_score="raise").fit(X, Y)


def test_workers_killed_by_memory_limit_raise(client, backend):
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        cluster_of(2, memory_limit="400MB") as cluster,
        distributed.Client(cluster, set_as_default=False) as small,
    ):
        with (
            joblib.parallel_config(backend(small)),
            pytest.raises(distributed.scheduler.KilledWorker, match="workers died"),
        ):
            search().fit(X, Y)
        assert small.submit(sum, [1, 2]).result(timeout=60) == 3
    with joblib.parallel_config(backend(client)):
        found = search().fit(X, Y)
    assert_same_search(found, search().fit(X, Y))


def test_partial_fit_on_chunks_of_dask_array():
    dask_array = pytest.importorskip("dask.array")
    rows, labels = dask_array.from_array(X, chunks=(100, 4)), dask_array.from_array(Y, chunks=100)
    lazy = net()
    for chunk, its_labels in zip(rows.blocks, labels.blocks, strict=True):
        lazy.partial_fit(chunk.compute(), its_labels.compute(), classes=["ant", "bee"])
    eager = net()
    for start in (0, 100, 200):
        eager.partial_fit(X[start : start + 100], Y[start : start + 100], classes=["ant", "bee"])
    np.testing.assert_array_equal(lazy.predict_proba(X), eager.predict_proba(X))
