"""The place of a learning curve's legend: where it hides no point and no line."""

from __future__ import annotations

import numpy as np

# Where a legend may go; of equally empty corners, the first is used.
CORNERS = ("upper right", "lower right", "upper left", "lower left")
# Between the legend and the nearest curve, with room for the ring around the best epoch.
GAP_POINTS = 10
# Largest share of the axes' height that is kept free for the legend.
MOST_LEGEND = 0.6


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
        choices.append((stretched[1] - stretched[0], hides_best, corner, stretched))
    _, _, corner, stretched = min(choices, key=lambda choice: choice[:2])
    return corner, stretched


def place_legend(ax, epochs, values, best_epoch):
    """Put the legend where it hides least, and stretch the axis until it hides no curve."""
    legend = ax.legend(framealpha=1, edgecolor="none", facecolor=ax.get_facecolor())
    box, gap = legend.get_window_extent(), GAP_POINTS / 72 * ax.figure.dpi
    width = min((box.width + 2 * gap) / ax.bbox.width, 1)
    height = min((box.height + 2 * gap) / ax.bbox.height, MOST_LEGEND)
    # In the units of the axis's scale, which may be logarithmic.
    scale = ax.yaxis.get_transform()
    window = ax.get_xlim(), tuple(scale.transform(np.array(ax.get_ylim())))
    points = epochs, scale.transform(values)
    corner, limits = emptiest_corner(points, window, (width, height), best_epoch)
    legend.set_loc(corner)
    ax.set_ylim(scale.inverted().transform(np.array(limits)), auto=None)
