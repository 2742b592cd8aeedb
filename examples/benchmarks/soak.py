"""Soak: fit, predict, pickle and unpickle nets of random kinds for a given time.

``python examples/benchmarks/soak.py --minutes 10 --threads 2`` prints each error when it occurs,
and finally the number of rounds, the number of errors and the growth of memory. Each round fits a
classifier of random class, shape and settings on random rows, dense or sparse, twice with the same
seed. It checks that both fits give identical predictions, that a pickled copy makes the same
predictions, and that training can continue from the copy. The exit status is 1 if anything failed.
"""

import argparse
import pickle
import random
import sys
import threading
import time
import traceback
from pathlib import Path

import numpy as np
from bench_leak import resident_memory
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parents[2]))

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

SIZES = [(), (3,), (8,), (16, 16), (5, 4, 3)]


def random_work(rng):
    """A classifier of random kind, rows and labels that it can train on."""
    n_rows, n_features = rng.choice([20, 50, 200]), rng.choice([4, 9, 64])
    n_classes = rng.choice([2, 2, 3, 5])
    X = np.random.default_rng(rng.randrange(2**32)).random((n_rows, n_features), dtype=np.float32)
    y = np.arange(n_rows) % n_classes
    settings = {
        "hidden_layer_sizes": rng.choice(SIZES),
        "activation": rng.choice(["relu", "tanh", "gelu"]),
        "dropout": rng.choice([0.0, 0.3]),
        "l2": rng.choice([0.0, 0.01]),
        "optimizer": rng.choice(["rmsprop", "adam", "sgd"]),
        "class_weight": rng.choice([None, "balanced"]),
        "validation_split": rng.choice([0.0, 0.3]),
        "epochs": rng.choice([1, 3]),
        "batch_size": rng.choice([8, 32, 1_000]),
        "random_state": rng.randrange(1_000),
    }
    if rng.random() < 0.2:
        return ShapeConvClassifier(filters=rng.choice([(2,), (4,)]), **settings), X, y
    if rng.random() < 0.3:
        X = sparse.random_array(
            X.shape, density=0.2, format="csr", dtype=np.float32, random_state=rng.randrange(1_000)
        )
    net = BinaryDenseClassifier if n_classes == 2 else MulticlassDenseClassifier
    return net(**settings), X, y


def check_round(rng):
    """Fit, fit again, pickle, go on; raise an AssertionError where bits differ."""
    classifier, X, y = random_work(rng)
    proba = classifier.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(classifier.fit(X, y).predict_proba(X), proba)
    loaded = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(loaded.predict_proba(X), proba)
    on, loaded_on = (
        each.partial_fit(X, y) if each.class_weight is None else each
        for each in (classifier, loaded)
    )
    np.testing.assert_array_equal(loaded_on.predict_proba(X), on.predict_proba(X))


def soak(minutes, n_threads, seed):
    """Run rounds in threads until the time is over; return their number, errors and growth."""
    end, rounds, errors, sizes = time.monotonic() + 60 * minutes, [0] * n_threads, [], []

    def work(number):
        rng = random.Random(seed + number)
        while time.monotonic() < end:
            try:
                check_round(rng)
            except Exception:
                errors.append(traceback.format_exc())
                print(errors[-1], file=sys.stderr, flush=True)
            rounds[number] += 1
            if number == 0:
                sizes.append(resident_memory())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rounds), len(errors), sizes


def main():
    """Read the options, soak, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    n_rounds, n_errors, sizes = soak(given.minutes, given.threads, given.seed)
    print(
        f"{n_rounds} rounds in {given.minutes} minutes, {given.threads} threads: {n_errors} errors"
    )
    half = len(sizes) // 2
    growth = (sizes[-1] - sizes[half]) / max(1, n_rounds / 2)
    print(
        f"memory: {sizes[half]:.0f} MB at half time, {sizes[-1]:.0f} MB at the end, "
        f"{growth:.2f} MB a round in the second half"
    )
    return 1 if n_errors else 0


if __name__ == "__main__":
    sys.exit(main())
