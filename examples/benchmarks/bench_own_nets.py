"""Nets with layers of your own: residual, convolutional and recurrent.

- residual: two dense layers of 64 units with batch normalization, dropout and a skip connection,
  on 400 rows of 30 values, 10 epochs, batches of 32
- CNN: two blocks of convolution, batch normalization and pooling with 16 and 32 filters, on 2,000
  images of 28x28, 5 epochs, batches of 64
- LSTM: an embedding of 2,000 ids in 32 dimensions, then 32 units, on 2,000 sequences of 80 ids, 4
  epochs, batches of 64

All contenders use the same functions to build the bodies. A fit with Keras means to create, compile
and fit a new model. The optimizer is Adam. Accuracy is measured on 1,000 other rows.
"""

from _run import QUICK, Benchmark, Check, Goal, first_and_later, main

RESIDUAL, CNN, LSTM = "residual", "CNN", "LSTM"
N_ROWS, N_IMAGES, N_SEQUENCES, N_TEST = (100, 64, 64, 100) if QUICK else (400, 2_000, 2_000, 1_000)
IMAGE_SHAPE, LENGTH, N_IDS = (28, 28), (10 if QUICK else 80), 2_000
EPOCHS = dict.fromkeys((RESIDUAL, CNN, LSTM), 1) if QUICK else {RESIDUAL: 10, CNN: 5, LSTM: 4}
BATCH_SIZES = {RESIDUAL: 32, CNN: 64, LSTM: 64}
LEARNING_RATES = {RESIDUAL: 0.003, CNN: 0.003, LSTM: 0.003}
LATER_FITS = 1 if QUICK else 3


def residual(inputs):
    """A block of two dense layers with a skip connection."""
    from keras import layers

    x = layers.Dense(64, activation="relu")(inputs)
    y = layers.BatchNormalization(momentum=0.9)(x)
    y = layers.Dropout(0.2)(y)
    y = layers.Dense(64, activation="relu")(y)
    return layers.Add()([x, y])


def convolutional(inputs):
    """Two blocks, averaged over the image."""
    from keras import layers

    x = inputs
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D(2)(x)
    return layers.Dense(32, activation="relu")(layers.Flatten()(x))


def recurrent(inputs):
    """An embedding and an LSTM."""
    from keras import layers

    return layers.LSTM(32)(layers.Embedding(N_IDS, 32)(inputs))


BODIES = {RESIDUAL: residual, CNN: convolutional, LSTM: recurrent}


def load_data(name):
    """Training and test rows with labels 0 and 1."""
    import numpy as np
    from sklearn.datasets import make_classification

    from skclf.datasets import make_shapes

    if name == CNN:
        train = make_shapes(N_IMAGES, IMAGE_SHAPE, radius=(5, 10), random_state=0, return_X_y=True)
        test = make_shapes(N_TEST, IMAGE_SHAPE, radius=(5, 10), random_state=1, return_X_y=True)
        return train[0][..., None], train[1], test[0][..., None], test[1]
    if name == RESIDUAL:
        n = N_ROWS
        X, y = make_classification(n + N_TEST, 30, n_informative=10, class_sep=1.5, random_state=0)
        X = X.astype(np.float32)
    else:
        # The ids of one half are more frequent in one class than in the other.
        n = N_SEQUENCES
        rng = np.random.default_rng(0)
        y = rng.integers(2, size=n + N_TEST)
        is_own = rng.random((n + N_TEST, LENGTH)) < 0.7
        X = rng.integers(N_IDS // 2, size=is_own.shape) + N_IDS // 2 * (is_own == y[:, None])
    return X[:n], y[:n], X[n:], y[n:]


def keras_model(name, row_shape):
    """A new, compiled Keras model with this body."""
    import keras

    inputs = keras.Input(row_shape)
    outputs = keras.layers.Dense(1, activation="sigmoid")(BODIES[name](inputs))
    model = keras.Model(inputs, outputs)
    optimizer = keras.optimizers.Adam(LEARNING_RATES[name])
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


def measured(name, make_and_fit, seed):
    """Seconds of the first and of later fits, and the accuracy of the last one on other rows."""
    X, y, X_test, y_test = load_data(name)
    numbers, classifier = first_and_later(lambda seed: make_and_fit(X, y, seed), seed, LATER_FITS)
    numbers["accuracy"] = float((classifier.predict(X_test).ravel().round() == y_test).mean())
    return {f"{name}: {measure}": number for measure, number in numbers.items()}


def run_skclf(folder, seed):
    """`NetworkClassifier`."""
    from skclf import NetworkClassifier, _bridge  # noqa: F401  (the bridge loads TensorFlow)

    numbers = {}
    for name, body in BODIES.items():

        def make_and_fit(X, y, seed, name=name, body=body):
            return NetworkClassifier(
                body,
                learning_rate=LEARNING_RATES[name],
                epochs=EPOCHS[name],
                batch_size=BATCH_SIZES[name],
                random_state=seed,
            ).fit(X, y)

        numbers |= measured(name, make_and_fit, seed)
    return numbers


def run_keras(folder, seed):
    """Keras's own ``fit``."""
    import keras

    keras.config.disable_interactive_logging()
    keras.utils.set_random_seed(seed)
    numbers = {}
    for name in BODIES:

        def make_and_fit(X, y, seed, name=name):
            model = keras_model(name, X.shape[1:])
            options = {"epochs": EPOCHS[name], "batch_size": BATCH_SIZES[name]}
            model.fit(X, y, **options, verbose=0)
            return model

        numbers |= measured(name, make_and_fit, seed)
    return numbers


def run_scikeras(folder, seed):
    """SciKeras with the residual net."""
    import keras  # noqa: F401  (imports done)
    from scikeras.wrappers import KerasClassifier

    def make_and_fit(X, y, seed):
        return KerasClassifier(
            lambda: keras_model(RESIDUAL, X.shape[1:]),
            epochs=EPOCHS[RESIDUAL],
            batch_size=BATCH_SIZES[RESIDUAL],
            random_state=seed,
            verbose=0,
        ).fit(X, y)

    return measured(RESIDUAL, make_and_fit, seed)


MARGIN, FLOOR = (0.6, 0.0) if QUICK else (0.04, 0.8)

BENCHMARK = Benchmark(
    "Nets with layers of your own: residual, 400 rows; CNN, 2,000 images; LSTM, 2,000 sequences",
    __file__,
    {"skclf": run_skclf, "Keras": run_keras, "SciKeras": run_scikeras},
    goals=[
        Goal(f"{RESIDUAL}: later fit (s)", "SciKeras", 0.2),
        Goal(f"{CNN}: later fit (s)", "Keras", 0.6),
        Goal(f"{LSTM}: later fit (s)", "Keras", 0.6),
        *(Goal(f"{name}: first fit (s)", "Keras") for name in BODIES),
    ],
    # The initial weights move each accuracy by a percent or two from seed to seed.
    checks=[Check(f"{name}: accuracy", margin=MARGIN, at_least=FLOOR) for name in BODIES],
    rounds=3,
    needs={"SciKeras": ("scikeras",)},
)

if __name__ == "__main__":
    main(BENCHMARK)
