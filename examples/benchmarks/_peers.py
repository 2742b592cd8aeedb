"""The same nets in other libraries, made as each one's own documentation makes them.

Nothing is imported before it is asked for. Adam with a learning rate of 0.001 trains every net,
since it is what `MLPClassifier` and Keras have in common.
"""


def fitted_mlp(X, y, hidden_layer_sizes, *, epochs, batch_size, seed, **options):
    """scikit-learn's `MLPClassifier`, made to run all its epochs; give it float32 rows.

    On float32 rows it computes in float32, which is faster than float64.
    """
    from sklearn.neural_network import MLPClassifier

    classifier = MLPClassifier(
        hidden_layer_sizes,
        alpha=0.0,  # no L2 penalty, like the other nets
        batch_size=batch_size,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        random_state=seed,
        **options,
    )
    with without_convergence_warnings():
        return classifier.fit(X, y)


def without_convergence_warnings():
    """`MLPClassifier` warns whenever it runs as many epochs as it was asked to."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    return warnings.catch_warnings(action="ignore", category=ConvergenceWarning)


def keras_dense(n_features, hidden_layer_sizes, n_outputs=1, *, sparse=False, **optimizer_options):
    """A new, compiled dense Keras model; one output is a sigmoid unit, several are softmax."""
    import keras

    model = keras.Sequential([keras.Input((n_features,), sparse=sparse)])
    for units in hidden_layer_sizes:
        model.add(keras.layers.Dense(units, activation="relu"))
    return _with_head(model, n_outputs, **optimizer_options)


def keras_conv(image_shape):
    """A new, compiled Keras model: 8 filters of 3x3, 2x2 max-pooling, 10 units, one sigmoid."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((*image_shape, 1)),
            keras.layers.Conv2D(8, 3, activation="relu", padding="same"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="relu"),
        ]
    )
    return _with_head(model, n_outputs=1)


def _with_head(model, n_outputs, **optimizer_options):
    import keras

    head, loss = "softmax", "sparse_categorical_crossentropy"
    if n_outputs == 1:
        head, loss = "sigmoid", "binary_crossentropy"
    model.add(keras.layers.Dense(n_outputs, activation=head))
    optimizer = keras.optimizers.Adam(**optimizer_options)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model


def keras_accuracy(model, X, y):
    """Share of the rows whose label a Keras model finds."""
    probabilities = model.predict(X, verbose=0)
    if probabilities.shape[1] == 1:
        return float(((probabilities[:, 0] > 0.5) == y).mean())
    return float((probabilities.argmax(axis=1) == y).mean())


def skorch_conv(image_shape, *, epochs, batch_size, seed):
    """The net of `keras_conv` in skorch and PyTorch, with Keras's initial weights."""
    import torch
    from skorch import NeuralNetBinaryClassifier
    from torch import nn

    torch.manual_seed(seed)
    height, width = image_shape
    module = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * (height // 2) * (width // 2), 10),
        nn.ReLU(),
        nn.Linear(10, 1),
    )
    for layer in module[0], module[4], module[6]:
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return NeuralNetBinaryClassifier(
        module,
        optimizer=torch.optim.Adam,
        lr=0.001,
        max_epochs=epochs,
        batch_size=batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
