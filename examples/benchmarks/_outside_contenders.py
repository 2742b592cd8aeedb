"""The contenders of the outside benchmark, as pipelines that a user would write."""

from importlib.util import find_spec

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import BaggingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)

DEFAULTS = "skclf, defaults"
RECIPE = "skclf, recipe"
CONV = "ShapeConvClassifier"
MLP = "MLPClassifier"
BOOSTING = "HistGradientBoosting"
LOGISTIC = "LogisticRegression"
SKORCH = "skorch"
EQUAL_SKCLF, EQUAL_MLP = "skclf, equal", "MLPClassifier, equal"
EQUAL_EPOCHS_SKCLF = "skclf, equal sizes and epochs"

# What MLPClassifier has by default; its epochs are 200 at most.
EQUAL_SIZES, EQUAL_EPOCHS = (100,), 100


def encoded(scaler):
    """Text columns one-hot, numbers scaled: what nets and linear models need of a table."""
    one_hot = OneHotEncoder(drop="if_binary", handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            ("text", one_hot, make_column_selector(dtype_include="category")),
            ("numbers", scaler, make_column_selector(dtype_include="number")),
        ]
    )


def dense_net(n_classes, *args, **options):
    """skclf's dense classifier for so many classes."""
    from skclf import BinaryDenseClassifier, MulticlassDenseClassifier

    kind = BinaryDenseClassifier if n_classes == 2 else MulticlassDenseClassifier
    return kind(*args, **options, random_state=0)


class SkorchClassifier(ClassifierMixin, BaseEstimator):
    """A dense net of skorch and PyTorch with skclf's default sizes, batches and epochs, and Adam.

    skorch needs the numbers of features and classes in advance, and dense float32 rows.
    """

    def fit(self, X, y):
        """Make the net and train it."""
        import torch
        from skorch import NeuralNetClassifier
        from torch import nn

        torch.manual_seed(0)
        torch.set_num_threads(1)
        self.classes_ = np.unique(y)
        units = 16 if len(self.classes_) == 2 else 64
        module = nn.Sequential(
            nn.Linear(X.shape[1], units),
            nn.ReLU(),
            nn.Linear(units, units),
            nn.ReLU(),
            nn.Linear(units, len(self.classes_)),
        )
        self.net_ = NeuralNetClassifier(
            module,
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=0.001,
            max_epochs=20,
            batch_size=32,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        ).fit(np.asarray(X, dtype=np.float32), y.astype(np.int64))
        return self

    def predict_proba(self, X):
        """Probabilities, a column for each class."""
        return self.net_.predict_proba(np.asarray(X, dtype=np.float32)).astype(float)

    def predict(self, X):
        """The most probable class of each row."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def of_table(classifier):
    """The classifier behind the encoding of columns, numbers standardized."""
    return make_pipeline(encoded(StandardScaler()), classifier)


def _training(n_rows):
    """How the recipe trains its nets, whatever their layers."""
    return {
        "optimizer": "adam",
        "batch_size": min(256, max(16, n_rows // 16)),
        "epochs": 200,
        "validation_split": 0.2,
        "patience": 20,
        "random_state": 0,
    }


def recipe(n_rows, n_nets=5, **changes):
    """The nets of docs/guide/tables.rst: their mean probabilities.

    Parameters
    ----------
    n_rows : int
        Number of training rows.
    n_nets : int
    **changes
        Parameters of the nets that differ from the recipe's.
    """
    from skclf import MulticlassDenseClassifier

    net = MulticlassDenseClassifier((128, 128), activation="silu", dropout=0.1)
    net.set_params(**_training(n_rows)).set_params(**changes)
    return net if n_nets == 1 else BaggingClassifier(net, n_nets, bootstrap=False, random_state=0)


def scheduled(n_rows):
    """The recipe with ReLU and a learning rate that falls to 0 over its 200 epochs."""
    import keras

    training = _training(n_rows)
    n_trained = n_rows - n_rows // 5
    n_steps = training["epochs"] * -(-n_trained // training["batch_size"])
    schedule = keras.optimizers.schedules.CosineDecay(0.002, n_steps)
    return recipe(n_rows, activation="relu", learning_rate=schedule)


def smoothed(n_rows, n_classes):
    """The recipe with ReLU and smoothed labels, which need a net of one's own."""
    import keras

    from skclf import NetworkClassifier, network

    @network
    def hidden(inputs):
        x = inputs
        for _ in range(2):
            x = keras.layers.Dense(128, activation="relu")(x)
            x = keras.layers.Dropout(0.1)(x)
        return x

    losses = keras.losses
    loss = losses.BinaryCrossentropy if n_classes == 2 else losses.CategoricalCrossentropy
    net = NetworkClassifier(hidden(), loss=loss(label_smoothing=0.1), **_training(n_rows))
    return BaggingClassifier(net, 5, bootstrap=False, random_state=0)


def equal_mlp():
    """`MLPClassifier` that runs all its epochs, without its small L2 penalty."""
    return MLPClassifier(
        EQUAL_SIZES,
        alpha=0.0,
        max_iter=EQUAL_EPOCHS,
        n_iter_no_change=EQUAL_EPOCHS + 1,
        random_state=0,
    )


def equal_net(n_classes, **options):
    """skclf's net with `MLPClassifier`'s sizes, and as many epochs."""
    return dense_net(n_classes, EQUAL_SIZES, epochs=EQUAL_EPOCHS, **options)


def has_skorch():
    """Whether skorch and PyTorch are installed; says so if not."""
    found = all(map(find_spec, ("skorch", "torch")))
    if not found:
        print("skorch is left out, since skorch or torch is not installed.")
    return found


def for_tables():
    """The contenders on tables: functions of the numbers of rows and of classes."""
    found = {
        DEFAULTS: lambda n_rows, n_classes: of_table(dense_net(n_classes)),
        RECIPE: lambda n_rows, n_classes: of_table(recipe(n_rows)),
        MLP: lambda *_: of_table(MLPClassifier(random_state=0)),
        BOOSTING: lambda *_: HistGradientBoostingClassifier(random_state=0),
        LOGISTIC: lambda *_: of_table(LogisticRegression(max_iter=1000)),
        **for_equal(),
    }
    if has_skorch():
        found[SKORCH] = lambda *_: of_table(SkorchClassifier())
    return found


def for_equal():
    """skclf and `MLPClassifier` with the same sizes and number of epochs.

    Once with the same optimizer and batches too, and once with skclf's own.
    """
    return {
        EQUAL_SKCLF: lambda n_rows, n_classes: of_table(
            equal_net(n_classes, optimizer="adam", batch_size=min(200, n_rows))
        ),
        EQUAL_MLP: lambda *_: of_table(equal_mlp()),
        EQUAL_EPOCHS_SKCLF: lambda n_rows, n_classes: of_table(equal_net(n_classes)),
    }


def for_choices():
    """What the recipe was chosen from: one change at a time, with ReLU."""
    relu = {"activation": "relu"}
    changes = {
        "ReLU": {},
        "SiLU (the recipe)": {"activation": "silu"},
        "a single net": {"n_nets": 1},
        "three layers of 256": {"hidden_layer_sizes": (256, 256, 256)},
        "a single net, three layers of 256": {"hidden_layer_sizes": (256,) * 3, "n_nets": 1},
        "no dropout": {"dropout": 0.0},
        "dropout 0.3": {"dropout": 0.3},
        "learning rate 0.003": {"learning_rate": 0.003},
        "batches of 32": {"batch_size": 32},
        "validation split 0.1": {"validation_split": 0.1},
    }
    found = {
        name: lambda n_rows, n_classes, change=change: of_table(recipe(n_rows, **relu | change))
        for name, change in changes.items()
    }
    single = {"hidden_layer_sizes": (256,) * 3, "n_nets": 1} | relu
    normal = QuantileTransformer(n_quantiles=300, output_distribution="normal")
    found["a single net, three layers of 256, quantiles made normal"] = lambda n_rows, n_classes: (
        make_pipeline(encoded(normal), recipe(n_rows, **single))
    )
    hats = SplineTransformer(7, degree=1, extrapolation="constant")
    with_hats = make_union(StandardScaler(), make_pipeline(normal, hats))
    found["piecewise linear encoding added"] = lambda n_rows, n_classes: make_pipeline(
        encoded(with_hats), recipe(n_rows, **relu)
    )
    found["cosine schedule from 0.002"] = lambda n_rows, _: of_table(scheduled(n_rows))
    found["label smoothing 0.1"] = lambda n_rows, n_classes: of_table(smoothed(n_rows, n_classes))
    found[MLP] = lambda *_: of_table(MLPClassifier(random_state=0))
    found[BOOSTING] = lambda *_: HistGradientBoostingClassifier(random_state=0)
    return found


def for_unbalanced():
    """Class weights, and thresholds that are tuned on folds of the training rows."""

    def tuned(n_rows, n_classes):
        classifier = of_table(dense_net(n_classes))
        return TunedThresholdClassifierCV(
            classifier, scoring="balanced_accuracy", cv=3, random_state=0
        )

    return {
        DEFAULTS: lambda n_rows, n_classes: of_table(dense_net(n_classes)),
        "skclf, class_weight": lambda n_rows, n_classes: of_table(
            dense_net(n_classes, class_weight="balanced")
        ),
        "skclf, tuned threshold": tuned,
        MLP: lambda *_: of_table(MLPClassifier(random_state=0)),
        BOOSTING: lambda *_: HistGradientBoostingClassifier(random_state=0),
        f"{BOOSTING}, class_weight": lambda *_: HistGradientBoostingClassifier(
            class_weight="balanced", random_state=0
        ),
    }


def for_calibration():
    """Nets that were trained for long or for as long as validation rows say, and calibrated."""

    # Some tables are sorted, and the folds of an integer are not shuffled.
    folds = StratifiedKFold(3, shuffle=True, random_state=0)

    def calibrated(classifier):
        return CalibratedClassifierCV(classifier, method="temperature", cv=folds, ensemble=False)

    def long(n_rows, n_classes):
        return of_table(dense_net(n_classes, (64, 64), epochs=100))

    found = {"100 epochs": long, "the recipe": lambda n_rows, _: of_table(recipe(n_rows))}
    for name, make in list(found.items()):
        found[f"{name}, calibrated"] = lambda *numbers, make=make: calibrated(make(*numbers))
    return found


def for_images():
    """The contenders on rows of pixels from 0 to 1; the convolutional net reshapes them."""
    from skclf import ShapeConvClassifier

    found = {
        DEFAULTS: lambda n_rows, n_classes: dense_net(n_classes),
        RECIPE: lambda n_rows, n_classes: recipe(n_rows),
        CONV: lambda *_: ShapeConvClassifier(image_shape=(28, 28), random_state=0),
        MLP: lambda *_: MLPClassifier(random_state=0),
        BOOSTING: lambda *_: HistGradientBoostingClassifier(random_state=0),
        LOGISTIC: lambda *_: LogisticRegression(max_iter=1000),
    }
    return found | ({SKORCH: lambda *_: SkorchClassifier()} if has_skorch() else {})


def for_texts():
    """The contenders on tf-idf rows; only skorch needs them dense."""
    found = {
        DEFAULTS: lambda n_rows, n_classes: dense_net(n_classes),
        LOGISTIC: lambda *_: LogisticRegression(max_iter=1000),
        MLP: lambda *_: MLPClassifier(random_state=0),
        RECIPE: lambda n_rows, n_classes: recipe(n_rows),
    }
    dense = FunctionTransformer(lambda rows: rows.toarray())
    if has_skorch():
        found[SKORCH] = lambda *_: make_pipeline(dense, SkorchClassifier())
    return found
