"""Nets of new sizes, after others were fitted: 569 rows of breast cancer, 20 epochs, Adam.

Two hidden layers, batches of 32. A known size is one that was fitted before in the same process;
each new size is fitted once. Growth is the memory that the process gains per new size.
"""

import _peers
from _run import QUICK, Benchmark, Goal, main, seconds
from bench_leak import resident_memory
from bench_small_net import load_rows

EPOCHS, BATCH_SIZE = (2, 32) if QUICK else (20, 32)
KNOWN = (16, 16)
NEW = [(units, 40 - units) for units in (range(5, 9) if QUICK else range(5, 36))]
FITS_OF_KNOWN = 3 if QUICK else 15


def measured(fit):
    """Results for a function that fits a net of given sizes."""
    from statistics import median

    first, _ = seconds(lambda: fit(KNOWN))
    known = median(seconds(lambda: fit(KNOWN))[0] for _ in range(FITS_OF_KNOWN))
    before = resident_memory()
    new = median(seconds(lambda sizes=sizes: fit(sizes))[0] for sizes in NEW)
    growth = (resident_memory() - before) / len(NEW)
    return {
        "first fit (s)": first,
        "known size (s)": known,
        "new size (s)": new,
        "new / known": new / known,
        "growth a new size (MB)": growth,
    }


def run_skclf(folder, seed):
    """`BinaryDenseClassifier`."""
    from skclf import BinaryDenseClassifier, _bridge  # noqa: F401  (the bridge loads TensorFlow)

    X, y = load_rows()
    options = {"optimizer": "adam", "epochs": EPOCHS, "batch_size": BATCH_SIZE}
    return measured(
        lambda sizes: BinaryDenseClassifier(sizes, **options, random_state=seed).fit(X, y)
    )


def run_mlp(folder, seed):
    """scikit-learn, which doesn't compile anything."""
    import sklearn.neural_network  # noqa: F401  (imports done)

    X, y = load_rows()
    options = {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "seed": seed}
    return measured(lambda sizes: _peers.fitted_mlp(X, y, sizes, **options))


BENCHMARK = Benchmark(
    f"New sizes of nets: {len(NEW)} pairs of layers, 569 rows, {EPOCHS} epochs",
    __file__,
    {"skclf": run_skclf, "MLPClassifier": run_mlp},
    goals=[
        Goal("new / known", None, 1.5),
        Goal("growth a new size (MB)", None, 0.1),
        Goal("known size (s)", "MLPClassifier", 0.25),
        Goal("new size (s)", "MLPClassifier"),
    ],
    rounds=3,
)

if __name__ == "__main__":
    main(BENCHMARK)
