"""Choosing the number of epochs on validation rows: its benefit and its cost.

IMDB as 20,000 x 10,000 and R52 as 6,532 x 10,000 CSR rows, nets of 16-16-1 and 64-64-52, batches of
512. skclf holds out a fifth of the rows, finds the epoch with the lowest validation loss among 20,
and trains a new net on all rows for that many epochs. This is compared with the number of epochs
that is best on the *test* rows, which can't be known in practice. The time that 5,000 validation
rows add to an epoch is compared with a forward pass over them.
"""

import statistics

import _texts
import bench_imdb
import bench_reuters
from _run import QUICK, Benchmark, Check, Goal, main, median_seconds, seconds

EPOCHS, BATCH_SIZE = (2 if QUICK else 20), 512
N_VALIDATION_ROWS = 100 if QUICK else 5_000
REPEATS = 1 if QUICK else 5
LOOK = "look at 5,000 rows (s)"


def prepare(folder):
    """Save the rows and labels of both data sets in separate folders."""
    for name, benchmark in [("imdb", bench_imdb), ("reuters", bench_reuters)]:
        (folder / name).mkdir()
        benchmark.prepare(folder / name)


def load(folder):
    """For each data set, the classifier and the training and test rows with labels."""
    from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, MultiHotVectorizer

    vectorizer = MultiHotVectorizer(num_words=bench_imdb.NUM_WORDS)
    parts = [_texts.load_ids(folder / "imdb", part) for part in ("train", "test")]
    reviews = [(vectorizer.fit_transform(ids), y) for ids, y in parts]
    newswires = [_texts.load_rows(folder / "reuters", part) for part in ("train", "test")]
    return {
        "IMDB": (BinaryDenseClassifier(epochs=EPOCHS, batch_size=BATCH_SIZE), *reviews),
        "R52": (MulticlassDenseClassifier(epochs=EPOCHS, batch_size=BATCH_SIZE), *newswires),
    }


def run_skclf(folder, seed):
    """Find the epoch on held-out rows and refit; also time what validation adds to an epoch."""
    data, numbers = load(folder), {}
    for name, (classifier, train, test) in data.items():
        classifier.set_params(validation_split=0.2, refit_epoch="val_loss", random_state=seed)
        numbers[f"{name} accuracy"] = classifier.fit(*train).score(*test)
        numbers[f"{name} epochs"] = classifier.best_epoch_

    classifier, (X, y), (X_val, y_val) = data["IMDB"]
    classifier.set_params(validation_split=0.0, refit_epoch=None)
    with_looks = {"X_val": X_val[:N_VALIDATION_ROWS], "y_val": y_val[:N_VALIDATION_ROWS]}
    classifier.fit(X, y, **with_looks)  # compiles
    added = [
        seconds(lambda: classifier.fit(X, y, **with_looks))[0]
        - seconds(lambda: classifier.fit(X, y))[0]
        for _ in range(REPEATS)
    ]
    return {**numbers, LOOK: statistics.median(added) / EPOCHS}


def run_best_on_test_rows(folder, seed):
    """Fit on all rows, find the epoch that is best on the test rows, and time a forward pass."""
    data, numbers = load(folder), {}
    for name, (classifier, train, (X_test, y_test)) in data.items():
        classifier.set_params(keep_epochs=True, random_state=seed).fit(*train)
        classes = classifier.classes_
        accuracies = [
            (classes[stage.argmax(axis=1)] == y_test).mean()
            for stage in classifier.staged_predict_proba(X_test)
        ]
        numbers[f"{name} accuracy"] = max(accuracies)
        numbers[f"{name} epochs"] = accuracies.index(max(accuracies)) + 1
    classifier, _, (X_test, _) = data["IMDB"]
    rows = X_test[:N_VALIDATION_ROWS]
    return {**numbers, LOOK: median_seconds(lambda: classifier.predict_proba(rows))}


MARGIN = 0.5 if QUICK else 0.005
BENCHMARK = Benchmark(
    "Validation and refit: IMDB and R52, 20 epochs allowed",
    __file__,
    {"skclf": run_skclf, "best on the test rows": run_best_on_test_rows},
    goals=[Goal(LOOK, "best on the test rows", 1.1)],
    checks=[Check("IMDB accuracy", margin=MARGIN), Check("R52 accuracy", margin=MARGIN)],
    prepare=prepare,
    rounds=3,
)

if __name__ == "__main__":
    main(BENCHMARK)
