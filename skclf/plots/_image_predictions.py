"""Images with the labels that a fitted classifier predicts for them."""

from __future__ import annotations

from math import ceil, isqrt, prod, sqrt
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import _num_samples

from skclf._constraints import Interval, validate_params
from skclf._typing import keeps_type

from ._answers import OneLabel, SeveralLabels, answers_of
from ._shared import VERMILION, check_matplotlib, final_estimator
from ._titles import texts_and_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from skclf._typing import ArrayLike

# In points, between a title and its image.
TITLE_PAD = 6
# In inches: the width of a row of images, that of one image among many and among few, and the gap.
ROW_WIDTH, PLACE_WIDTHS, GAP = 6.4, (1.3, 2.4), 0.15
# Limits of the ratio of height to width of an image's place, which other images don't fill.
ASPECTS = (0.2, 3)


def grid_shape(n_images: int) -> tuple[int, int]:
    """Rows and columns of a square grid, or with one more column if that leaves no gaps."""
    side = ceil(sqrt(n_images))
    n_columns = side if n_images % (side + 1) else side + 1
    return ceil(n_images / n_columns), n_columns


def images_of(rows: np.ndarray, image_shape: Sequence[int] | None = None) -> np.ndarray:
    """Images to show, from images or flattened rows.

    Parameters
    ----------
    rows : ndarray of shape (n, height, width), (n, height, width, channels) or (n, n_values)
    image_shape : tuple (height, width) or (height, width, channels), or None
        Shape of flattened rows. If None, they are square grey images.

    Returns
    -------
    ndarray of shape (n, height, width) or (n, height, width, channels)
        With 3 or 4 channels, if there are any.

    Raises
    ------
    ValueError
        If the rows can't be shown as images.
    """
    if rows.ndim < 2:
        raise ValueError(
            f"Got X of shape {rows.shape}; expected images of shape (n, height, width) or (n, "
            "height, width, channels), or flattened images. If a step of a pipeline reads or makes "
            "the images, pass them with the pipeline's last step: from_estimator(pipeline[-1], "
            "images, y)."
        )
    if rows.ndim == 2:
        n_values = rows.shape[1]
        if image_shape is None:
            image_shape = (isqrt(n_values),) * 2
        image_shape = tuple(map(int, image_shape))  # products of NumPy's small integers overflow
        if prod(image_shape) != n_values:
            raise ValueError(
                f"Got flattened rows of {n_values} values, which don't form an image of shape "
                f"{image_shape}; expected as many values as an image has. Pass "
                "image_shape=(height, width) or (height, width, channels)."
            )
        rows = rows.reshape(len(rows), *image_shape)
    if rows.ndim == 4 and rows.shape[3] == 1:
        rows = rows[..., 0]
    if rows.ndim == 3 or (rows.ndim == 4 and rows.shape[3] in (3, 4)):
        return rows
    raise ValueError(
        f"Got X with images of shape {rows.shape[1:]}; expected (height, width) or (height, "
        "width, channels) with 1, 3 or 4 channels. If the channels come first, pass "
        "np.moveaxis(X, 1, -1)."
    )


def shown_range(images: np.ndarray) -> tuple[float, float]:
    """The values to show as black and as white, the same for all images.

    Returns
    -------
    tuple (low, high) of float
        (0, 1) for coloured images with values in this range and (0, 255) for coloured bytes, as in
        Matplotlib; otherwise the smallest and the largest value.
    """
    if images.ndim == 4 and images.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(np.nanmin(images)), float(np.nanmax(images))
    if low == high or (images.ndim == 4 and low >= 0 and high <= 1):
        return min(low, 0.0), max(high, 1.0)
    return low, high


class ImagePredictionsDisplay:
    """Images with the predicted labels and their probabilities above each.

    A title gives the predicted label and its probability, such as "1 (99%)". If the true labels are
    known, wrong predictions have a heavy frame and both labels in the title, such as "predicted 1
    (60%), true 0". With several labels per row, the title lists each predicted label with its
    probability, or reads "none"; the prediction is wrong if any of its labels is. Use
    `from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width) or \
            (n_images, height, width, channels)
        Grey images, or coloured ones with 3 or 4 channels.

    predicted : array-like of shape (n_images,) or (n_images, n_labels)
        The predicted labels; with several labels per row, an indicator of 0 and 1.

    probability : array-like of float of shape (n_images,) or (n_images, n_labels)
        The probabilities of the predicted labels; with several labels per row, those of all labels.

    label : array-like of shape (n_images,) or (n_images, n_labels), default=None
        The true labels in the form of ``predicted``, if they are known.

    label_names : array-like of str of shape (n_labels,), default=None
        With several labels per row, the names of the columns. If None, "label 0", "label 1", ...

    Attributes
    ----------
    axes_ : ndarray of matplotlib.axes.Axes of shape (n_images,)
        Axes of each image.

    ax_ : ndarray of matplotlib.axes.Axes of shape (n_images,)
        The same array, under the name that scikit-learn's displays use.

    figure_ : matplotlib.figure.Figure
        Figure with the axes.

    See Also
    --------
    HistoryDisplay : Learning curve of a fitted net.
    sklearn.metrics.ConfusionMatrixDisplay : How often each class is predicted as each other class.

    Examples
    --------
    >>> from skclf import ShapeConvClassifier
    >>> from skclf.datasets import make_shapes
    >>> from skclf.plots import ImagePredictionsDisplay
    >>> X, y = make_shapes(80, image_shape=(16, 16), radius=(3, 6), random_state=0,
    ...                    return_X_y=True)
    >>> clf = ShapeConvClassifier(epochs=3, random_state=0).fit(X, y)
    >>> display = ImagePredictionsDisplay.from_estimator(clf, X, y, n_images=6)
    >>> display.axes_.shape
    (6,)
    >>> list(display.frame())
    ['image', 'predicted', 'probability', 'label', 'correct']

    With several labels per row:

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> shapes = make_shapes(80, image_shape=(16, 16), radius=(3, 6), multilabel=True,
    ...                      random_state=0)
    >>> X, y = shapes.data.reshape(80, -1), shapes.target
    >>> display = ImagePredictionsDisplay.from_estimator(
    ...     KNeighborsClassifier().fit(X, y), X, y, label_names=shapes.target_names
    ... )
    >>> list(display.frame())
    ['image', 'predicted', 'p_square', 'p_circle', 'label', 'correct']
    """

    def __init__(
        self,
        *,
        images: ArrayLike,
        predicted: ArrayLike,
        probability: ArrayLike,
        label: ArrayLike | None = None,
        label_names: ArrayLike | None = None,
    ) -> None:
        self.images = images
        self.predicted = predicted
        self.probability = probability
        self.label = label
        self.label_names = label_names

    @classmethod
    @keeps_type(
        validate_params(
            {
                "n_images": [Interval(Integral, 1, None, closed="left")],
                "image_shape": ["array-like", None],
                "label_names": ["array-like", None],
            },
            prefer_skip_nested_validation=False,
        )
    )
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        n_images: int = 16,
        image_shape: Sequence[int] | None = None,
        label_names: ArrayLike | None = None,
        fig: Figure | None = None,
    ) -> Self:
        """Predict the first images and draw them.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier with ``predict_proba``, such as `skclf.ShapeConvClassifier`, a
            fitted `~sklearn.pipeline.Pipeline` that ends in one, or a fitted search over either.

        X : array-like of shape (n_samples, height, width), \
                (n_samples, height, width, channels) or (n_samples, n_features)
            Images, in the form that the estimator takes.

        y : array-like of shape (n_samples,) or {array-like, sparse matrix} of shape \
                (n_samples, n_labels), default=None
            The true labels of all of ``X``; an indicator if the estimator predicts several labels
            per row.

        n_images : int, default=16
            Number of images to draw. If ``X`` has fewer, all are drawn.

        image_shape : tuple (height, width) or (height, width, channels), default=None
            Shape of flattened rows. If None, it is the fitted ``image_shape_`` of the estimator, or
            of the last step of a pipeline, provided that a row has as many values; otherwise rows
            are square grey images.

        label_names : array-like of str of shape (n_labels,), default=None
            The names of the labels, for an estimator that predicts several labels per row. If None,
            they are the fitted ``label_names_`` of the estimator, or of the last step of a
            pipeline; otherwise labels are numbered.

        fig : matplotlib.figure.Figure or matplotlib.figure.SubFigure, default=None
            Empty figure to draw in. If None, a new one is created.

        Returns
        -------
        ImagePredictionsDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator has no ``predict_proba``.
        ValueError
            If ``n_images`` is below 1, if ``X`` is empty or can't be shown as images, if ``y``
            differs from ``X`` in length or from the predictions in form, if the estimator has seen
            none of the labels in ``y``, or if the numbers of ``label_names`` and labels differ.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skclf.plots import ImagePredictionsDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> clf = KNeighborsClassifier(1).fit(X[100:], y[100:])
        >>> display = ImagePredictionsDisplay.from_estimator(clf, X[:100], y[:100], n_images=3)
        >>> [ax.get_title() for ax in display.axes_]
        ['0 (100%)', '1 (100%)', '2 (100%)']
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        last = final_estimator(estimator)
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(f"Got {last!r}, which has no predict_proba; expected a classifier.")
        shown = np.arange(min(n_images, _num_samples(X)))
        if not len(shown):
            raise ValueError("Got an X without rows; expected at least one image.")
        if y is not None:
            check_consistent_length(X, y)
        rows = _safe_indexing(X, shown)
        values = np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows)
        fitted_shape = getattr(last, "image_shape_", ())
        if image_shape is None and prod(fitted_shape) == prod(values.shape[1:]):
            image_shape = fitted_shape
        images = images_of(values, image_shape)
        answers = answers_of(estimator, last, rows, y, label_names)
        display = cls(
            images=images,
            predicted=answers.predicted,
            probability=answers.probability,
            label=answers.label,
            label_names=answers.label_names,
        )
        return display.plot(fig)

    def plot(self, fig: Figure | None = None) -> Self:
        """Draw the images in a grid.

        Parameters
        ----------
        fig : matplotlib.figure.Figure or matplotlib.figure.SubFigure, default=None
            Empty figure to draw in. If None, a new one is created. A figure without a layout engine
            gets the constrained layout.

        Returns
        -------
        ImagePredictionsDisplay
            Itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skclf.plots import ImagePredictionsDisplay
        >>> display = ImagePredictionsDisplay(
        ...     images=np.zeros((2, 8, 8)), predicted=["cat", "dog"], probability=[0.9, 0.6]
        ... )
        >>> [ax.get_title() for ax in display.plot().axes_]
        ['cat (90%)', 'dog (60%)']
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        images = np.asarray(self.images)
        n_rows, n_columns = grid_shape(len(images))
        if fig is None:
            place = float(np.clip(ROW_WIDTH / n_columns, *PLACE_WIDTHS))
        else:
            place = fig.bbox.width / fig.dpi / n_columns
        answers = self._answers()
        titles, size = texts_and_size(answers.titles(), 72 * (place - GAP))
        if fig is None:
            fig = _new_figure(images.shape[1] / images.shape[2], titles, size, n_columns, place)
        elif fig.get_layout_engine() is None:
            # Without one, titles would overlap the images above them.
            fig.figure.set_layout_engine("constrained")
        self.figure_ = fig
        grid = fig.subplots(n_rows, n_columns, squeeze=False).ravel()
        for unused in grid[len(images) :]:
            unused.remove()
        self.axes_ = self.ax_ = grid[: len(images)]
        low, high = shown_range(images)
        if images.ndim == 4:
            images = np.clip((images - low) / (high - low), 0, 1)
        for ax, image, title, wrong in zip(
            self.axes_, images, titles, answers.wrong(), strict=True
        ):
            ax.imshow(image, cmap="gray", vmin=low, vmax=high)
            ax.set_title(title, fontsize=size, pad=TITLE_PAD, parse_math=False)
            # At the top of its place: a centred image lowers its title while the constrained layout
            # measures it, which then leaves too little room for it.
            ax.set_anchor("N")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set(color=VERMILION if wrong else "0.6", linewidth=4 if wrong else 0.8)
        return self

    def frame(self) -> pd.DataFrame:
        """What is drawn, as a table.

        Returns
        -------
        pandas.DataFrame
            One row per image, with the columns ``image`` (its row in ``X``), ``predicted`` and
            ``probability``, and if the true labels are known, ``label`` and ``correct``. With
            several labels per row, ``predicted`` and ``label`` hold tuples of names, and instead of
            ``probability`` there is a column ``p_<name>`` with the probability of each label.

        Examples
        --------
        >>> import numpy as np
        >>> from skclf.plots import ImagePredictionsDisplay
        >>> display = ImagePredictionsDisplay(
        ...     images=np.zeros((2, 8, 8)), predicted=["cat", "dog"], probability=[0.9, 0.6],
        ...     label=["cat", "cat"],
        ... )
        >>> display.frame()
           image predicted  probability label  correct
        0      0       cat          0.9   cat     True
        1      1       dog          0.6   cat    False
        """
        import pandas as pd

        columns = {"image": np.arange(len(self.predicted))} | self._answers().columns()
        return pd.DataFrame(columns)

    def _answers(self):
        if np.ndim(self.predicted) == 2:
            return SeveralLabels(self.predicted, self.probability, self.label, self.label_names)
        return OneLabel(self.predicted, self.probability, self.label)


def _new_figure(aspect, titles, size, n_columns, place):
    """A new figure, in which each row of images is as high as its titles require."""
    import matplotlib.pyplot as plt

    image_height = (place - GAP) * float(np.clip(aspect, *ASPECTS))
    lines = [title.count("\n") + 1 for title in titles]
    highest = [max(lines[start : start + n_columns]) for start in range(0, len(lines), n_columns)]
    height = sum(image_height + (1.25 * size * count + TITLE_PAD) / 72 + GAP for count in highest)
    figure = plt.figure(figsize=(n_columns * place, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=GAP / 2, h_pad=GAP / 2)
    return figure
