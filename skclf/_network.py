"""A net with a body of the user's own."""

from __future__ import annotations

from math import prod
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from skclf._arguments import RealInterval
from skclf._base import NetClassifier
from skclf._bodies import body_maker
from skclf._constraints import HasMethods
from skclf._fitted import errors_that_name_the_fix
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

# Whole numbers up to this one are exact in float32.
_LARGEST_WHOLE_NUMBER = 2**24


class NetworkClassifier(NetClassifier):
    """Keras net with a body of your own, for two classes, for more, or for several labels a row.

    The body is a function of Keras tensors; the classifier adds the output layer. The rows may be
    tables, sparse rows, images, sequences of ids or of vectors.

    Parameters
    ----------
    network : Network, callable or None, default=None
        What builds the body: an instance of a class that `network` has made of a function, whose
        parameters can be searched as ``network__units``; an instance of your own subclass of
        `Network`; or a function ``body(inputs)``. None is the output layer alone.

    multilabel : bool, default=False
        Whether ``y`` is an indicator matrix, of any number of labels a row.

    threshold : float or array-like of shape (n_labels,), default=0.5
        With ``multilabel=True``, the least probability at which a label is predicted: a number, or
        one for each label.

    optimizer : str or keras.optimizers.Optimizer, default="adam"
        Keras's name of an optimizer, or an instance, which serves as a template and is not changed.

    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule, default=None
        None keeps the optimizer's own.

    loss : str, keras.losses.Loss or callable, default="auto"
        The loss that training minimizes: a name, an instance, or a function of ``(y_true,
        y_pred)``. It is given probabilities, and the targets that it expects: class numbers for
        ``"sparse_categorical_crossentropy"``, a column of 0 and 1 for one sigmoid unit, 0 and 1 for
        each label, and one-hot rows otherwise. ``"auto"`` is the cross-entropy that suits ``y``:
        with one sigmoid unit for two classes, and a softmax unit for each of more.

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

    input_shape_ : tuple of int
        Shape of a row.

    label_names_ : ndarray of shape (n_labels,)
        With ``multilabel=True``, the column names of ``y``, or else the numbers as strings.

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
    network : Make a class of a function that builds a body.
    MulticlassDenseClassifier : A net of dense layers.
    SequencePadder : Rows of ids of one length.

    Notes
    -----
    The body is built anew for each fit, in float32. All that draws numbers in it without a seed of
    its own, such as initializers, dropout and augmentation, draws by ``random_state``. Weights that
    the body itself loads stay as they are loaded, and layers with ``trainable=False`` stay frozen.

    Rows are handed to the body in float32, which is exact for whole numbers up to 2**24.

    A net of layers that NumPy can compute predicts without TensorFlow, and goes to ONNX; others
    predict through Keras.

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
    >>> bool(search.best_score_ > 0.85)
    True
    """

    _target: Any
    input_shape_: tuple[int, ...]

    _parameter_constraints = {
        **NetClassifier._parameter_constraints,
        "network": [object],  # `body_maker` says more
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

    @property
    def label_names_(self) -> np.ndarray:
        """Names of the labels."""
        if not self.multilabel:
            raise AttributeError("label_names_ is there with multilabel=True alone.")
        return label_names(self)

    def _target_kind(self, n_classes=None):
        head = self._head_of_loss()
        if self.multilabel:
            return Multilabel
        one_unit = head == "sigmoid" or (head is None and n_classes == 2)
        return Binary if one_unit else Multiclass

    def _head_of_loss(self):
        """Activation of the output layer that the loss needs, or None where both will do."""
        if isinstance(self.loss, str) and self.loss == "auto":
            return None
        kind = loss_kind(self.loss)
        if self.multilabel and kind.head == "softmax":
            raise ValueError(
                f"Got loss={_shown(self.loss)} with multilabel=True; expected 'auto' or another "
                "loss of independent probabilities, since the labels of a row don't exclude each "
                "other."
            )
        if self.multilabel and self.class_weight is not None and not kind.by_output:
            raise ValueError(
                f"Got class_weight with loss={_shown(self.loss)} and multilabel=True; expected a "
                "loss that is a mean over labels, such as 'binary_crossentropy', or "
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
                f"loss={_shown(self.loss)} is for two classes and y holds {len(classes)}; "
                "loss='auto' chooses by their number."
            )

    def _learn_target(self, y, classes):
        if self.multilabel:
            thresholds(self.threshold, len(classes))
        elif not isinstance(self.threshold, Real) or self.threshold != 0.5:
            raise ValueError(
                f"Got threshold={self.threshold!r} with multilabel=False, where the most probable "
                "class is predicted; leave threshold=0.5, or use "
                "sklearn.model_selection.FixedThresholdClassifier."
            )
        super()._learn_target(y, classes)

    def _labels_of(self, decision):
        if not self.multilabel:
            return super()._labels_of(decision)
        return self._target.labels(decision, thresholds(self.threshold, len(self.classes_)))

    def _validate_rows(self, X, y="no_validation", *, reset, dtype=np.float32):
        """Flattened rows; sets or checks their shape."""
        body_maker(self.network)  # or the rows would be looked through in vain
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
                f"Got X of shape {dimensions}, which is that of a single row: pass a batch of one, "
                "X[np.newaxis]."
            )
        fix = ""
        if prod(dimensions[1:]) == prod(self.input_shape_):
            fix = f" Pass X.reshape({', '.join(map(str, (-1, *self.input_shape_)))})."
        raise ValueError(
            f"Got rows of shape {dimensions[1:]}; {type(self).__name__} was fitted on rows of "
            f"shape {self.input_shape_}.{fix}"
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
    """Raise a ValueError about whole numbers that float32 can't tell apart."""
    if hasattr(X, "select_dtypes"):
        X = X.select_dtypes("integer").to_numpy()
    elif issparse(X):
        X = X.tocsr().data if X.dtype.kind in "iu" else np.empty(0)
    elif not hasattr(X, "dtype"):
        try:
            X = np.asarray(X)
        except ValueError:  # rows of different lengths, of which more is said later
            return
    if getattr(X.dtype, "kind", "") not in "iu" or not X.size:
        return
    largest = max(int(X.max()), -int(X.min()))
    if largest > _LARGEST_WHOLE_NUMBER:
        raise ValueError(
            f"Got whole numbers up to {largest} in X; nets compute in float32, where ids are told "
            "apart up to 2**24 = 16777216. Give ids smaller numbers, for example with "
            "OrdinalEncoder; of measured values pass X.astype(float)."
        )
