"""The learning curve of a fitted net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._best_epoch import best_label, number
from ._legend import place_legend
from ._shared import BLUE, VERMILION, check_matplotlib, final_estimator

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from skclf._typing import ArrayLike

MOST_MARKERS = 20
# By how much of the axes' width and height the ring may extend beyond them.
RING_ROOM = 0.05


def readable(metric: str) -> str:
    """Keras's name of a loss or metric as a label: ``"log_cosh"`` -> ``"Log cosh"``."""
    label = " ".join("AUC" if word == "auc" else word for word in metric.split("_"))
    return label[:1].upper() + label[1:]


def marked_places(values: np.ndarray, most: int = MOST_MARKERS) -> list[int]:
    """Positions of the points to mark: all of them, or some if there are many, and lone points.

    A point between two NaNs has no line, so only its marker shows it.

    Parameters
    ----------
    values : ndarray of float of shape (n_epochs,)
    most : int

    Returns
    -------
    list of int
    """
    known = np.isfinite(values)
    beside = np.concatenate([[False], known, [False]])
    lone = known & ~beside[:-2] & ~beside[2:]
    every = np.arange(len(values)) % -(-len(values) // most) == 0
    return np.flatnonzero(lone | every).tolist()


class HistoryDisplay:
    """Learning curve: a loss or metric at each epoch, on training and on validation rows.

    Use `from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    epochs : array-like of int of shape (n_epochs,)
        Numbers of the epochs.

    training : array-like of float of shape (n_epochs,)
        The metric on the training rows; NaN where it is unknown.

    validation : array-like of float of shape (n_epochs,), default=None
        The metric on the validation rows. If None, only the training curve is drawn.

    metric : str, default="loss"
        Keras's name of the metric.

    best_epoch : int, default=None
        The epoch to mark on the validation curve. If None, no epoch is marked.

    estimator_name : str, default=None
        Prefix of the curves' names, which tells displays on the same axes apart.

    best_label : str, default=None
        The best epoch's text in the legend, for example "lowest val_loss: epoch 35 (0.123)". If
        None, the text gives the epoch and the drawn validation value.

    Attributes
    ----------
    line_ : matplotlib.lines.Line2D
        The training curve.

    validation_line_ : matplotlib.lines.Line2D or None
        The validation curve.

    best_line_ : matplotlib.lines.Line2D or None
        The dotted line at the best epoch.

    best_marker_ : matplotlib.lines.Line2D or None
        The ring around the drawn validation value at the best epoch.

    ax_ : matplotlib.axes.Axes
        Axes with the curves.

    figure_ : matplotlib.figure.Figure
        Figure with the axes.

    See Also
    --------
    ImagePredictionsDisplay : Images with predicted labels.
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of training rows.

    Examples
    --------
    >>> from skclf import BinaryDenseClassifier
    >>> from skclf.datasets import make_low_high
    >>> from skclf.plots import HistoryDisplay
    >>> X, y = make_low_high(100, random_state=0, return_X_y=True)
    >>> clf = BinaryDenseClassifier(epochs=3, validation_split=0.2, random_state=0)
    >>> display = HistoryDisplay.from_estimator(clf.fit(X / 100, y), metric="loss")
    >>> display.ax_.get_ylabel()
    'Loss'
    >>> list(display.frame())
    ['loss', 'val_loss']
    """

    def __init__(
        self,
        *,
        epochs: ArrayLike,
        training: ArrayLike,
        validation: ArrayLike | None = None,
        metric: str = "loss",
        best_epoch: int | None = None,
        estimator_name: str | None = None,
        best_label: str | None = None,
    ) -> None:
        self.epochs = epochs
        self.training = training
        self.validation = validation
        self.metric = metric
        self.best_epoch = best_epoch
        self.estimator_name = estimator_name
        self.best_label = best_label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        metric: str = "loss",
        *,
        name: str | None = None,
        ax: Axes | None = None,
        train_kwargs: dict[str, Any] | None = None,
        validation_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the learning curve of a fitted classifier.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier of skclf, a fitted `~sklearn.pipeline.Pipeline` that ends in one,
            or a fitted search over either.

        metric : str, default="loss"
            A column of ``history_``, without the prefix ``val_``.

        name : str, default=None
            Prefix of the curves' names, which tells displays on the same axes apart.

        ax : matplotlib.axes.Axes, default=None
            Axes to draw in. If None, a new figure is created.

        train_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot` for the training curve.

        validation_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot` for the validation curve.

        Returns
        -------
        HistoryDisplay
            The display, drawn. It marks the estimator's ``best_epoch_``, whichever metric is drawn;
            the legend says which value was the lowest or highest at that epoch.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator has no ``history_``.
        ValueError
            If ``history_`` lacks the metric, or a search was made with ``refit=False``.

        Examples
        --------
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> from skclf.plots import HistoryDisplay
        >>> X, y = make_low_high(100, random_state=0, return_X_y=True)
        >>> clf = BinaryDenseClassifier(epochs=3, validation_split=0.2, random_state=0)
        >>> display = HistoryDisplay.from_estimator(clf.fit(X / 100, y), metric="accuracy")
        >>> display.ax_.get_ylabel()
        'Accuracy'
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        net = final_estimator(estimator)
        history = _history_of(net)
        metrics = [column for column in history if not column.startswith("val_")]
        if metric not in metrics:
            raise ValueError(
                f"Got metric={metric!r}; expected one of {metrics}. history_ has the columns "
                f"{list(history)}; those with val_ are drawn together with the others."
            )
        validation = history.get(f"val_{metric}")
        display = cls(
            epochs=history.index.to_numpy(),
            training=history[metric].to_numpy(),
            validation=None if validation is None else validation.to_numpy(),
            metric=metric,
            best_epoch=None if validation is None else int(net.best_epoch_),
            estimator_name=name,
            best_label=best_label(net, history),
        )
        return display.plot(ax, train_kwargs=train_kwargs, validation_kwargs=validation_kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        train_kwargs: dict[str, Any] | None = None,
        validation_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw in. If None, a new figure is created.

        train_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot` for the training curve.

        validation_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot` for the validation curve.

        Returns
        -------
        HistoryDisplay
            Itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.

        Examples
        --------
        >>> from skclf.plots import HistoryDisplay
        >>> display = HistoryDisplay(epochs=[1, 2], training=[0.7, 0.5], validation=[0.8, 0.6])
        >>> display = display.plot(validation_kwargs={"label": "held out"})
        >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
        ['training', 'held out']
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        training = {"color": BLUE, "linestyle": "--", "marker": "o"}
        training["markerfacecolor"] = ax.get_facecolor()
        self.line_ = self._draw("training", self.training, training, train_kwargs)
        self.validation_line_ = self.best_line_ = self.best_marker_ = None
        if self.validation is not None:
            held_out = {"color": VERMILION, "linestyle": "-", "marker": "s"}
            self.validation_line_ = self._draw(
                "validation", self.validation, held_out, validation_kwargs
            )
            self._mark_best_epoch()
        # Lines across the axes, such as ``axhline``, have a transform of their own, although it may
        # compare equal as long as the axes are empty.
        epochs, values = np.concatenate(
            [line.get_xydata() for line in ax.lines if line.get_transform() is ax.transData]
        ).T
        _style_axes(ax, readable(self.metric), epochs)
        best_epoch = None if self.best_line_ is None else self.best_epoch
        place_legend(ax, (epochs, values), self.metric, best_epoch)
        return self

    def frame(self) -> pd.DataFrame:
        """What is drawn, as a table.

        Returns
        -------
        pandas.DataFrame
            One row per epoch, with the index ``epoch``. The columns are named by the metric's Keras
            name and, if there are validation rows, by that name with the prefix ``val_``.

        Examples
        --------
        >>> from skclf.plots import HistoryDisplay
        >>> HistoryDisplay(epochs=[1, 2], training=[0.7, 0.5], validation=[0.8, 0.6]).frame()
               loss  val_loss
        epoch
        1       0.7       0.8
        2       0.5       0.6
        """
        import pandas as pd

        columns = {self.metric: self.training}
        if self.validation is not None:
            columns[f"val_{self.metric}"] = self.validation
        return pd.DataFrame(columns, index=pd.Index(self.epochs, name="epoch"))

    def _label(self, curve):
        return curve if self.estimator_name is None else f"{self.estimator_name}, {curve}"

    def _draw(self, curve, values, defaults, chosen):
        from matplotlib.cbook import normalize_kwargs
        from matplotlib.lines import Line2D

        values = np.asarray(values, dtype=float)
        # An alias among the user's keywords ("c") must replace the default under the full name.
        style = {
            "label": self._label(curve),
            "markersize": 5,
            "markevery": marked_places(values),
            **defaults,
            **normalize_kwargs(chosen, Line2D),
        }
        (line,) = self.ax_.plot(self.epochs, values, **style)
        return line

    def _mark_best_epoch(self):
        """Mark the best epoch, if its validation value is known."""
        from matplotlib import rcParams
        from matplotlib.transforms import Bbox, TransformedBbox

        at_best = np.asarray(self.epochs) == self.best_epoch
        value = np.asarray(self.validation, dtype=float)[at_best]
        if not np.isfinite(value).any():
            return
        label = self.best_label
        if label is None:
            label = f"best epoch: {self.best_epoch} (val_{self.metric} {number(value[0])})"
        # The colour of text is visible on dark styles too.
        style = {"color": rcParams["text.color"], "linestyle": ":", "linewidth": 1.3}
        self.best_line_ = self.ax_.axvline(self.best_epoch, zorder=1, **style)
        (marker,) = self.ax_.plot(
            [self.best_epoch],
            value[:1],
            marker="o",
            markersize=12,
            markerfacecolor="none",
            markeredgewidth=1.6,
            label=self._label(label),
            **style,
        )
        # The axes would cut the ring around a first or last epoch. Unclipped, it would be drawn
        # beside the axes when these are zoomed in.
        room = Bbox.from_extents(-RING_ROOM, -RING_ROOM, 1 + RING_ROOM, 1 + RING_ROOM)
        marker.set_clip_box(TransformedBbox(room, self.ax_.transAxes))
        self.best_marker_ = marker


def _history_of(net):
    import pandas as pd

    history = getattr(net, "history_", None)
    if isinstance(history, pd.DataFrame):
        return history
    if hasattr(type(net), "history_"):
        check_is_fitted(net)
    raise TypeError(
        f"Got {net!r}, which has no history_; expected a fitted classifier of skclf, a Pipeline "
        "that ends in one, or a search over either."
    )


def _style_axes(ax, ylabel, epochs):
    from matplotlib import rcParams
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel("Epoch")
    ax.set_ylabel(ylabel, labelpad=8)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    ax.grid(color=rcParams["text.color"], alpha=0.1, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    # A margin of less than one epoch keeps ticks away from epoch 0.
    first, last = epochs.min(), epochs.max()
    margin = min(0.5, 0.05 * (last - first)) or 0.5
    ax.set_xlim(first - margin, last + margin, auto=None)
