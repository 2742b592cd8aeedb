"""A dense net for several labels a row."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skclf._arguments import RealInterval
from skclf._constraints import StrOptions
from skclf._dense import DenseClassifier
from skclf._indicators import thresholds
from skclf._parameters import HiddenLayerParameters
from skclf._targets import Multilabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skclf._typing import (
        ArrayLike,
        Callback,
        LearningRateSchedule,
        Metric,
        Optimizer,
        RandomState,
        Sizes,
    )


def label_names(estimator: Any) -> np.ndarray:
    """Names of the labels of a fitted estimator, or their numbers as strings."""
    check_is_fitted(estimator)
    target = estimator._target
    return np.array(target.names or list(map(str, target.classes)), dtype=object)


class MultilabelDenseClassifier(DenseClassifier):
    """Dense Keras net with a sigmoid unit for each label, for any number of labels a row.

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

    loss : {"binary_crossentropy"}, default="binary_crossentropy"
        The loss that training minimizes: the mean over the labels, as in Keras.

    threshold : float or array-like of float of shape (n_labels,), default=0.5
        Probability from which on a label is predicted; a number for all labels or one for each.

    metrics : list or tuple of (str or keras.metrics.Metric), default=("accuracy",)
        Keras metrics, by name or as instances, for ``history_`` and ``evaluate``. They are weighted
        by ``sample_weight``, and not by ``class_weight``.

    epochs : int, default=20
        Passes over the data.

    batch_size : int, default=32
        Rows for each step of the optimizer.

    validation_split : float, default=0.0
        Share of the rows to hold out for validation, drawn with ``random_state`` by iterative
        stratification, so that each label has its share of positives.

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
        Weight of each label's positives in the training loss, ``{label: weight}``, by name or
        number; a label left out weighs 1. With ``"balanced"`` the positives and the negatives of a
        label weigh the same in sum.

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
    classes_ : ndarray of int of shape (n_labels,)
        Numbers of the labels.

    label_names_ : ndarray of str of shape (n_labels,)
        Names of the columns of ``y``, where it was a DataFrame, else their numbers.

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
    MulticlassDenseClassifier : For one label a row.
    sklearn.multioutput.ClassifierChain : Several classifiers that see each other's labels.
    sklearn.preprocessing.MultiLabelBinarizer : Makes an indicator matrix of sets of labels.

    References
    ----------
    K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the Stratification of Multi-Label Data", ECML
    PKDD 2011: how ``validation_split`` is drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from skclf import MultilabelDenseClassifier
    >>> X, y = make_multilabel_classification(
    ...     300, n_features=10, n_classes=3, random_state=0
    ... )
    >>> clf = MultilabelDenseClassifier(learning_rate=0.01, random_state=0).fit(X, y)
    >>> clf.predict(X[:2]).shape, clf.predict_proba(X[:2]).shape
    ((2, 3), (2, 3))
    >>> bool((clf.predict(X) == y).mean() > 0.8)
    True
    """

    _target: Multilabel

    _parameter_constraints = {
        **HiddenLayerParameters._parameter_constraints,
        "loss": [StrOptions({"binary_crossentropy"})],
        "threshold": [RealInterval(Real, 0, 1, closed="both"), "array-like"],
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
        loss: str = "binary_crossentropy",
        threshold: float | ArrayLike = 0.5,
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
        self.threshold = threshold

    @property
    def label_names_(self) -> np.ndarray:
        """Names of the labels."""
        return label_names(self)

    def _target_kind(self, n_classes=None):
        return Multilabel

    def _learn_target(self, y, classes):
        thresholds(self.threshold, len(classes))
        super()._learn_target(y, classes)

    def _labels_of(self, decision):
        limits = thresholds(self.threshold, len(self.classes_))
        return self._target.labels(decision, limits)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.multi_label = True
        return tags
