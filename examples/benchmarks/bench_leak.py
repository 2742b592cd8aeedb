"""Growth of memory from fit to fit: 200 fits of one, of twenty and of a hundred architectures.

The cache of compiled programs holds fewer than a hundred, so with a hundred architectures each fit
compiles again and evicts another program. Growth is the slope of a straight line through the
resident memory of the process after each fit, once all architectures have been fitted. The memory
is read from ``/proc``, so this benchmark needs Linux.
"""

import os
import statistics
from functools import partial

import _peers
from _run import QUICK, Benchmark, Goal, main
from bench_small_net import load_rows

N_FITS = 10 if QUICK else 200
EPOCHS, BATCH_SIZE = 2, 32
GROWTH = "growth a fit (MB)"


def resident_memory():
    """The current resident memory of this process in megabytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def growth(fit, n_architectures, n_fits):
    """Fit nets of several architectures in turn; return the memory that each fit adds."""
    n_warm_up = 2 * n_architectures if QUICK else max(20, 2 * n_architectures)
    sizes = []
    for number in range(n_warm_up + n_fits):
        fit((8 + number % n_architectures, 8))
        if number >= n_warm_up:
            sizes.append(resident_memory())
    return {GROWTH: statistics.linear_regression(range(n_fits), sizes).slope}


def run_skclf(folder, seed, *, n_architectures):
    """A new classifier each time."""
    from skclf import BinaryDenseClassifier

    X, y = load_rows()
    return growth(
        lambda hidden: BinaryDenseClassifier(hidden, epochs=EPOCHS, batch_size=BATCH_SIZE).fit(
            X, y
        ),
        n_architectures,
        N_FITS,
    )


def run_mlp(folder, seed):
    """scikit-learn, as a reference for the precision of this measure."""
    X, y = load_rows()
    options = {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "seed": seed}
    return growth(lambda hidden: _peers.fitted_mlp(X, y, hidden, **options), 1, N_FITS)


def run_keras(folder, seed):
    """Keras, a new model each time; fewer fits, because each takes a second or more."""
    X, y = load_rows()

    def fit(hidden):
        model = _peers.keras_dense(X.shape[1], hidden)
        model.fit(X, y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)

    return growth(fit, 1, min(N_FITS, 40))


BENCHMARK = Benchmark(
    "Leak: growth of memory over 200 fits",
    __file__,
    {
        "skclf, 1 net": partial(run_skclf, n_architectures=1),
        "skclf, 20 nets": partial(run_skclf, n_architectures=2 if QUICK else 20),
        "skclf, 100 nets": partial(run_skclf, n_architectures=3 if QUICK else 100),
        "MLPClassifier": run_mlp,
        "Keras": run_keras,
    },
    goals=[
        Goal(GROWTH, at_most=0.1, contender="skclf, 1 net"),
        Goal(GROWTH, at_most=0.1, contender="skclf, 20 nets"),
        Goal(GROWTH, contender="skclf, 100 nets"),
    ],
    rounds=1,
)

if __name__ == "__main__":
    main(BENCHMARK)
