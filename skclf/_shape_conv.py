"""A small convolutional net for images."""

from __future__ import annotations

from math import isqrt
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_array

from skclf._arguments import sizes
from skclf._base import NetClassifier
from skclf._constraints import Interval, StrOptions
from skclf._dense import hidden_layers, output_layer
from skclf._fitted import errors_that_name_the_fix
from skclf._multilabel import label_names
from skclf._parameters import HiddenLayerParameters
from skclf._targets import Binary, Multiclass, Multilabel
from skclf.nets import Convolution, Flatten, LayeredNet, MaxPooling, penalties_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skclf._typing import Callback, LearningRateSchedule, Metric, Optimizer, RandomState, Sizes


def image_shape_of(X: np.ndarray, image_shape: Sequence[int] | None = None) -> tuple[int, ...]:
    """Height, width and channels of images.

    Parameters
    ----------
    X : ndarray of shape (n, height, width), (n, height, width, channels) or (n, n_values)
    image_shape : tuple (height, width) or (height, width, channels), or None
        None takes flattened rows for square grey images where their length is a square number,
        else for images of one row of pixels.

    Returns
    -------
    tuple (height, width, channels)

    Raises
    ------
    ValueError
        If ``X`` has another number of dimensions, does not fit ``image_shape``, or seems to have
        its channels first where no ``image_shape`` says otherwise.
    """
    if X.ndim not in (2, 3, 4):
        raise ValueError(
            f"Got X with shape {X.shape}; images must be of shape (n, height, width) or "
            "(n, height, width, channels), or flattened rows of shape (n, n_values)."
        )
    if X.ndim > 2:
        found = (*X.shape[1:], 1)[:3]
    elif image_shape is None:
        side = isqrt(X.shape[1])
        found = (side, side, 1) if side * side == X.shape[1] else (1, X.shape[1], 1)
    if image_shape is None:
        _refuse_channels_first(found)
        return found
    if len(image_shape) not in (2, 3):
        raise ValueError(
            f"Got image_shape={image_shape!r}; it must be (height, width) or "
            "(height, width, channels)."
        )
    wanted = (*sizes("image_shape", image_shape), 1)[:3]
    if X.ndim > 2 and found != wanted:
        raise ValueError(
            f"Got images of shape {found} (height, width, channels), and image_shape says "
            f"{wanted}. Leave image_shape at None to take it from the images."
        )
    if X.ndim == 2 and X.shape[1] != np.prod(wanted):
        raise ValueError(
            f"Got flattened rows of {X.shape[1]} values, and image_shape={image_shape!r} has "
            f"{np.prod(wanted)}."
        )
    return wanted


def _refuse_channels_first(shape):
    height, width, channels = shape
    if height in (1, 3, 4) and width > height and channels > 4:
        raise ValueError(
            f"Got images of shape {shape}, with the channels first as it seems; expected (height, "
            "width, channels). Pass np.moveaxis(X, 1, -1), or set "
            f"image_shape={shape} where images are {height} pixels high and have {channels} "
            "channels."
        )


class ShapeConvClassifier(HiddenLayerParameters, NetClassifier):
    """Small convolutional Keras net for images, with two or more classes.

    A block of convolution and max-pooling for each entry of ``filters``, dense layers, and one
    sigmoid unit for two classes or a softmax unit for each of more. Convolutions and pooling pad
    the image (``padding="same"``), so that images of any size pass. Pixels are used as they are:
    scale them to between 0 and 1 before.

    A fitted classifier holds arrays alone and predicts without TensorFlow.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(10,)
        Units of each hidden dense layer; an int means one layer, ``()`` none.

    filters : int or array-like of int, default=(8,)
        Filters of each block of convolution and max-pooling; an int means one block.

    kernel_size : int or tuple (height, width), default=3
        Size of the convolutions' kernels, in pixels.

    pool_size : int or tuple (height, width), default=2
        Size of the pooling windows, in pixels.

    image_shape : tuple (height, width) or (height, width, channels), default=None
        For rows that arrive flattened, as a Pipeline delivers them. None takes the shape from
        ``X``; flattened rows then are square grey images where their length is a square number,
        else images of one row of pixels, and images whose channels seem to come first are refused.

    multilabel : bool, default=False
        Whether an image has any number of labels; ``y`` then is an indicator matrix, as
        `MultilabelDenseClassifier` takes it. By default each image has one label.

    activation : str, default="relu"
        Name of a Keras activation, for every hidden layer.

    dropout : float, default=0.0
        Dropout rate after each hidden dense layer, at least 0 and below 1.

    l2 : float, default=0.0
        L2 penalty on the kernels of all layers, as `keras.regularizers.L2` defines it.

    optimizer : str or keras.optimizers.Optimizer, default="adam"
        Keras's name of an optimizer, or an instance, which serves as a template and is not changed.

    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule, default=None
        None keeps the optimizer's own.

    loss : {"auto", "binary_crossentropy", "sparse_categorical_crossentropy", \
            "categorical_crossentropy"}, default="auto"
        The loss that training minimizes. ``"auto"`` is ``"binary_crossentropy"`` with one sigmoid
        unit for two classes and for several labels an image, and
        ``"sparse_categorical_crossentropy"`` with softmax for more classes.

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
        Number of values of an image, height x width x channels.

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

    image_shape_ : tuple (height, width, channels)
        Shape of the images.

    label_names_ : ndarray of str of shape (n_labels,)
        With ``multilabel=True``, names of the columns of ``y``, where it was a DataFrame, else
        their numbers.

    See Also
    --------
    MulticlassDenseClassifier : Dense net, which knows nothing of neighbouring pixels.

    Examples
    --------
    >>> from skclf import ShapeConvClassifier
    >>> from skclf.datasets import make_shapes
    >>> X, y = make_shapes(200, image_shape=(16, 16), radius=(3, 6), random_state=0,
    ...                    return_X_y=True)
    >>> clf = ShapeConvClassifier(learning_rate=0.01, random_state=0).fit(X, y)
    >>> clf.predict_proba(X[:5]).shape
    (5, 2)
    >>> bool(clf.score(X, y) > 0.9)
    True
    """

    image_shape_: tuple[int, ...]

    _parameter_constraints = {
        **HiddenLayerParameters._parameter_constraints,
        "filters": ["array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": ["array-like", Interval(Integral, 1, None, closed="left")],
        "pool_size": ["array-like", Interval(Integral, 1, None, closed="left")],
        "image_shape": ["array-like", None],
        "multilabel": ["boolean"],
        "loss": [
            StrOptions(
                {
                    "auto",
                    "binary_crossentropy",
                    "sparse_categorical_crossentropy",
                    "categorical_crossentropy",
                }
            )
        ],
    }
    _accept_sparse = False

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (10,),
        *,
        filters: Sizes = (8,),
        kernel_size: Sizes = 3,
        pool_size: Sizes = 2,
        image_shape: Sequence[int] | None = None,
        multilabel: bool = False,
        activation: str = "relu",
        dropout: float = 0.0,
        l2: float = 0.0,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | LearningRateSchedule | None = None,
        loss: str = "auto",
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
        self.filters = filters
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.image_shape = image_shape
        self.multilabel = multilabel

    @property
    def label_names_(self) -> np.ndarray:
        """Names of the labels."""
        if not self.multilabel:
            raise AttributeError("label_names_ is there with multilabel=True alone.")
        return label_names(self)

    def _target_kind(self, n_classes=None):
        if self.multilabel:
            if self.loss not in ("auto", "binary_crossentropy"):
                raise ValueError(
                    f"Got loss={self.loss!r} with multilabel=True; expected 'auto' or "
                    "'binary_crossentropy', since the labels of a row don't exclude each other."
                )
            return Multilabel
        one_unit = self.loss == "binary_crossentropy" or (self.loss == "auto" and n_classes == 2)
        return Binary if one_unit else Multiclass

    def _make_net(self, X, target):
        filters = sizes("filters", self.filters)
        if not filters:
            raise ValueError(
                "Got filters=(), which leaves no convolution; give the filters of at least one "
                "block, or use MulticlassDenseClassifier."
            )
        height, width = sizes("kernel_size", self.kernel_size, length=2)
        pool_height, pool_width = sizes("pool_size", self.pool_size, length=2)
        pooling = MaxPooling((pool_height, pool_width))
        penalties, layers = penalties_of(self), []
        for count in filters:
            layers += [Convolution(count, (height, width), self.activation, penalties), pooling]
        layers += [Flatten(), *hidden_layers(self), output_layer(self, target)]
        return LayeredNet(self.image_shape_, tuple(layers))

    def _loss(self, net):
        if self.loss != "auto":
            return self.loss
        is_sigmoid = net.output_layer.activation == "sigmoid"
        return "binary_crossentropy" if is_sigmoid else "sparse_categorical_crossentropy"

    def _check_classes(self, classes):
        super()._check_classes(classes)
        if self.loss == "binary_crossentropy" and len(classes) > 2 and not self.multilabel:
            raise ValueError(
                f"loss='binary_crossentropy' is for two classes and y holds {len(classes)}; "
                "loss='auto' chooses by their number."
            )

    def _validate_rows(self, X, y="no_validation", *, reset, dtype=np.float32):
        """Flattened images; sets or checks their shape."""
        shape, is_checked = None, False
        with errors_that_name_the_fix(X):
            dimensions = X.shape if hasattr(X, "shape") else np.asarray(X).shape
        if len(dimensions) > 2:
            with errors_that_name_the_fix(X):
                name = type(self).__name__
                X = check_array(X, allow_nd=True, dtype=dtype, input_name="X", estimator=name)
            shape = image_shape_of(X, self.image_shape)
            if not reset and shape != self.image_shape_:
                self._refuse_one(dimensions)
                raise ValueError(
                    f"Got images of shape {shape} (height, width, channels); {name} was fitted on "
                    f"images of shape {self.image_shape_}."
                )
            X, is_checked = X.reshape(len(X), -1), True
        elif not reset and dimensions[1:] != (self.n_features_in_,):
            self._refuse_one(dimensions)
        X = self._validate_table(X, y, reset=reset, dtype=dtype, is_checked=is_checked)
        if reset:
            self.image_shape_ = shape or image_shape_of(X, self.image_shape)
        return X

    def _refuse_one(self, dimensions):
        if dimensions in (self.image_shape_, self.image_shape_[:2]):
            raise ValueError(
                f"Got X of shape {dimensions}, which is that of a single image: pass a batch of "
                "one, X[np.newaxis]."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        if self.multilabel:
            tags.classifier_tags.multi_class = False
            tags.classifier_tags.multi_label = True
        return tags
