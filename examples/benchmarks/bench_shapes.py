"""2,000 images of 64x64 pixels, squares and circles: 5 epochs, batches of 32, Adam.

The net has 8 filters of 3x3, 2x2 max pooling, 10 units and a sigmoid unit. Accuracy is measured on
1,000 other images. For PyTorch, the images have the channels first.
"""

import _peers
from _run import QUICK, Benchmark, Check, Goal, first_and_later, main

N_TRAIN, N_TEST = (200, 100) if QUICK else (2_000, 1_000)
IMAGE_SHAPE = (64, 64)
EPOCHS, BATCH_SIZE = (1 if QUICK else 5), 32
LATER_FITS = 1 if QUICK else 2


def load_images():
    """Training and test images with labels."""
    from skclf.datasets import make_shapes

    train = make_shapes(N_TRAIN, IMAGE_SHAPE, random_state=0, return_X_y=True)
    test = make_shapes(N_TEST, IMAGE_SHAPE, random_state=1, return_X_y=True)
    return *train, *test


def run_skclf(folder, seed):
    """The default net of `ShapeConvClassifier`."""
    from skclf import ShapeConvClassifier, _bridge  # noqa: F401  (the bridge loads TensorFlow)

    X, y, X_test, y_test = load_images()

    def fit(seed):
        return ShapeConvClassifier(
            epochs=EPOCHS, batch_size=BATCH_SIZE, optimizer="adam", random_state=seed
        ).fit(X, y)

    numbers, classifier = first_and_later(fit, seed, LATER_FITS)
    return {**numbers, "accuracy": classifier.score(X_test, y_test)}


def run_keras(folder, seed):
    """Keras's own ``fit`` of a new model."""
    import keras

    keras.utils.set_random_seed(seed)
    X, y, X_test, y_test = load_images()

    def fit(seed):
        model = _peers.keras_conv(IMAGE_SHAPE)
        model.fit(X[..., None], y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
        return model

    numbers, model = first_and_later(fit, seed, LATER_FITS)
    return {**numbers, "accuracy": _peers.keras_accuracy(model, X_test[..., None], y_test)}


def run_skorch(folder, seed):
    """The same net in PyTorch, trained with skorch."""
    import numpy as np
    import skorch  # noqa: F401  (imports done)

    X, y, X_test, y_test = load_images()
    X, X_test = X[:, None], X_test[:, None]

    def fit(seed):
        options = {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "seed": seed}
        return _peers.skorch_conv(IMAGE_SHAPE, **options).fit(X, y.astype(np.float32))

    numbers, classifier = first_and_later(fit, seed, LATER_FITS)
    return {**numbers, "accuracy": float((classifier.predict(X_test) == y_test).mean())}


BENCHMARK = Benchmark(
    "Shapes: 2,000 images 64x64, 8 filters and 10 units, 5 epochs, batch 32",
    __file__,
    {"skclf": run_skclf, "Keras": run_keras, "skorch": run_skorch},
    goals=[
        Goal("later fit (s)", "Keras", 0.2),
        Goal("later fit (s)", "skorch", 1),
        Goal("first fit (s)", "Keras"),
        Goal("first fit (s)", "skorch"),
    ],
    # The initial weights move the accuracy by some percent from seed to seed.
    checks=[Check("accuracy", margin=0.6 if QUICK else 0.04, at_least=0.0 if QUICK else 0.9)],
    rounds=3,
    needs={"skorch": ("skorch", "torch")},
)

if __name__ == "__main__":
    main(BENCHMARK)
