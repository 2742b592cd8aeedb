"""A 30-16-16-1 net on the 569 rows of breast cancer: 20 epochs, batches of 32, Adam.

The first fit in a process and later fits are timed without imports. Each fit uses a new classifier;
with Keras, a new model is created, compiled and fitted. All contenders get the same standardized
float32 rows. Accuracy is measured on the training rows.
"""

import _peers
from _run import QUICK, Benchmark, Check, Goal, first_and_later, main

HIDDEN = (16, 16)
EPOCHS, BATCH_SIZE = (2, 32) if QUICK else (20, 32)
LATER_FITS = 1 if QUICK else 7
LATER_KERAS_FITS = 1 if QUICK else 2  # they take seconds, and vary less


def load_rows():
    """Standardized float32 rows, and labels 0 and 1."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import StandardScaler

    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X).astype("float32"), y


def run_skclf(folder, seed):
    """Adam instead of the default RMSprop, as in `MLPClassifier`."""
    from skclf import BinaryDenseClassifier, _bridge  # noqa: F401  (the bridge loads TensorFlow)

    X, y = load_rows()

    def fit(seed):
        return BinaryDenseClassifier(
            HIDDEN, optimizer="adam", epochs=EPOCHS, batch_size=BATCH_SIZE, random_state=seed
        ).fit(X, y)

    numbers, classifier = first_and_later(fit, seed, LATER_FITS)
    return {**numbers, "accuracy": classifier.score(X, y)}


def run_mlp(folder, seed):
    """scikit-learn."""
    import sklearn.neural_network  # noqa: F401  (imports done)

    X, y = load_rows()

    def fit(seed):
        return _peers.fitted_mlp(X, y, HIDDEN, epochs=EPOCHS, batch_size=BATCH_SIZE, seed=seed)

    numbers, classifier = first_and_later(fit, seed, LATER_FITS)
    return {**numbers, "accuracy": classifier.score(X, y)}


def run_keras(folder, seed):
    """Keras's own ``fit`` of a new model."""
    import keras

    X, y = load_rows()
    keras.utils.set_random_seed(seed)

    def fit(seed):
        model = _peers.keras_dense(X.shape[1], HIDDEN)
        model.fit(X, y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
        return model

    numbers, model = first_and_later(fit, seed, LATER_KERAS_FITS)
    return {**numbers, "accuracy": _peers.keras_accuracy(model, X, y)}


def run_scikeras(folder, seed):
    """SciKeras with the same model."""
    import keras  # noqa: F401  (imports done)
    from scikeras.wrappers import KerasClassifier

    X, y = load_rows()

    def fit(seed):
        return KerasClassifier(
            lambda: _peers.keras_dense(X.shape[1], HIDDEN),
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            random_state=seed,
            verbose=0,
        ).fit(X, y)

    numbers, classifier = first_and_later(fit, seed, LATER_KERAS_FITS)
    return {**numbers, "accuracy": classifier.score(X, y)}


BENCHMARK = Benchmark(
    "Small net: 30-16-16-1, 569 rows, 20 epochs, batch 32",
    __file__,
    {
        "skclf": run_skclf,
        "MLPClassifier": run_mlp,
        "Keras": run_keras,
        "SciKeras": run_scikeras,
    },
    goals=[
        Goal("later fit (s)", "MLPClassifier", 0.25),
        Goal("later fit (s)", "Keras", 1 / 15),
        Goal("later fit (s)", "SciKeras"),
        Goal("first fit (s)", "MLPClassifier"),
        Goal("first fit (s)", "Keras", 1 / 4),
    ],
    # 1% is six rows of the training set; the seed moves each library's by two or three.
    checks=[Check("accuracy", margin=0.5 if QUICK else 0.01, at_least=0.0 if QUICK else 0.97)],
    rounds=5,
    needs={"SciKeras": ("scikeras",)},
)

if __name__ == "__main__":
    main(BENCHMARK)
