"""From few to many rows: seconds and memory per million rows, and `partial_fit` on chunks.

Dense float32 rows of 100 values, and CSR rows with 60 ones in 10,000 evenly spread columns. The
nets have two hidden layers of 16 units; Adam, batches of 200. The seconds per epoch are half of the
time that three epochs take longer than one. "Added memory" is the maximum that a fit adds to the
memory of the process, divided by the size of the rows. ``partial_fit`` gets each row once, in
chunks, and is compared with a ``fit`` of one epoch.
"""

from _run import QUICK, Benchmark, Goal, main, seconds
from bench_large import added_memory, csr_rows, dense_rows

DENSE = (2_000, 6_000) if QUICK else (100_000, 1_000_000, 3_000_000)
CSR = (1_000, 4_000) if QUICK else (20_000, 200_000, 2_000_000)
N_CHUNKS = 10
MILLION = 1_000_000
OPTIONS = {"optimizer": "adam", "batch_size": 200, "random_state": 0}
HIDDEN = (16, 16)


def n_bytes(X):
    """The size of dense or CSR rows."""
    parts = [X] if hasattr(X, "nbytes") else [X.data, X.indices, X.indptr]
    return sum(part.nbytes for part in parts)


def scale_of(kind, make, sizes):
    """Results for one kind of rows: for each size, and the largest divided by the smallest."""
    numbers, per_million = {}, []
    for n_rows in sizes:
        epoch, added = epoch_and_memory(*make(n_rows))
        per_million.append(epoch / n_rows * MILLION)
        numbers[f"{kind} {n_rows:,}: an epoch (s a million)"] = per_million[-1]
        numbers[f"{kind} {n_rows:,}: added memory"] = added
    numbers[f"{kind}: largest / smallest"] = per_million[-1] / per_million[0]
    numbers[f"{kind}: partial_fit / fit"] = partial_fit_by_fit(*make(sizes[1]))
    return numbers


def fit(X, y, epochs):
    """A new classifier."""
    from skclf import BinaryDenseClassifier

    return BinaryDenseClassifier(HIDDEN, epochs=epochs, **OPTIONS).fit(X, y)


def epoch_and_memory(X, y):
    """Seconds per epoch, and the memory that a fit adds, divided by the size of the rows."""
    one = min(seconds(lambda: fit(X, y, 1))[0] for _ in range(2))
    three = []
    added = added_memory(lambda: three.append(seconds(lambda: fit(X, y, 3))[0]))
    three.append(seconds(lambda: fit(X, y, 3))[0])
    return (min(three) - one) / 2, added * 1e6 / n_bytes(X)


def partial_fit_by_fit(X, y):
    """The shortest time of `partial_fit` on chunks, divided by that of a fit of one epoch."""
    from skclf import BinaryDenseClassifier

    step = X.shape[0] // N_CHUNKS

    def by_chunks():
        classifier = BinaryDenseClassifier(HIDDEN, **OPTIONS)
        for start in range(0, step * N_CHUNKS, step):
            rows = slice(start, start + step)
            classifier.partial_fit(X[rows], y[rows], classes=[0, 1])

    pairs = [(seconds(by_chunks)[0], seconds(lambda: fit(X, y, 1))[0]) for _ in range(4)]
    chunks, whole = map(min, zip(*pairs, strict=True))
    return chunks / whole


def run_skclf(folder, seed):
    """`BinaryDenseClassifier`."""
    from skclf import _bridge  # noqa: F401  (it loads TensorFlow)

    return scale_of("dense", dense_rows, DENSE) | scale_of("CSR", csr_rows, CSR)


BENCHMARK = Benchmark(
    f"Scale: {DENSE[0]:,} to {DENSE[-1]:,} dense rows, {CSR[0]:,} to {CSR[-1]:,} CSR rows",
    __file__,
    {"skclf": run_skclf},
    goals=[
        *(Goal(f"{kind}: largest / smallest", None, 1.2) for kind in ("dense", "CSR")),
        *(Goal(f"{kind}: partial_fit / fit", None, 1.2) for kind in ("dense", "CSR")),
        Goal(f"dense {DENSE[-1]:,}: added memory", None, 0.2),
        Goal(f"CSR {CSR[-1]:,}: added memory", None, 0.2),
    ],
    rounds=1,
)

if __name__ == "__main__":
    main(BENCHMARK)
