"""A small convolutional net for images."""

from __future__ import annotations

from math import isqrt
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_array

from skclf._arguments import sizes
from skclf._array_errors import errors_that_name_the_fix
from skclf._base import NetClassifier
from skclf._constraints import Interval, StrOptions
from skclf._dense import hidden_layers, output_layer
from skclf._multilabel import label_names
from skclf._parameters import HiddenLayerParameters
from skclf._targets import Binary, Multiclass, Multilabel
from skclf.nets import Convolution, Flatten, LayeredNet, MaxPooling, penalties_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skclf._typing import Callback, LearningRateSchedule, Metric, Optimizer, RandomState, Sizes


def image_shape_of(X: np.ndarray, image_shape: Sequence[int] | None = None) -> tuple[int, ...]:
    """Height, width and number of channels of images.

    Parameters
    ----------
    X : ndarray of shape (n, height, width), (n, height, width, channels) or (n, n_values)
        Images, or flattened images.
    image_shape : tuple (height, width) or (height, width, channels), or None
        Shape of the images. With None, flattened rows whose length is a square number are taken
        as square grey images, and others as images with one row of pixels.

    Returns
    -------
    tuple of int
        ``(height, width, channels)``.

    Raises
    ------
    ValueError
        If ``X`` has another number of dimensions or doesn't match ``image_shape``, or if
        ``image_shape`` is None and the channels seem to come first.
    """
    if X.ndim not in (2, 3, 4):
        raise ValueError(
            f"Got X of shape {X.shape}; expected images of shape (n, height, width) or "
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
            f"Got image_shape={image_shape!r}; expected (height, width) or "
            "(height, width, channels)."
        )
    wanted = (*sizes("image_shape", image_shape), 1)[:3]
    if X.ndim > 2 and found != wanted:
        raise ValueError(
            f"Got images of shape {found} (height, width, channels); expected {wanted}, as in "
            "image_shape. Set image_shape=None to use the shape of the images."
        )
    if X.ndim == 2 and X.shape[1] != np.prod(wanted):
        raise ValueError(
            f"Got flattened rows of {X.shape[1]} values; expected {np.prod(wanted)}, since "
            f"image_shape={image_shape!r}."
        )
    return wanted


def _refuse_channels_first(shape):
    height, width, channels = shape
    if height in (1, 3, 4) and width > height and channels > 4:
        raise ValueError(
            f"Got images of shape {shape}, which seem to have their channels first; expected "
            "(height, width, channels). Pass np.moveaxis(X, 1, -1). If the images really are "
            f"{height} pixels high and have {channels} channels, set image_shape={shape}."
        )


class ShapeConvClassifier(HiddenLayerParameters, NetClassifier):
    """Small convolutional Keras net for images, with one class or several labels per image.

    The net has a block of convolution and max pooling for each entry of ``filters``, then dense
    layers, then the output layer: one sigmoid unit for two classes, a softmax unit for each of
    three or more classes, or with ``multilabel=True`` a sigmoid unit for each label. Convolutions
    and pooling pad the image (``padding="same"``), so images can have any size. Pixel values are
    used as they are; scale them to the range [0, 1] first.

    With the common activations, a fitted classifier predicts without loading TensorFlow.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(10,)
        Number of units in each hidden dense layer. An int means a single layer, ``()`` none.

    filters : int or array-like of int, default=(8,)
        Number of filters in each block of convolution and max pooling. An int means one block.

    kernel_size : int or tuple of (int, int), default=3
        Height and width of the convolution kernels, in pixels.

    pool_size : int or tuple of (int, int), default=2
        Height and width of the pooling windows, in pixels.

    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, channels)``, for images that come as flattened
        rows, such as from a `sklearn.pipeline.Pipeline`. With None, the shape is taken from
        ``X``: flattened rows whose length is a square number are treated as square grey images,
        other flattened rows as images with one row of pixels, and images whose channels seem to
        come first raise an error.

    multilabel : bool, default=False
        Whether each image can have any number of labels. ``y`` is then an indicator matrix, and
        ``class_weight`` and ``validation_split`` work as in `MultilabelDenseClassifier`.

    activation : str, default="relu"
        Name of a Keras activation, used in every hidden layer.

    dropout : float, default=0.0
        Dropout rate after each hidden dense layer, in the range [0, 1).

    l2 : float, default=0.0
        Factor of the L2 penalty on the kernels of all layers; see `keras.regularizers.L2`.

    optimizer : str or keras.optimizers.Optimizer, default="adam"
        Name of a Keras optimizer, or an instance. An instance serves as a template: each fit uses a
        copy of it.

    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule, default=None
        Learning rate of the optimizer. None keeps the rate that the optimizer has.

    loss : {"auto", "binary_crossentropy", "sparse_categorical_crossentropy", \
            "categorical_crossentropy"}, default="auto"
        The loss that training minimizes. ``"auto"`` means ``"binary_crossentropy"`` for two
        classes and for ``multilabel=True``, where the output units are sigmoids, and
        ``"sparse_categorical_crossentropy"`` with softmax for three or more classes.

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
        Number of values in an image: height x width x channels.

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

    image_shape_ : tuple of int
        Shape of the images: ``(height, width, channels)``.

    label_names_ : ndarray of str of shape (n_labels,)
        Column names of ``y`` if it was a DataFrame, else the column numbers as strings. Defined
        only if ``multilabel=True``.

    See Also
    --------
    MulticlassDenseClassifier : Dense net, for tables and sparse rows.
    NetworkClassifier : Net with layers of your own, for images too.

    Examples
    --------
    >>> from skclf import ShapeConvClassifier
    >>> from skclf.datasets import make_shapes
    >>> X, y = make_shapes(200, image_shape=(16, 16), radius=(3, 6), random_state=0,
    ...                    return_X_y=True)
    >>> clf = ShapeConvClassifier(learning_rate=0.01, random_state=0).fit(X, y)
    >>> clf.predict_proba(X[:5]).shape
    (5, 2)
    >>> y[:5], clf.predict(X[:5])
    (array([0, 0, 1, 0, 1]), array([0, 0, 1, 0, 1]))
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
        """Names of the labels; without names, their numbers as strings."""
        if not self.multilabel:
            raise AttributeError(
                "Got multilabel=False; label_names_ is defined only if multilabel=True."
            )
        return label_names(self)

    def _target_kind(self, n_classes=None):
        if self.multilabel:
            if self.loss not in ("auto", "binary_crossentropy"):
                raise ValueError(
                    f"Got loss={self.loss!r} with multilabel=True; expected 'auto' or "
                    "'binary_crossentropy', since an image can have several labels."
                )
            return Multilabel
        one_unit = self.loss == "binary_crossentropy" or (self.loss == "auto" and n_classes == 2)
        return Binary if one_unit else Multiclass

    def _make_net(self, X, target):
        filters = sizes("filters", self.filters)
        if not filters:
            raise ValueError(
                "Got filters=(); expected the number of filters of at least one block. For a net "
                "without convolutions, use MulticlassDenseClassifier."
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
                f"Got loss='binary_crossentropy' and {len(classes)} classes in y; expected 2 "
                "classes. Set loss='auto', which chooses the loss by the number of classes."
            )

    def _validate_rows(self, X, y="no_validation", *, reset, dtype=np.float32):
        """Validate images and return them flattened; set or check ``image_shape_``."""
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
                    f"Got images of shape {shape} (height, width, channels); expected images of "
                    f"shape {self.image_shape_}, on which {name} was fitted."
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
                f"Got X of shape {dimensions}, which is the shape of a single image; expected a "
                "batch of images. Pass X[np.newaxis]."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        if self.multilabel:
            tags.classifier_tags.multi_class = False
            tags.classifier_tags.multi_label = True
        return tags
