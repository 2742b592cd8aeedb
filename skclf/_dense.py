"""Dense nets for two classes and for many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.sparse import issparse

from skclf._arguments import sizes
from skclf._base import NetClassifier
from skclf._constraints import StrOptions
from skclf._parameters import HiddenLayerParameters
from skclf._targets import Binary, Multiclass
from skclf.nets import Dense, Dropout, Layer, LayeredNet, penalties_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skclf._targets import Target
    from skclf._typing import Callback, LearningRateSchedule, Metric, Optimizer, RandomState, Sizes


def hidden_layers(classifier: Any) -> list[Layer]:
    """The hidden dense layers that a classifier's parameters describe."""
    layers: list[Layer] = []
    for units in sizes("hidden_layer_sizes", classifier.hidden_layer_sizes):
        layers.append(Dense(units, classifier.activation, penalties_of(classifier)))
        if classifier.dropout:
            layers.append(Dropout(float(classifier.dropout)))
    return layers


def output_layer(classifier: Any, target: Target) -> Dense:
    """The output layer for a target."""
    return Dense(target.n_outputs, target.head, penalties_of(classifier))


class DenseClassifier(HiddenLayerParameters, NetClassifier):
    """Base of the classifiers with hidden dense layers alone."""

    def _make_net(self, X, target):
        layers = (*hidden_layers(self), output_layer(self, target))
        return LayeredNet((X.shape[1],), layers, sparse=issparse(X))


class BinaryDenseClassifier(DenseClassifier):
    """Dense Keras net with one sigmoid unit, for two classes.

    Rows may be sparse: they stay so in training and prediction. A fitted classifier holds arrays
    alone and predicts without TensorFlow.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(16, 16)
        Units of each hidden dense layer; an int means one layer, ``()`` none.

    activation : str, default="relu"
        Name of a Keras activation, for every hidden layer.

    dropout : float, default=0.0
        Dropout rate after each hidden dense layer, at least 0 and below 1.

    l2 : float, default=0.0
        L2 penalty on the kernels of all layers, as `keras.regularizers.L2` defines it.

    optimizer : str or keras.optimizers.Optimizer, default="rmsprop"
        Keras's name of an optimizer, or an instance, which serves as a template and is not changed.

    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule, default=None
        None keeps the optimizer's own.

    loss : {"binary_crossentropy"}, default="binary_crossentropy"
        The loss that training minimizes.

    metrics : list or tuple of (str or keras.metrics.Metric), default=("accuracy",)
        Keras metrics, by name or as instances, for ``history_`` and ``evaluate``. They are weighted
        by ``sample_weight``, and not by ``class_weight``.

    epochs : int, default=20
        Passes over the data.

    batch_size : int, default=32
        Rows for each step of the optimizer.

    validation_split : float, default=0.0
        Share of the rows to hold out for validation, stratified by class and drawn with
        ``random_state``.

    patience : int, default=None
        Stop when the monitored validation value has not improved for this many epochs, and keep
        the weights of the best epoch.

    monitor : str or tuple (str, {"min", "max"}), default=None
        The validation value that ``patience`` follows: ``"val_loss"``, or ``"val_"`` and the name
        of one of ``metrics``. For a metric of your own, add whether its lowest or its highest value
        is best, such as ``("val_profit", "max")``. None follows ``refit_epoch`` if that is set,
        else ``"val_loss"``.

    refit_epoch : str or tuple (str, {"min", "max"}), default=None
        After the run with validation rows, train a new net from scratch on all rows, validation
        rows included, for as many epochs as were best by this value, which is given as in
        ``monitor``.

    keep_epochs : bool, default=False
        Whether to keep the weights of every epoch, for ``staged_predict_proba``.

    class_weight : dict or "balanced", default=None
        Weight of each class in the training loss, ``{label: weight}``; a label left out weighs 1.
        ``"balanced"`` weighs each class by ``n_samples / (n_classes * n_samples_of_class)``.

    callbacks : list or tuple of keras.callbacks.Callback, default=None
        Keras callbacks. Each fit trains with shallow copies: what a callback refers to, such as a
        list that it fills, is shared with your instance.

    warm_start : bool, default=False
        Whether ``fit`` goes on, for ``epochs`` more epochs, from where the last one ended.

    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, dropout, the order of the rows and the validation split. None
        draws new seeds for each fit, and not from NumPy's global generator.

    verbose : {0, 1, 2}, default=0
        1 shows one progress line with loss, metrics and time left; 2 prints a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where ``X`` was a DataFrame with string column names.

    history_ : pandas.DataFrame
        One row an epoch, index ``epoch`` from 1, columns as Keras names them: ``loss``,
        ``accuracy``, ``val_loss``, ``val_accuracy``.

    best_epoch_ : int
        The epoch with the best value of ``refit_epoch``, else of ``monitor``, else of
        ``"val_loss"``; without validation rows, the last one.

    n_epochs_ : int
        Number of epochs that the final weights were trained for.

    model_ : keras.Model
        The fitted net as a compiled Keras model, a new one at each access.

    See Also
    --------
    MulticlassDenseClassifier : The same for any number of classes.
    sklearn.neural_network.MLPClassifier : The dense net of scikit-learn itself.

    References
    ----------
    F. Chollet, "Deep Learning with Python", chapter 4: the net for the IMDB reviews.

    Examples
    --------
    >>> from skclf import BinaryDenseClassifier
    >>> from skclf.datasets import make_low_high
    >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
    >>> clf = BinaryDenseClassifier(learning_rate=0.01, random_state=0).fit(X / 100, y)
    >>> clf.predict([[0.9, 0.8, 0.7, 0.9], [0.1, 0.3, 0.2, 0.2]])
    array(['high', 'low'], dtype='<U4')
    >>> clf.predict_proba([[0.9, 0.8, 0.7, 0.9]]).shape
    (1, 2)
    """

    _parameter_constraints = {
        **HiddenLayerParameters._parameter_constraints,
        "loss": [StrOptions({"binary_crossentropy"})],
    }

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (16, 16),
        *,
        activation: str = "relu",
        dropout: float = 0.0,
        l2: float = 0.0,
        optimizer: str | Optimizer = "rmsprop",
        learning_rate: float | LearningRateSchedule | None = None,
        loss: str = "binary_crossentropy",
        metrics: Sequence[Metric] | None = ("accuracy",),
        epochs: int = 20,
        batch_size: int = 32,
        validation_split: float = 0.0,
        patience: int | None = None,
        monitor: str | tuple[str, str] | None = None,
        refit_epoch: str | tuple[str, str] | None = None,
        keep_epochs: bool = False,
        class_weight: dict[Any, float] | str | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        warm_start: bool = False,
        random_state: int | RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            l2=l2,
            optimizer=optimizer,
            learning_rate=learning_rate,
            loss=loss,
            metrics=metrics,
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            patience=patience,
            monitor=monitor,
            refit_epoch=refit_epoch,
            keep_epochs=keep_epochs,
            class_weight=class_weight,
            callbacks=callbacks,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
        )

    def _target_kind(self, n_classes=None):
        return Binary

    def _check_classes(self, classes):
        super()._check_classes(classes)
        if len(classes) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass: "
                f"got {len(classes)} classes. Use MulticlassDenseClassifier for them."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class MulticlassDenseClassifier(DenseClassifier):
    """Dense Keras net with a softmax unit for each class, for two or more classes.

    Rows may be sparse: they stay so in training and prediction. A fitted classifier holds arrays
    alone and predicts without TensorFlow.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64, 64)
        Units of each hidden dense layer; an int means one layer, ``()`` none.

    activation : str, default="relu"
        Name of a Keras activation, for every hidden layer.

    dropout : float, default=0.0
        Dropout rate after each hidden dense layer, at least 0 and below 1.

    l2 : float, default=0.0
        L2 penalty on the kernels of all layers, as `keras.regularizers.L2` defines it.

    optimizer : str or keras.optimizers.Optimizer, default="rmsprop"
        Keras's name of an optimizer, or an instance, which serves as a template and is not changed.

    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule, default=None
        None keeps the optimizer's own.

    loss : {"sparse_categorical_crossentropy", "categorical_crossentropy"}, \
            default="sparse_categorical_crossentropy"
        The loss that training minimizes. Both are the same function; the second one is given
        one-hot rows, which are made inside: ``y`` holds plain labels in either case.

    metrics : list or tuple of (str or keras.metrics.Metric), default=("accuracy",)
        Keras metrics, by name or as instances, for ``history_`` and ``evaluate``. They are weighted
        by ``sample_weight``, and not by ``class_weight``.

    epochs : int, default=20
        Passes over the data.

    batch_size : int, default=32
        Rows for each step of the optimizer.

    validation_split : float, default=0.0
        Share of the rows to hold out for validation, stratified by class and drawn with
        ``random_state``.

    patience : int, default=None
        Stop when the monitored validation value has not improved for this many epochs, and keep
        the weights of the best epoch.

    monitor : str or tuple (str, {"min", "max"}), default=None
        The validation value that ``patience`` follows: ``"val_loss"``, or ``"val_"`` and the name
        of one of ``metrics``. For a metric of your own, add whether its lowest or its highest value
        is best, such as ``("val_profit", "max")``. None follows ``refit_epoch`` if that is set,
        else ``"val_loss"``.

    refit_epoch : str or tuple (str, {"min", "max"}), default=None
        After the run with validation rows, train a new net from scratch on all rows, validation
        rows included, for as many epochs as were best by this value, which is given as in
        ``monitor``.

    keep_epochs : bool, default=False
        Whether to keep the weights of every epoch, for ``staged_predict_proba``.

    class_weight : dict or "balanced", default=None
        Weight of each class in the training loss, ``{label: weight}``; a label left out weighs 1.
        ``"balanced"`` weighs each class by ``n_samples / (n_classes * n_samples_of_class)``.

    callbacks : list or tuple of keras.callbacks.Callback, default=None
        Keras callbacks. Each fit trains with shallow copies: what a callback refers to, such as a
        list that it fills, is shared with your instance.

    warm_start : bool, default=False
        Whether ``fit`` goes on, for ``epochs`` more epochs, from where the last one ended.

    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, dropout, the order of the rows and the validation split. None
        draws new seeds for each fit, and not from NumPy's global generator.

    verbose : {0, 1, 2}, default=0
        1 shows one progress line with loss, metrics and time left; 2 prints a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where ``X`` was a DataFrame with string column names.

    history_ : pandas.DataFrame
        One row an epoch, index ``epoch`` from 1, columns as Keras names them: ``loss``,
        ``accuracy``, ``val_loss``, ``val_accuracy``.

    best_epoch_ : int
        The epoch with the best value of ``refit_epoch``, else of ``monitor``, else of
        ``"val_loss"``; without validation rows, the last one.

    n_epochs_ : int
        Number of epochs that the final weights were trained for.

    model_ : keras.Model
        The fitted net as a compiled Keras model, a new one at each access.

    See Also
    --------
    BinaryDenseClassifier : The same with one sigmoid unit, for two classes.
    sklearn.neural_network.MLPClassifier : The dense net of scikit-learn itself.

    References
    ----------
    F. Chollet, "Deep Learning with Python", chapter 4: the net for the Reuters topics.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skclf import MulticlassDenseClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MulticlassDenseClassifier(learning_rate=0.01, random_state=0)
    >>> clf = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> bool(clf.score(X, y) > 0.9)
    True
    """

    _parameter_constraints = {
        **HiddenLayerParameters._parameter_constraints,
        "loss": [StrOptions({"sparse_categorical_crossentropy", "categorical_crossentropy"})],
    }

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (64, 64),
        *,
        activation: str = "relu",
        dropout: float = 0.0,
        l2: float = 0.0,
        optimizer: str | Optimizer = "rmsprop",
        learning_rate: float | LearningRateSchedule | None = None,
        loss: str = "sparse_categorical_crossentropy",
        metrics: Sequence[Metric] | None = ("accuracy",),
        epochs: int = 20,
        batch_size: int = 32,
        validation_split: float = 0.0,
        patience: int | None = None,
        monitor: str | tuple[str, str] | None = None,
        refit_epoch: str | tuple[str, str] | None = None,
        keep_epochs: bool = False,
        class_weight: dict[Any, float] | str | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        warm_start: bool = False,
        random_state: int | RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            l2=l2,
            optimizer=optimizer,
            learning_rate=learning_rate,
            loss=loss,
            metrics=metrics,
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            patience=patience,
            monitor=monitor,
            refit_epoch=refit_epoch,
            keep_epochs=keep_epochs,
            class_weight=class_weight,
            callbacks=callbacks,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
        )

    def _target_kind(self, n_classes=None):
        return Multiclass
