"""Stratified splits into training and validation rows; pure functions.

`split_rows` is for one class per row, `iterative_split` for several labels per row. With groups,
both hold out whole groups.

scikit-learn's model selection is imported where it is used, because loading it takes longer than
everything else that ``import skclf`` does.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import pairwise
from math import ceil

import numpy as np
from scipy import sparse

TRAINING, VALIDATION = 0, 1
# Limits on the draws of whole groups: their number, and the number of groups placed in all draws
# together. With more groups, draws differ less, so fewer of them are needed.
_MOST_DRAWS, _PLACEMENTS = 25, 2_000


def split_rows(
    codes: np.ndarray,
    share: float,
    random_state: np.random.RandomState,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of training and validation rows.

    Each class is held out in proportion; a class with a single row stays in training. With groups,
    `iterative_split` does the work, and no group is split.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows,)
        The class of each row.
    share : float
        Fraction of the rows to hold out.
    random_state : numpy.random.RandomState
    groups : ndarray of int of shape (n_rows,) or None
        As `skclf._rows.check_groups` gives them.

    Returns
    -------
    train, validation : ndarray of int
        Sorted.

    Raises
    ------
    ValueError
        If the share can't be held out, or not without taking all rows of a class.
    """
    rows = np.arange(len(codes))
    if groups is not None:
        # scikit-learn's StratifiedGroupKFold only holds out shares of 1/n. It fails if there are
        # fewer groups than folds, and misses the share by far if group sizes differ a lot.
        row_ends = np.arange(len(codes) + 1)
        is_of_class = sparse.csr_array((np.ones(len(codes), dtype=bool), codes, row_ends))
        return iterative_split(is_of_class, share, random_state, groups)
    from sklearn.model_selection import train_test_split

    alone = np.bincount(codes)[codes] == 1
    try:
        train, validation = train_test_split(
            rows[~alone], test_size=share, stratify=codes[~alone], random_state=random_state
        )
    except ValueError as error:
        raise ValueError(
            f"Got validation_split={share} with {len(codes)} rows of {len(np.unique(codes))} "
            f"classes; expected enough rows to hold out some of each class ({error}). Set another "
            "validation_split, use more rows, or pass X_val and y_val to fit."
        ) from error
    return np.sort(np.concatenate([train, rows[alone]])), np.sort(validation)


def iterative_split(
    indicator: np.ndarray,
    share: float,
    random_state: np.random.RandomState,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of training and validation rows that have any number of labels.

    This is iterative stratification for two parts, [1]_ algorithm 1, with two additional rules:

    - No row is added to a part that is full. Therefore ``ceil(share * n_rows)`` rows are held out,
      as in scikit-learn's ``StratifiedShuffleSplit``.
    - If only one row is left that could bring a label into training, it goes there, even if
      training is full. Therefore training has a row of every label that occurs, and fewer rows
      are held out where that is necessary.

    The rarest label is placed first, and its number of held-out rows is off by less than one. The
    most frequent label is placed last and can be off by several rows, because most of its rows
    have been placed with rarer labels by then.

    Groups are placed like rows, each with its number of rows for every label. A group fits into a
    part with room for at least half of it, so about ``share * n_rows`` rows are held out, and at
    least one group. The best of several draws is returned.

    Parameters
    ----------
    indicator : {ndarray, sparse matrix or array} of shape (n_rows, n_labels)
        0 and 1, or booleans: whether a row has a label.
    share : float
        Fraction of the rows to hold out, between 0 and 1.
    random_state : numpy.random.RandomState
    groups : ndarray of int of shape (n_rows,) or None
        As `skclf._rows.check_groups` gives them. Groups are never split.

    Returns
    -------
    train, validation : ndarray of int
        Sorted.

    Raises
    ------
    ValueError
        If a part would have no row, or the share can't be held out without taking all rows of a
        label.

    References
    ----------
    .. [1] Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", ECML
       PKDD 2011.
    """
    counts = sparse.csr_array(indicator, dtype=np.int64, copy=True)
    counts.eliminate_zeros()
    n_rows = counts.shape[0]
    n_held_out = ceil(share * n_rows)
    if not 0 < n_held_out < n_rows:
        raise ValueError(
            f"Got validation_split={share} with {n_rows} rows; expected enough rows for training "
            "and validation. Set another validation_split, use more rows, or pass X_val and y_val "
            "to fit."
        )
    if groups is None:
        is_held_out = _place_all(counts, np.ones(n_rows, dtype=int), n_held_out, random_state)
    else:
        is_held_out = _draw_groups(counts, share, n_held_out, random_state, groups)
    if is_held_out.all() or not is_held_out.any():
        units = "rows" if groups is None else "groups"
        raise ValueError(
            f"Got validation_split={share} with {n_rows} rows; expected {units} that can be held "
            "out while rows of each class or label stay in training. Set another "
            f"validation_split, use more {units}, or pass X_val and y_val to fit."
        )
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _draw_groups(counts, share, n_held_out, random_state, groups):
    """Whether each row is held out, in the draw of whole groups that is closest to the share."""
    _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    n_rows, n_groups = len(groups), len(sizes)
    if n_groups < 2:
        raise ValueError(
            f"Got validation_split={share} with {n_groups} group; expected at least 2 groups, "
            "since groups are never split. Use more groups, or pass X_val and y_val to fit."
        )
    rows_of_groups = sparse.csr_array((np.ones(n_rows, dtype=int), (groups, np.arange(n_rows))))
    counts = rows_of_groups @ counts
    wanted = np.append(counts.sum(axis=0), n_rows) * (n_held_out / n_rows)
    draws, distances = [], []
    for draw in range(int(np.clip(_PLACEMENTS // n_groups, 1, _MOST_DRAWS))):
        # The first draw places large groups first, which is best if sizes differ a lot; otherwise
        # a random order may be better.
        is_held_out = _place_all(counts, sizes, n_held_out, random_state, largest_first=draw == 0)
        found = np.append(counts.T @ is_held_out, sizes @ is_held_out)
        draws.append(is_held_out)
        distances.append(np.abs(found - wanted).sum())
    best = draws[int(np.argmin(distances))]
    return (best if best.any() else _smallest_spare_group(counts, sizes))[groups]


def _smallest_spare_group(counts, sizes):
    """Mark the smallest group whose labels all occur in other groups too."""
    n_groups_with = np.bincount(counts.indices, minlength=counts.shape[1])
    labels_without_others = (n_groups_with == 1).astype(int)
    is_spare = counts @ labels_without_others == 0
    best = np.argmin(np.where(is_spare, sizes, np.inf))
    return is_spare & (np.arange(len(sizes)) == best)


def _place_all(counts, sizes, n_held_out, random_state, largest_first=False):
    """Place units in training or validation: rows, or groups of rows that stay together.

    Parameters
    ----------
    counts : CSR array of int of shape (n_units, n_labels)
        Number of rows in each unit that have a label, without stored zeros.
    sizes : ndarray of int of shape (n_units,)
        Number of rows in each unit.
    n_held_out : int
        Number of rows to hold out.
    random_state : numpy.random.RandomState
    largest_first : bool
        Whether the units of a label are placed by size; else in random order.

    Returns
    -------
    ndarray of bool of shape (n_units,)
        Whether a unit is held out.
    """
    order = random_state.permutation(len(sizes))
    if largest_first:
        order = order[np.argsort(-sizes[order], kind="stable")]
    labels = random_state.permutation(counts.shape[1]).tolist()
    parts = _Parts(counts, sizes, n_held_out, random_state)
    by_label = sparse.csc_array(counts[order])
    units_of = np.split(order[by_label.indices], by_label.indptr[1:-1])
    # The rank breaks ties in the queue: labels with equally many units left keep a random order.
    rank_of = np.argsort(labels).tolist()
    queue = [(parts.left[label], rank) for rank, label in enumerate(labels) if parts.left[label]]
    heapify(queue)
    while queue:
        n_left, rank = heappop(queue)
        label = labels[rank]
        if n_left != parts.left[label]:
            continue  # an outdated entry: the label is also queued with its present number
        changed: set[int] = set()
        for unit in units_of[label].tolist():
            if parts.of_unit[unit] is None:
                parts.place(unit, label)
                changed.update(other for other, _ in parts.labels_of[unit])
        for other in changed:
            if parts.left[other]:
                heappush(queue, (parts.left[other], rank_of[other]))
    for unit in order.tolist():
        if parts.of_unit[unit] is None:
            parts.place(unit, label=None)
    return np.array(parts.of_unit, dtype=bool)


class _Parts:
    """The units in training and in validation, and the rows that each part still needs.

    The parameters are those of `_place_all`. Values are kept in lists, because accessing single
    items of arrays is slow.

    Attributes
    ----------
    labels_of : list of list of tuple (label, count)
        For each unit.
    of_unit : list of int or None
        The part of each unit, ``TRAINING`` or ``VALIDATION``, once it is placed.
    left : list of int
        Number of units not yet placed, for each label.
    """

    def __init__(self, counts, sizes, n_held_out, random_state):
        pairs = list(zip(counts.indices.tolist(), counts.data.tolist(), strict=True))
        ends = counts.indptr.tolist()
        self.labels_of = [pairs[start:end] for start, end in pairwise(ends)]
        self.of_unit = [None] * len(sizes)
        self.left = np.bincount(counts.indices, minlength=counts.shape[1]).tolist()
        self._sizes = sizes.tolist()
        self._n_rows = sum(self._sizes)
        self._room = [self._n_rows - n_held_out, n_held_out]
        # Rows that a part still needs of each label, times the number of rows: integers compare
        # exactly, so that ties are found.
        totals = counts.sum(axis=0)
        self._wanted = [(totals * n_rows).tolist() for n_rows in self._room]
        self._in_training = [False] * len(self.left)
        self._coins = iter(random_state.randint(2, size=len(sizes)).tolist())

    def place(self, unit, label):
        """Place a unit in the part that needs most rows of a label, or of any if it is None."""
        size = self._sizes[unit]
        wanted = self._room if label is None else [wanted[label] for wanted in self._wanted]
        part = self._choose(size, wanted)
        if part == VALIDATION and any(map(self._is_last_chance, self.labels_of[unit])):
            part = TRAINING
        self.of_unit[unit] = part
        self._room[part] -= size
        for other, count in self.labels_of[unit]:
            self._wanted[part][other] -= count * self._n_rows
            self.left[other] -= 1
            if part == TRAINING:
                self._in_training[other] = True

    def _is_last_chance(self, label_and_count):
        label, _ = label_and_count
        return self.left[label] == 1 and not self._in_training[label]

    def _choose(self, size, wanted):
        for part, other in ((TRAINING, VALIDATION), (VALIDATION, TRAINING)):
            if 2 * self._room[other] < size:
                return part
        for amounts in (wanted, self._room):
            if amounts[TRAINING] != amounts[VALIDATION]:
                return int(amounts[VALIDATION] > amounts[TRAINING])
        return next(self._coins)
