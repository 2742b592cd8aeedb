"""Run `GridSearchCV` on a Dask cluster, by default a local one.

``python examples/cluster/search.py`` starts a scheduler and two worker processes on this machine's
loopback interface, runs the search on them, and compares it with the same search in one process.
For a real cluster, pass the address of its scheduler:
``python examples/cluster/search.py tcp://scheduler:8786``.
"""

import os
import sys
import time
from contextlib import contextmanager

import joblib
import numpy as np
from dask_backend import ReliableDaskBackend
from distributed import Client, LocalCluster
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skclf import BinaryDenseClassifier

QUICK = os.environ.get("SKCLF_QUICK") == "1"


@contextmanager
def connected(address):
    """Connect to the cluster at this address, or to a new local one."""
    if address is not None:
        with Client(address) as client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def new_search():
    """Return a search with fixed folds and seeds, so that its results are reproducible."""
    net = BinaryDenseClassifier(epochs=2 if QUICK else 20, random_state=0)
    grid = {
        "binarydenseclassifier__hidden_layer_sizes": [(8,), (16, 16)],
        "binarydenseclassifier__dropout": [0.0] if QUICK else [0.0, 0.2, 0.5],
    }
    return GridSearchCV(make_pipeline(StandardScaler(), net), grid, cv=3 if QUICK else 5)


def main(address=None):
    """Run the search on the cluster and in this process, and return both."""
    X, y = load_breast_cancer(return_X_y=True)
    with connected(address) as client:
        print(f"{len(client.scheduler_info()['workers'])} workers")
        start = time.perf_counter()
        with joblib.parallel_config(ReliableDaskBackend()):
            distributed = new_search().fit(X, y)
        print(f"on the cluster: {time.perf_counter() - start:.1f} s")

    start = time.perf_counter()
    serial = new_search().fit(X, y)
    print(f"in one process: {time.perf_counter() - start:.1f} s")
    print(f"best: {distributed.best_params_}, {distributed.best_score_:.3f}")
    for search in (distributed, serial):
        search.cv_results_ = {k: v for k, v in search.cv_results_.items() if "time" not in k}
    for name, values in serial.cv_results_.items():
        np.testing.assert_array_equal(distributed.cv_results_[name], values)
    print("Both searches found exactly the same results.")
    return distributed, serial


# Worker processes import this file, and must not start a search of their own.
if __name__ == "__main__":
    main(*sys.argv[1:2])
