"""Scores of predicted probabilities, and tests on mean ranks over many data sets."""

import numpy as np
from scipy import stats


def expected_calibration_error(y, probabilities, n_bins=15):
    """How far confidence and accuracy are apart, on average over the rows.

    The confidence in a row is the probability of its predicted class. Rows are binned by it, in
    bins of equal width; each bin counts by its number of rows.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
        Numbers of the columns of `probabilities`.
    probabilities : ndarray, shape (n_rows, n_classes)
    n_bins : int

    Returns
    -------
    float

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks", ICML.
    """
    confidence = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == y
    # Bins hold their upper ends, as in the paper: (0, 1/15], (1/15, 2/15], ...
    bins = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    gaps = np.bincount(bins, is_right - confidence, n_bins)
    return float(np.abs(gaps).sum() / len(y))


def log_loss(y, probabilities):
    """Mean negative logarithm of the probability of each row's class; 0 counts as 1e-15."""
    of_class = np.clip(probabilities[np.arange(len(y)), y], 1e-15, 1)
    return float(-np.log(of_class).mean())


def balanced_accuracy(y, predicted):
    """Mean over the classes of the share of their rows that are predicted right."""
    return float(np.mean([(predicted[y == label] == label).mean() for label in np.unique(y)]))


def scores(y, predicted, probabilities):
    """Error, log loss and balanced accuracy, by name."""
    return {
        "error": float((predicted != y).mean()),
        "log_loss": log_loss(y, probabilities),
        "balanced_accuracy": balanced_accuracy(y, predicted),
    }


def mean_ranks(values):
    """Mean rank of each column over the rows; the lowest value has rank 1, ties share theirs.

    Parameters
    ----------
    values : array-like, shape (n_sets, n_contenders)

    Returns
    -------
    ndarray, shape (n_contenders,)
    """
    return stats.rankdata(values, axis=1).mean(axis=0)


def friedman_p_value(values):
    """Probability of ranks at least so different, if all contenders were equally good."""
    return float(stats.friedmanchisquare(*np.transpose(values)).pvalue)


def critical_difference(n_contenders, n_sets, alpha=0.05):
    """Mean ranks further apart than this differ by the Nemenyi test.

    References
    ----------
    Demšar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7.
    """
    quantile = stats.studentized_range.ppf(1 - alpha, n_contenders, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(n_contenders * (n_contenders + 1) / (6 * n_sets)))


def alike(ranks, difference):
    """The largest groups of contenders whose mean ranks are at most `difference` apart.

    Parameters
    ----------
    ranks : ndarray, in ascending order
    difference : float

    Returns
    -------
    list of tuple (int, int)
        First and last position of each group of two or more.
    """
    groups = []
    for first, rank in enumerate(ranks):
        last = int(np.searchsorted(ranks, rank + difference, side="right")) - 1
        if last > first and not (groups and groups[-1][1] >= last):
            groups.append((first, last))
    return groups


def draw_ranks(ax, names, ranks, difference):
    """Draw a critical-difference diagram: names at their mean ranks, bars over those alike."""
    order = np.argsort(ranks)
    names, ranks = [names[place] for place in order], np.asarray(ranks)[order]
    n, n_left = len(names), (len(names) + 1) // 2
    lowest, highest = 1, n
    ax.axis("off")
    ax.plot([lowest, highest], [0, 0], color="black", linewidth=1)
    for tick in range(lowest, highest + 1):
        ax.plot([tick, tick], [0, 0.12], color="black", linewidth=1)
        ax.text(tick, 0.22, str(tick), ha="center", va="bottom", fontsize=10)
    groups = alike(ranks, difference)
    for level, (first, last) in enumerate(groups):
        height = -0.25 - 0.22 * level
        ends = [ranks[first] - 0.03, ranks[last] + 0.03]
        ax.plot(ends, [height] * 2, color="tab:red", linewidth=3, solid_capstyle="round")
    below = 0.25 + 0.22 * len(groups)
    ax.set(xlim=(lowest - 1.9, highest + 1.9), ylim=(-below - 0.55 * n_left, 1.3))
    for place, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        is_left = place < n_left
        height = -below - 0.55 * (place if is_left else n - 1 - place) - 0.2
        end = lowest - 0.1 if is_left else highest + 0.1
        ax.plot([rank, rank, end], [0, height, height], color="tab:blue", linewidth=1)
        ax.plot(rank, 0, "o", color="tab:blue", markersize=4)
        label = f"{name} {rank:.2f}"
        beside = end - 0.05 if is_left else end + 0.05
        ax.text(beside, height, label, ha="right" if is_left else "left", va="center", fontsize=10)
    ax.plot([lowest, lowest + difference], [0.95, 0.95], color="tab:red", linewidth=3)
    ax.text(lowest + difference + 0.08, 0.95, "critical difference", va="center", fontsize=10)
