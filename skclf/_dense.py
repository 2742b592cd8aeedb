"""Dense nets for two classes and for two or more classes."""

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
    """The hidden dense and dropout layers, from the parameters of a classifier."""
    layers: list[Layer] = []
    for units in sizes("hidden_layer_sizes", classifier.hidden_layer_sizes):
        layers.append(Dense(units, classifier.activation, penalties_of(classifier)))
        if classifier.dropout:
            layers.append(Dropout(float(classifier.dropout)))
    return layers


def output_layer(classifier: Any, target: Target) -> Dense:
    """The output layer that a target needs."""
    return Dense(target.n_outputs, target.head, penalties_of(classifier))


class DenseClassifier(HiddenLayerParameters, NetClassifier):
    """Base class of the classifiers whose hidden layers are all dense."""

    def _make_net(self, X, target):
        layers = (*hidden_layers(self), output_layer(self, target))
        return LayeredNet((X.shape[1],), layers, sparse=issparse(X))


class BinaryDenseClassifier(DenseClassifier):
    """Dense Keras net with one sigmoid unit, for two classes.

    Sparse rows are never made dense, neither in training nor in prediction. With the common
    activations, a fitted classifier predicts without loading TensorFlow.
    The default layers and optimizer are those of the net for IMDB reviews in chapter 4 of [1]_.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(16, 16)
        Number of units in each hidden dense layer. An int means a single layer, ``()`` none.

    activation : str, default="relu"
        Name of a Keras activation, used in every hidden layer.

    dropout : float, default=0.0
        Dropout rate after each hidden dense layer, in the range [0, 1).

    l2 : float, default=0.0
        Factor of the L2 penalty on the kernels of all layers; see `keras.regularizers.L2`.

    optimizer : str or keras.optimizers.Optimizer, default="rmsprop"
        Name of a Keras optimizer, or an instance. An instance serves as a template: each fit uses a
        copy of it.

    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule, default=None
        Learning rate of the optimizer. None keeps the rate that the optimizer has.

    loss : {"binary_crossentropy"}, default="binary_crossentropy"
        The loss that training minimizes.

    metrics : list or tuple of (str or keras.metrics.Metric), default=("accuracy",)
        Keras metrics, by name or as instances, computed in ``history_`` and by ``evaluate``. They
        are weighted by ``sample_weight``, but not by ``class_weight``.

    epochs : int, default=20
        Number of passes over the training rows.

    batch_size : int, default=32
        Number of rows in each step of the optimizer.

    validation_split : float, default=0.0
        Fraction of the rows to hold out for validation, in the range [0, 1). They are stratified by
        class and drawn with ``random_state``.

    patience : int, default=None
        Number of epochs without improvement of the monitored validation value after which training
        stops. The net then has the weights of the best epoch. None trains for all ``epochs``.

    monitor : str or tuple of (str, str), default=None
        The validation value that ``patience`` follows: ``"val_loss"``, or ``"val_"`` and the name
        of one of ``metrics``. For a custom metric, add whether its lowest or its highest value is
        best, such as ``("val_profit", "max")``. None uses ``refit_epoch`` if that is set, else
        ``"val_loss"``.

    refit_epoch : str or tuple of (str, str), default=None
        If set, a first run with validation rows finds the epoch with the best value of
        ``refit_epoch``. A new net is then trained from scratch for that many epochs on all rows,
        including the validation rows. The value is named as in ``monitor``. None trains a single
        net.

    keep_epochs : bool, default=False
        Whether to keep the weights of every epoch, which ``staged_predict_proba`` needs.

    class_weight : dict or "balanced", default=None
        Weight of each class in the training loss, as ``{label: weight}``. Labels that are left out
        have weight 1. ``"balanced"`` uses ``n_samples / (n_classes * n_samples_of_class)``, where a
        row counts by its ``sample_weight``.

    callbacks : keras.callbacks.Callback, or list or tuple of them, default=None
        Keras callbacks. Each fit uses shallow copies: objects that a callback refers to, such as a
        list that it fills, are shared with your instance.

    warm_start : bool, default=False
        Whether each call of ``fit`` continues training where the last one ended, for ``epochs``
        more epochs.

    random_state : int, numpy.random.RandomState or None, default=None
        Seeds the initial weights, dropout, the order of the rows and the validation split. Pass an
        int for reproducible results. None draws new seeds in each fit, without using NumPy's global
        generator.

    verbose : {0, 1, 2}, default=0
        0 prints nothing, 1 shows one progress line with loss, metrics and the time left, and 2
        prints a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.

    n_features_in_ : int
        Number of features seen during ``fit``.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features. Defined only if ``X`` was a DataFrame whose column names are all
        strings.

    history_ : pandas.DataFrame
        Loss and metrics of each epoch. The index, ``epoch``, starts at 1, and the columns have
        Keras's names: ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``. With ``refit_epoch``,
        these are the epochs of the first run.

    best_epoch_ : int
        The epoch with the best value of ``refit_epoch`` if that is set, else of ``monitor``, else
        of ``"val_loss"``. Without validation rows, the last epoch.

    n_epochs_ : int
        Number of epochs that the final weights were trained for.

    model_ : keras.Model
        The fitted net as a compiled Keras model, created anew at each access.

    See Also
    --------
    MulticlassDenseClassifier : Dense net with softmax, for two or more classes.
    sklearn.neural_network.MLPClassifier : Dense net implemented by scikit-learn.

    References
    ----------
    .. [1] François Chollet, "Deep Learning with Python", 2nd edition, Manning, 2021.

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
                "Only binary classification is supported. The type of the target is multiclass. "
                f"Got {len(classes)} classes; expected 2. Use MulticlassDenseClassifier instead."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class MulticlassDenseClassifier(DenseClassifier):
    """Dense Keras net with a softmax unit for each class, for two or more classes.

    Sparse rows are never made dense, neither in training nor in prediction. With the common
    activations, a fitted classifier predicts without loading TensorFlow.
    The default layers and optimizer are those of the net for Reuters newswires in chapter 4 of
    [1]_.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64, 64)
        Number of units in each hidden dense layer. An int means a single layer, ``()`` none.

    activation : str, default="relu"
        Name of a Keras activation, used in every hidden layer.

    dropout : float, default=0.0
        Dropout rate after each hidden dense layer, in the range [0, 1).

    l2 : float, default=0.0
        Factor of the L2 penalty on the kernels of all layers; see `keras.regularizers.L2`.

    optimizer : str or keras.optimizers.Optimizer, default="rmsprop"
        Name of a Keras optimizer, or an instance. An instance serves as a template: each fit uses a
        copy of it.

    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule, default=None
        Learning rate of the optimizer. None keeps the rate that the optimizer has.

    loss : {"sparse_categorical_crossentropy", "categorical_crossentropy"}, \
            default="sparse_categorical_crossentropy"
        The loss that training minimizes. Both names stand for the same function;
        ``"categorical_crossentropy"`` is computed from one-hot targets, which are created
        internally. ``y`` holds plain labels in either case.

    metrics : list or tuple of (str or keras.metrics.Metric), default=("accuracy",)
        Keras metrics, by name or as instances, computed in ``history_`` and by ``evaluate``. They
        are weighted by ``sample_weight``, but not by ``class_weight``.

    epochs : int, default=20
        Number of passes over the training rows.

    batch_size : int, default=32
        Number of rows in each step of the optimizer.

    validation_split : float, default=0.0
        Fraction of the rows to hold out for validation, in the range [0, 1). They are stratified by
        class and drawn with ``random_state``.

    patience : int, default=None
        Number of epochs without improvement of the monitored validation value after which training
        stops. The net then has the weights of the best epoch. None trains for all ``epochs``.

    monitor : str or tuple of (str, str), default=None
        The validation value that ``patience`` follows: ``"val_loss"``, or ``"val_"`` and the name
        of one of ``metrics``. For a custom metric, add whether its lowest or its highest value is
        best, such as ``("val_profit", "max")``. None uses ``refit_epoch`` if that is set, else
        ``"val_loss"``.

    refit_epoch : str or tuple of (str, str), default=None
        If set, a first run with validation rows finds the epoch with the best value of
        ``refit_epoch``. A new net is then trained from scratch for that many epochs on all rows,
        including the validation rows. The value is named as in ``monitor``. None trains a single
        net.

    keep_epochs : bool, default=False
        Whether to keep the weights of every epoch, which ``staged_predict_proba`` needs.

    class_weight : dict or "balanced", default=None
        Weight of each class in the training loss, as ``{label: weight}``. Labels that are left out
        have weight 1. ``"balanced"`` uses ``n_samples / (n_classes * n_samples_of_class)``, where a
        row counts by its ``sample_weight``.

    callbacks : keras.callbacks.Callback, or list or tuple of them, default=None
        Keras callbacks. Each fit uses shallow copies: objects that a callback refers to, such as a
        list that it fills, are shared with your instance.

    warm_start : bool, default=False
        Whether each call of ``fit`` continues training where the last one ended, for ``epochs``
        more epochs.

    random_state : int, numpy.random.RandomState or None, default=None
        Seeds the initial weights, dropout, the order of the rows and the validation split. Pass an
        int for reproducible results. None draws new seeds in each fit, without using NumPy's global
        generator.

    verbose : {0, 1, 2}, default=0
        0 prints nothing, 1 shows one progress line with loss, metrics and the time left, and 2
        prints a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.

    n_features_in_ : int
        Number of features seen during ``fit``.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features. Defined only if ``X`` was a DataFrame whose column names are all
        strings.

    history_ : pandas.DataFrame
        Loss and metrics of each epoch. The index, ``epoch``, starts at 1, and the columns have
        Keras's names: ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``. With ``refit_epoch``,
        these are the epochs of the first run.

    best_epoch_ : int
        The epoch with the best value of ``refit_epoch`` if that is set, else of ``monitor``, else
        of ``"val_loss"``. Without validation rows, the last epoch.

    n_epochs_ : int
        Number of epochs that the final weights were trained for.

    model_ : keras.Model
        The fitted net as a compiled Keras model, created anew at each access.

    See Also
    --------
    BinaryDenseClassifier : Dense net with one sigmoid unit, for two classes.
    sklearn.neural_network.MLPClassifier : Dense net implemented by scikit-learn.

    References
    ----------
    .. [1] François Chollet, "Deep Learning with Python", 2nd edition, Manning, 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skclf import MulticlassDenseClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MulticlassDenseClassifier(learning_rate=0.01, random_state=0)
    >>> clf = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> clf.predict(X[[0, 50, 100]])
    array([0, 1, 2])
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
