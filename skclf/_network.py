"""A net whose body is written by the user."""

from __future__ import annotations

from math import prod
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from skclf._arguments import RealInterval
from skclf._array_errors import errors_that_name_the_fix
from skclf._base import NetClassifier
from skclf._bodies import body_maker
from skclf._constraints import HasMethods
from skclf._indicators import thresholds
from skclf._losses import loss_kind
from skclf._multilabel import label_names
from skclf._targets import Binary, Multiclass, Multilabel
from skclf.nets import OpaqueNet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skclf._bodies import Network
    from skclf._typing import (
        ArrayLike,
        Callback,
        LearningRateSchedule,
        Loss,
        Metric,
        Optimizer,
        RandomState,
    )

# float32 represents all integers up to this one exactly.
_LARGEST_WHOLE_NUMBER = 2**24


class NetworkClassifier(NetClassifier):
    """Keras net with layers of your own, for two or more classes or for several labels per row.

    You write the body of the net, a function from a Keras tensor to a Keras tensor, and the
    classifier adds the output layer: one sigmoid unit for two classes, a softmax unit for each of
    three or more classes, or with ``multilabel=True`` a sigmoid unit for each label. Rows can be
    table rows, sparse rows, images, or sequences of ids or vectors.

    Parameters
    ----------
    network : Network, callable or None, default=None
        What builds the body: an instance of a class created with the decorator `network`, an
        instance of your own subclass of `Network`, or a function ``body(inputs)``. Parameters of
        the first two can be searched over, for example as ``network__units``. None means a net
        of the output layer only.

    multilabel : bool, default=False
        Whether each row can have any number of labels. ``y`` is then an indicator matrix, and
        ``class_weight`` and ``validation_split`` work as in `MultilabelDenseClassifier`.

    threshold : float or array-like of float of shape (n_labels,), default=0.5
        Smallest probability at which a label is predicted: one number for all labels, or one for
        each label. Used only if ``multilabel=True``.

    optimizer : str or keras.optimizers.Optimizer, default="adam"
        Name of a Keras optimizer, or an instance. An instance serves as a template: each fit uses a
        copy of it.

    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule, default=None
        Learning rate of the optimizer. None keeps the rate that the optimizer has.

    loss : str, keras.losses.Loss or callable, default="auto"
        The loss that training minimizes: a name, an instance, or a function of ``(y_true,
        y_pred)``. ``y_pred`` holds probabilities. ``y_true`` holds class numbers for
        ``"sparse_categorical_crossentropy"``, a column of 0 and 1 for one sigmoid unit, a 0 or 1
        for each label if ``multilabel=True``, and one-hot rows otherwise. ``"auto"`` means the
        cross-entropy for the output layer described above.

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

    input_shape_ : tuple of int
        Shape of a row, ``X.shape[1:]``.

    label_names_ : ndarray of str of shape (n_labels,)
        Column names of ``y`` if it was a DataFrame, else the column numbers as strings. Defined
        only if ``multilabel=True``.

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
    network : Turn a function that builds a body into a class with parameters.
    MulticlassDenseClassifier : Dense net, without a body to write.
    SequencePadder : Pad sequences of ids to one length, for embedding layers.

    Notes
    -----
    The body is built anew in each fit, in float32. Initializers, dropout and augmentation layers
    without a seed of their own are seeded by ``random_state``. Weights that the body itself loads
    are kept, and layers with ``trainable=False`` stay frozen.

    The body gets rows in float32, which represents integers up to 2**24 exactly.

    If NumPy can compute all layers of a net, it predicts without loading TensorFlow and can be
    written as ONNX. Other nets predict through Keras.

    Examples
    --------
    >>> import keras
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skclf import NetworkClassifier, network
    >>> @network
    ... def dense(inputs, units=8):
    ...     x = keras.layers.BatchNormalization(momentum=0.9)(inputs)
    ...     return keras.layers.Dense(units, activation="relu")(x)
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = NetworkClassifier(dense(), learning_rate=0.02, epochs=30, random_state=0)
    >>> search = GridSearchCV(clf, {"network__units": [4, 16]}, cv=3).fit(X, y)
    >>> search.predict(X[[0, 50, 100]])
    array([0, 1, 2])
    """

    _target: Any
    input_shape_: tuple[int, ...]

    _parameter_constraints = {
        **NetClassifier._parameter_constraints,
        "network": [object],  # checked by `body_maker`, with errors that name the fix
        "multilabel": ["boolean"],
        "threshold": [RealInterval(Real, 0, 1, closed="both"), "array-like"],
        "loss": [str, HasMethods(["call", "get_config"]), callable],
    }

    def __init__(
        self,
        network: Network | Callable[[Any], Any] | None = None,
        *,
        multilabel: bool = False,
        threshold: float | ArrayLike = 0.5,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | LearningRateSchedule | None = None,
        loss: str | Loss | Callable[[Any, Any], Any] = "auto",
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
        self.network = network
        self.multilabel = multilabel
        self.threshold = threshold

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the classifier and of its network.

        Parameters
        ----------
        **params : dict
            For example ``epochs=5``, and ``network__units=8`` for a parameter of the network.

        Returns
        -------
        self : NetworkClassifier
            The classifier.

        Raises
        ------
        ValueError
            If there is no such parameter. A plain function has no parameters to set.

        Examples
        --------
        >>> import keras
        >>> from skclf import NetworkClassifier, network
        >>> @network
        ... def dense(inputs, units=64):
        ...     return keras.layers.Dense(units, activation="relu")(inputs)
        >>> NetworkClassifier(dense()).set_params(network__units=8, epochs=5)
        NetworkClassifier(epochs=5, network=dense(units=8))
        """
        network = params.get("network", self.network)
        nested = [name for name in params if name.startswith("network__")]
        if nested and not hasattr(network, "set_params"):
            found = "None" if network is None else f"a {type(network).__name__}"
            raise ValueError(
                f"Got {nested[0]} with {found} as network, which has no parameters to set; "
                "expected an instance of skclf.Network. Put the decorator @skclf.network in front "
                "of the function, and pass what a call of it returns."
            )
        return super().set_params(**params)

    @property
    def label_names_(self) -> np.ndarray:
        """Names of the labels; without names, their numbers as strings."""
        if not self.multilabel:
            raise AttributeError(
                "Got multilabel=False; label_names_ is defined only if multilabel=True."
            )
        return label_names(self)

    def _target_kind(self, n_classes=None):
        head = self._head_of_loss()
        if self.multilabel:
            return Multilabel
        one_unit = head == "sigmoid" or (head is None and n_classes == 2)
        return Binary if one_unit else Multiclass

    def _head_of_loss(self):
        """Activation of the output layer that the loss needs, or None if it works with both."""
        if isinstance(self.loss, str) and self.loss == "auto":
            return None
        kind = loss_kind(self.loss)
        if self.multilabel and kind.head == "softmax":
            raise ValueError(
                f"Got loss={_shown(self.loss)} with multilabel=True; expected 'auto' or another "
                "loss for independent probabilities, since a row can have several labels."
            )
        if self.multilabel and self.class_weight is not None and not kind.by_output:
            raise ValueError(
                f"Got class_weight with loss={_shown(self.loss)} and multilabel=True; expected a "
                "loss that is a mean over the labels, such as 'binary_crossentropy', or "
                "class_weight=None."
            )
        return kind.head

    def _make_net(self, X, target):
        maker = body_maker(self.network)
        return OpaqueNet(self.input_shape_, target.n_outputs, target.head, issparse(X), maker)

    def _loss(self, net):
        if not isinstance(self.loss, str) or self.loss != "auto":
            return self.loss
        is_sigmoid = net.head == "sigmoid"
        return "binary_crossentropy" if is_sigmoid else "sparse_categorical_crossentropy"

    def _check_classes(self, classes):
        super()._check_classes(classes)
        if not self.multilabel and self._head_of_loss() == "sigmoid" and len(classes) > 2:
            raise ValueError(
                f"Got loss={_shown(self.loss)} and {len(classes)} classes in y; expected 2 "
                "classes. Set loss='auto', which chooses the loss by the number of classes."
            )

    def _learn_target(self, y, classes):
        if self.multilabel:
            thresholds(self.threshold, len(classes))
        elif not isinstance(self.threshold, Real) or self.threshold != 0.5:
            raise ValueError(
                f"Got threshold={self.threshold!r} with multilabel=False; expected threshold=0.5, "
                "since the most probable class is predicted. To predict by another threshold, use "
                "sklearn.model_selection.FixedThresholdClassifier."
            )
        super()._learn_target(y, classes)

    def _labels_of(self, decision):
        if not self.multilabel:
            return super()._labels_of(decision)
        return self._target.labels(decision, thresholds(self.threshold, len(self.classes_)))

    def _validate_rows(self, X, y="no_validation", *, reset, dtype=np.float32):
        """Validate rows and return them flattened; set or check ``input_shape_``."""
        body_maker(self.network)  # first, since checking many rows takes longer
        _refuse_large_numbers(X)
        with errors_that_name_the_fix(X):
            dimensions = X.shape if hasattr(X, "shape") else np.asarray(X).shape
        name, is_checked = type(self).__name__, False
        if len(dimensions) > 2:
            with errors_that_name_the_fix(X):
                X = check_array(X, allow_nd=True, dtype=dtype, input_name="X", estimator=name)
            if not reset:
                self._check_shape(dimensions)
            X, is_checked = X.reshape(len(X), prod(dimensions[1:])), True
        elif not reset and len(self.input_shape_) > 1:
            self._check_shape(dimensions)
        X = self._validate_table(X, y, reset=reset, dtype=dtype, is_checked=is_checked)
        if reset:
            shape = dimensions[1:] if len(dimensions) > 2 else X.shape[1:]
            self.input_shape_ = tuple(map(int, shape))
        return X

    def _check_shape(self, dimensions):
        if dimensions[1:] == self.input_shape_:
            return
        if dimensions == self.input_shape_:
            raise ValueError(
                f"Got X of shape {dimensions}, which is the shape of a single row; expected a "
                "batch of rows. Pass X[np.newaxis]."
            )
        fix = ""
        if prod(dimensions[1:]) == prod(self.input_shape_):
            fix = f" Pass X.reshape({', '.join(map(str, (-1, *self.input_shape_)))})."
        raise ValueError(
            f"Got rows of shape {dimensions[1:]}; expected rows of shape {self.input_shape_}, on "
            f"which {type(self).__name__} was fitted.{fix}"
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        if self.multilabel:
            tags.classifier_tags.multi_class = False
            tags.classifier_tags.multi_label = True
        return tags


def _shown(loss):
    return repr(loss) if isinstance(loss, str) else type(loss).__name__


def _refuse_large_numbers(X):
    """Raise a ValueError if X holds integers that float32 can't tell apart."""
    if hasattr(X, "select_dtypes"):
        X = X.select_dtypes("integer").to_numpy()
    elif issparse(X):
        X = X.tocsr().data if X.dtype.kind in "iu" else np.empty(0)
    elif not hasattr(X, "dtype"):
        try:
            X = np.asarray(X)
        except ValueError:  # rows of different lengths, for which validation has a better error
            return
    if getattr(X.dtype, "kind", "") not in "iu" or not X.size:
        return
    largest = max(int(X.max()), -int(X.min()))
    if largest > _LARGEST_WHOLE_NUMBER:
        raise ValueError(
            f"Got integers up to {largest} in X; expected at most 2**24 = 16777216, since nets "
            "compute in float32, which can't tell larger ids apart. Renumber ids, for example with "
            "OrdinalEncoder; for measured values, pass X.astype(float)."
        )
