"""Searches on dask.distributed, with workers that die or run out of memory; chunks of Dask data."""

import os
import signal
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from skclf import BinaryDenseClassifier

resource = pytest.importorskip("resource", reason="needs a system with limits on processes")
distributed = pytest.importorskip("distributed", reason="skclf[dask] is not installed")

pytestmark = pytest.mark.slow

RNG = np.random.RandomState(0)
X = RNG.rand(60, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.6).astype(int)]


def net(**parameters):
    return BinaryDenseClassifier(
        **{"hidden_layer_sizes": 3, "dropout": 0.2, "epochs": 2, "random_state": 0} | parameters
    )


def search(scoring="neg_log_loss"):
    return GridSearchCV(net(), {"l2": [0.0, 0.1], "epochs": [1, 2]}, cv=2, scoring=scoring)


def cluster_of(n_workers):
    return distributed.LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
    )


@pytest.fixture(scope="module")
def client():
    with cluster_of(2) as cluster, distributed.Client(cluster) as client:
        yield client


def assert_same_search(first, second):
    for column in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(first.cv_results_[column], second.cv_results_[column])
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_a_search_on_a_cluster_gives_the_serial_bits(client):
    with joblib.parallel_config("dask"):
        found = search().fit(X, Y)
    assert_same_search(found, search().fit(X, Y))


class KillsItsWorkerOnce:
    """The first call anywhere kills the process that makes it; the others give the accuracy."""

    def __init__(self, folder):
        self.mark = Path(folder) / "killed"

    def __call__(self, estimator, X, y):
        try:
            self.mark.touch(exist_ok=False)
        except FileExistsError:
            return estimator.score(X, y)
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_killed_in_mid_search_costs_nothing_but_time(client, tmp_path):
    with joblib.parallel_config("dask"):
        found = search(KillsItsWorkerOnce(tmp_path)).fit(X, Y)
    assert (tmp_path / "killed").exists()
    assert_same_search(found, search("accuracy").fit(X, Y))


def limit_memory():
    """Leave this process too little address space for TensorFlow."""
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2**28, size + 2**28))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_a_worker_without_enough_memory_is_a_clear_error():
    with cluster_of(2) as cluster, distributed.Client(cluster) as client:
        client.run(limit_memory)
        with (
            joblib.parallel_config("dask"),
            pytest.raises((MemoryError, ImportError, OSError), match=r"memory|allocate|map"),
        ):
            search().set_params(error_score="raise").fit(X, Y)


def test_chunks_of_a_dask_array_train_like_chunks_of_an_array():
    dask_array = pytest.importorskip("dask.array")
    rows, labels = dask_array.from_array(X, chunks=(20, 4)), dask_array.from_array(Y, chunks=20)
    lazy = net()
    for chunk, its_labels in zip(rows.blocks, labels.blocks, strict=True):
        lazy.partial_fit(chunk.compute(), its_labels.compute(), classes=["ant", "bee"])
    eager = net()
    for start in (0, 20, 40):
        eager.partial_fit(X[start : start + 20], Y[start : start + 20], classes=["ant", "bee"])
    np.testing.assert_array_equal(lazy.predict_proba(X), eager.predict_proba(X))
