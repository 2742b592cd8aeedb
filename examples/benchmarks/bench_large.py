"""Many rows: dense float32 rows of 100 values, and CSR rows with evenly spread columns.

The nets have two hidden layers of 16 units; Adam, batches of 200. The seconds per epoch are a third
of the time that four epochs take longer than one, which excludes compilation. "Added memory" is the
maximum that a fit of two epochs adds to the memory of the process, divided by the size of the rows.
"""

import _peers
from _run import QUICK, Benchmark, Check, Goal, main, seconds
from bench_leak import resident_memory

SIZES = (2_000, 4_000) if QUICK else (100_000, 1_000_000)
N_FEATURES, BATCH_SIZE, HIDDEN = 100, 200, (16, 16)
CSR_SHAPE, WORDS_IN_ROW = ((2_000, 500), 20) if QUICK else ((200_000, 10_000), 60)
CSR = "CSR {:,} x {:,}".format(*CSR_SHAPE)


def dense_rows(n_rows):
    """Normally distributed rows; the label is the sign of a product of two columns."""
    import numpy as np

    rng = np.random.default_rng(0)
    X = np.empty((n_rows, N_FEATURES), np.float32)
    for start in range(0, n_rows, 50_000):  # or the generator's float64 would be the peak
        X[start : start + 50_000] = rng.normal(size=X[start : start + 50_000].shape)
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def csr_rows(n_rows=CSR_SHAPE[0]):
    """Ones in random columns; the label is whether most of them are in the left half."""
    import numpy as np
    from scipy.sparse import csr_matrix

    n_columns = CSR_SHAPE[1]
    rng = np.random.default_rng(0)
    indices = rng.integers(n_columns, size=n_rows * WORDS_IN_ROW, dtype=np.int32)
    indptr = np.arange(0, len(indices) + 1, WORDS_IN_ROW, dtype=np.int32)
    y = (indices.reshape(n_rows, -1) < n_columns // 2).mean(axis=1) > 0.5
    X = csr_matrix((np.ones(len(indices), np.float32), indices, indptr), (n_rows, n_columns))
    X.sum_duplicates()
    return X, y.astype(int)


def added_memory(work, interval=0.005):
    """The maximum memory that `work` adds to the process while it runs, in megabytes."""
    from threading import Event, Thread

    end = Event()
    before = most = resident_memory()

    def watch():
        nonlocal most
        while not end.wait(interval):
            most = max(most, resident_memory())

    watcher = Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        end.set()
        watcher.join()
    return most - before


def measured(fit):
    """Numbers of a function that fits rows for a number of epochs."""
    numbers = {}
    for n_rows in SIZES:
        X, y = dense_rows(n_rows)
        fit(X[: n_rows // 50], y[: n_rows // 50], 1)
        added = added_memory(lambda X=X, y=y: fit(X, y, 2))
        numbers[f"{n_rows:,} x {N_FEATURES} (s an epoch)"] = epoch_of(fit, X, y)
        numbers[f"{n_rows:,} x {N_FEATURES}: added memory"] = added * 1e6 / X.nbytes
    X, y = csr_rows()
    numbers[f"{CSR} (s an epoch)"] = epoch_of(fit, X, y)
    numbers["accuracy"] = float((fit(X, y, 4).predict(X) == y).mean())
    return numbers


def epoch_of(fit, X, y):
    """Seconds of an epoch."""
    fit(X, y, 1)
    one, four = (min(seconds(lambda n=n: fit(X, y, n))[0] for _ in range(2)) for n in (1, 4))
    return (four - one) / 3


def run_skclf(folder, seed):
    """`BinaryDenseClassifier`."""
    from skclf import BinaryDenseClassifier, _bridge  # noqa: F401  (the bridge loads TensorFlow)

    def fit(X, y, epochs):
        return BinaryDenseClassifier(
            HIDDEN, optimizer="adam", epochs=epochs, batch_size=BATCH_SIZE, random_state=seed
        ).fit(X, y)

    return measured(fit)


def run_mlp(folder, seed):
    """scikit-learn."""

    def fit(X, y, epochs):
        return _peers.fitted_mlp(X, y, HIDDEN, epochs=epochs, batch_size=BATCH_SIZE, seed=seed)

    return measured(fit)


SECONDS = [f"{n_rows:,} x {N_FEATURES} (s an epoch)" for n_rows in SIZES]
BENCHMARK = Benchmark(
    f"Many rows: {SIZES[0]:,} and {SIZES[1]:,} x {N_FEATURES}, {CSR}, batch {BATCH_SIZE}",
    __file__,
    {"skclf": run_skclf, "MLPClassifier": run_mlp},
    goals=[
        *(Goal(name, "MLPClassifier", 0.7) for name in SECONDS),
        Goal(f"{CSR} (s an epoch)", "MLPClassifier", 0.6),
        Goal(f"{SIZES[1]:,} x {N_FEATURES}: added memory", None, 0.2),
    ],
    checks=[Check("accuracy", margin=0.5 if QUICK else 0.02)],
    rounds=2,
)

if __name__ == "__main__":
    main(BENCHMARK)
