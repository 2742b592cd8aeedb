"""A dense net for several labels per row."""

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
    """Names of the labels of a fitted estimator; without names, their numbers as strings."""
    check_is_fitted(estimator)
    target = estimator._target
    return np.array(target.names or list(map(str, target.classes)), dtype=object)


class MultilabelDenseClassifier(DenseClassifier):
    """Dense Keras net with a sigmoid unit for each label, for any number of labels per row.

    Sparse rows are never made dense, neither in training nor in prediction. With the common
    activations, a fitted classifier predicts without loading TensorFlow.

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

    loss : {"binary_crossentropy"}, default="binary_crossentropy"
        The loss that training minimizes, averaged over the labels.

    threshold : float or array-like of float of shape (n_labels,), default=0.5
        Smallest probability at which a label is predicted: one number for all labels, or one for
        each label.

    metrics : list or tuple of (str or keras.metrics.Metric), default=("accuracy",)
        Keras metrics, by name or as instances, computed in ``history_`` and by ``evaluate``. They
        are weighted by ``sample_weight``, but not by ``class_weight``.

    epochs : int, default=20
        Number of passes over the training rows.

    batch_size : int, default=32
        Number of rows in each step of the optimizer.

    validation_split : float, default=0.0
        Fraction of the rows to hold out for validation, in the range [0, 1). They are drawn with
        ``random_state`` by iterative stratification [1]_, so that each label keeps its proportion
        of positives.

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
        Weight of each label's positives in the training loss, as ``{label: weight}``, where a label
        is given by column name or number. Labels that are left out have weight 1. With
        ``"balanced"``, the positives and the negatives of each label have the same total weight.

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
    classes_ : ndarray of int of shape (n_labels,)
        Column numbers of the labels: 0, 1, ..., ``n_labels - 1``.

    label_names_ : ndarray of str of shape (n_labels,)
        Column names of ``y`` if it was a DataFrame, else the column numbers as strings.

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
    MulticlassDenseClassifier : Dense net for one label per row.
    sklearn.multioutput.ClassifierChain : Predict labels with a chain of binary classifiers.
    sklearn.preprocessing.MultiLabelBinarizer : Convert sets of labels to an indicator matrix.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the Stratification of Multi-Label Data",
       ECML PKDD 2011.

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
    >>> clf.label_names_
    array(['0', '1', '2'], dtype=object)
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
        """Names of the labels; without names, their numbers as strings."""
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
