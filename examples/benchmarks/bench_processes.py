"""Searches as whole processes, imports included: one process, and two workers.

`GridSearchCV` over 4 architectures x 2 learning rates on breast cancer's 569 rows, with batches of
32 and Adam: a short search of 3 folds and 20 epochs, and a long one of 5 folds and 500 epochs,
which takes about a minute. The time is measured from the start of Python to its end. "A worker" is
a worker process of joblib. Its first fit includes all imports and compilation; its memory is
measured after that fit.
"""

import argparse
import subprocess
import sys

import _peers
from _run import QUICK, Benchmark, Check, Goal, main, seconds

SHORT = {"epochs": 1, "folds": 2} if QUICK else {"epochs": 20, "folds": 3}
LONG = {"epochs": 2, "folds": 2} if QUICK else {"epochs": 500, "folds": 5}
HIDDEN = [(16,)] if QUICK else [(16,), (32,), (16, 16), (32, 16)]
RATES = [0.001, 0.01]
BATCH_SIZE = 32


def searched(classifier, rate_name, folds, n_jobs):
    """The best mean accuracy of the folds."""
    from bench_small_net import load_rows
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    grid = {"hidden_layer_sizes": HIDDEN, rate_name: RATES}
    cv = StratifiedKFold(folds, shuffle=True, random_state=0)
    return GridSearchCV(classifier, grid, cv=cv, n_jobs=n_jobs).fit(*load_rows()).best_score_


def search_skclf(epochs, folds, n_jobs):
    """Adam instead of the default RMSprop, as in `MLPClassifier`."""
    from skclf import BinaryDenseClassifier

    classifier = BinaryDenseClassifier(
        optimizer="adam", epochs=epochs, batch_size=BATCH_SIZE, random_state=0
    )
    return searched(classifier, "learning_rate", folds, n_jobs)


def search_mlp(epochs, folds, n_jobs):
    """scikit-learn."""
    import os

    from sklearn.neural_network import MLPClassifier

    classifier = MLPClassifier(
        alpha=0.0,
        batch_size=BATCH_SIZE,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        random_state=0,
    )
    os.environ["PYTHONWARNINGS"] = "ignore"  # of the workers: all epochs were wanted
    with _peers.without_convergence_warnings():
        return searched(classifier, "learning_rate_init", folds, n_jobs)


SEARCHES = {"skclf": search_skclf, "mlp": search_mlp}


def process_of(name, n_jobs, epochs, folds):
    """Seconds and accuracy of a search in a new Python process."""
    options = "--search", name, str(n_jobs), str(epochs), str(folds)
    elapsed, run = seconds(
        lambda: subprocess.run(
            [sys.executable, __file__, *options], check=True, capture_output=True, text=True
        )
    )
    return elapsed, float(run.stdout.splitlines()[-1])


def contender(name, n_jobs=1):
    """A function that times both searches."""

    def run(folder, seed):
        short, accuracy = process_of(name, n_jobs, **SHORT)
        long, accuracy_of_long = process_of(name, n_jobs, **LONG)
        return {
            "short search (s)": short,
            "long search (s)": long,
            "accuracy": accuracy,
            "accuracy of the long one": accuracy_of_long,
        }

    return run


def first_fit():
    """Seconds of a worker's first fit, and its memory in megabytes."""
    from bench_leak import resident_memory
    from bench_small_net import load_rows

    X, y = load_rows()

    def fit():
        from skclf import BinaryDenseClassifier

        BinaryDenseClassifier(optimizer="adam", epochs=1, batch_size=BATCH_SIZE).fit(X, y)

    elapsed, _ = seconds(fit)
    return elapsed, resident_memory()


def run_two_workers(folder, seed):
    """skclf with ``n_jobs=2``, and the time and memory of a worker."""
    from joblib import Parallel, delayed

    workers = Parallel(n_jobs=2)(delayed(first_fit)() for _ in range(2))
    return contender("skclf", 2)(folder, seed) | {
        "a worker's first fit (s)": max(elapsed for elapsed, _ in workers),
        "a worker (MB)": max(memory for _, memory in workers),
    }


TWO = "skclf, n_jobs=2"
BENCHMARK = Benchmark(
    "Whole processes: a search of 25 fits and one of 41 longer fits",
    __file__,
    {
        "skclf": contender("skclf"),
        TWO: run_two_workers,
        "MLPClassifier": contender("mlp"),
        "MLPClassifier, n_jobs=2": contender("mlp", 2),
    },
    goals=[
        Goal("long search (s)", "skclf", 1, contender=TWO),
        Goal("long search (s)", "MLPClassifier"),
        Goal("long search (s)", "MLPClassifier, n_jobs=2", contender=TWO),
        Goal("short search (s)", "MLPClassifier"),
    ],
    checks=[Check("accuracy", margin=0.5 if QUICK else 0.02)],
    rounds=1,
)

if __name__ == "__main__":
    if "--search" in sys.argv:
        parser = argparse.ArgumentParser()
        parser.add_argument("--search", nargs=4)
        given, _ = parser.parse_known_args()
        name, *numbers = given.search
        n_jobs, epochs, folds = map(int, numbers)
        print(SEARCHES[name](epochs, folds, n_jobs))
    else:
        main(BENCHMARK)
