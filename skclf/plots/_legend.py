"""The legend of learning curves, and the room for it on the axis of values.

Axes that share their axis of values, as those of two nets beside each other often do, are stretched
together, so all their legends are placed anew with each display.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

# Where a legend may go; of equally empty corners, the first is used.
CORNERS = ("upper right", "lower right", "upper left", "lower left")
# Between the legend and the nearest curve, with room for the ring around the best epoch.
GAP_POINTS = 10
# Largest share of the axes' height that is kept free for the legend.
MOST_LEGEND = 0.6
# Above curves and below spines: the legend reaches to the edge of the axes, since otherwise dots of
# the line at the best epoch would be visible beyond it.
ZORDER = 2.4
# Two passes nearly always suffice, but large legends can make room in turn without end.
MOST_PASSES = 4
ANY = (-np.inf, np.inf)


@dataclass(frozen=True)
class Curves:
    """What the legend of some axes must not hide."""

    points: tuple[np.ndarray, np.ndarray]
    metric: str
    best_epoch: int | None


# The axes that displays have drawn on.
_drawn: WeakKeyDictionary = WeakKeyDictionary()


def possible_values(metric: str, values: np.ndarray) -> tuple[float, float]:
    """Limits beyond which the metric has no values, as far as the known ones show it.

    Parameters
    ----------
    metric : str
    values : ndarray of float

    Returns
    -------
    tuple (low, high)
    """
    known = values[np.isfinite(values)]
    if not len(known) or known.min() < 0:
        return ANY
    return 0, 1 if metric != "loss" and known.max() <= 1 else np.inf


def limits_with_room(
    limits: tuple[float, float], points: np.ndarray, share: float, at_top: bool
) -> tuple[float, float]:
    """Limits of an axis that leave a share of it free of points, at the top or at the bottom.

    Parameters
    ----------
    limits : tuple (low, high)
    points : ndarray of float
        Values of the points.
    share : float
        Between 0 and 1.
    at_top : bool

    Returns
    -------
    tuple (low, high)
        No narrower than ``limits``.
    """
    low, high = limits
    if not len(points):
        return limits
    if at_top:
        return low, max(high, low + (points.max() - low) / (1 - share))
    return min(low, high - (high - points.min()) / (1 - share)), high


def emptiest_corner(
    points: tuple[np.ndarray, np.ndarray],
    window: tuple[tuple[float, float], tuple[float, float]],
    shares: tuple[float, float],
    best_epoch: int | None = None,
    possible: tuple[float, float] = ANY,
) -> tuple[str, tuple[float, float]]:
    """The corner for a legend, and the limits that make room for it there.

    Parameters
    ----------
    points : tuple of two ndarray of float of shape (n_points,)
        Epochs and values; values may be NaN.
    window : tuple ((left, right), (low, high))
        Limits of the axes.
    shares : tuple of two float
        The legend's width and height as shares of the axes'.
    best_epoch : int or None
        The epoch whose line the legend should not hide, if possible.
    possible : tuple (low, high)
        Smallest and largest value of the metric. The axis shouldn't be stretched beyond them.

    Returns
    -------
    corner : str
        For example "upper right".
    limits : tuple (low, high)
        Limits of the axis of values at which the legend hides no point, and no line between two.
    """
    epochs, values = points
    (left, right), limits = window
    width, height = shares[0] * (right - left), shares[1]
    choices = []
    for corner in CORNERS:
        begin, end = (left, left + width) if "left" in corner else (right - width, right)
        # One epoch more on each side, for lines that enter from there.
        under = (epochs > begin - 1) & (epochs < end + 1) & np.isfinite(values)
        stretched = limits_with_room(limits, values[under], height, "upper" in corner)
        hides_best = best_epoch is not None and begin <= best_epoch <= end
        beyond = stretched[0] < min(limits[0], possible[0]) or stretched[1] > max(
            limits[1], possible[1]
        )
        order = beyond, stretched[1] - stretched[0], hides_best
        choices.append((order, corner, stretched))
    _, corner, stretched = min(choices, key=lambda choice: choice[0])
    return corner, stretched


def place_legend(ax, points, metric, best_epoch):
    """Put the legend where it hides least, and stretch the axis until it hides no curve.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    points : tuple of two ndarray of float of shape (n_points,)
        Epochs and values of all curves on the axes.
    metric : str
    best_epoch : int or None
    """
    style = {"edgecolor": "none", "facecolor": ax.get_facecolor(), "framealpha": 1}
    ax.legend(fancybox=False, borderaxespad=0, **style).set_zorder(ZORDER)
    _drawn[ax] = Curves(points, metric, best_epoch)
    figure = ax.figure.figure
    if (engine := figure.get_layout_engine()) is not None:
        # Otherwise the axes have the size that they have without a layout.
        engine.execute(figure)
    together = [each for each in ax.get_shared_y_axes().get_siblings(ax) if each in _drawn]
    for _ in range(MOST_PASSES):
        before = ax.get_ylim()
        for each in together:
            _place_on(each)
        if ax.get_ylim() == before:
            break


def _place_on(ax):
    curves, legend = _drawn[ax], ax.get_legend()
    if legend is None:
        return
    box, gap = legend.get_window_extent(), GAP_POINTS / 72 * ax.figure.dpi
    width = min((box.width + 2 * gap) / ax.bbox.width, 1)
    height = min((box.height + 2 * gap) / ax.bbox.height, MOST_LEGEND)
    # In the units of the axis's scale, which may be logarithmic.
    scale = ax.yaxis.get_transform()
    epochs, values = curves.points
    window = ax.get_xlim(), tuple(scale.transform(np.array(ax.get_ylim())))
    possible = tuple(scale.transform(np.array(possible_values(curves.metric, values))))
    corner, limits = emptiest_corner(
        (epochs, scale.transform(values)), window, (width, height), curves.best_epoch, possible
    )
    legend.set_loc(corner)
    ax.set_ylim(scale.inverted().transform(np.array(limits)), auto=None)
