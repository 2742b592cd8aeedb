"""Stratified splits by class and by label, with and without groups."""

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

from skclf import _stratify

# --------------------------------------------------------------------------------------- classes


def split(codes, share, groups=None, seed=0):
    return _stratify.split_rows(np.asarray(codes), share, np.random.RandomState(seed), groups)


@given(
    st.lists(st.integers(2, 12), min_size=2, max_size=4),
    st.sampled_from([0.25, 0.4, 0.5]),
    st.integers(0, 2**31 - 1),
)
def test_classes_are_held_out_in_proportion(counts, share, seed):
    codes = np.random.RandomState(seed).permutation(np.arange(len(counts)).repeat(counts))
    assume(len(counts) <= len(codes) * share <= len(codes) - len(counts))
    train, validation = split(codes, share, seed=seed)
    assert sorted([*train, *validation]) == list(range(len(codes)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(validation) > 0).all()
    assert len(validation) == np.ceil(len(codes) * share)
    held_out = np.bincount(codes[validation], minlength=len(counts))
    assert np.abs(held_out - np.array(counts) * share).max() <= 1 + share


def test_split_depends_only_on_seed():
    codes = np.arange(40) % 2
    for seed in (0, 1):
        np.testing.assert_array_equal(
            split(codes, 0.25, seed=seed)[1], split(codes, 0.25, seed=seed)[1]
        )
    assert split(codes, 0.25, seed=0)[1].tolist() != split(codes, 0.25, seed=1)[1].tolist()


def test_class_of_one_row_stays_in_training():
    for seed in range(10):
        train, validation = split([0] * 4 + [1] * 4 + [2], 0.5, seed=seed)
        assert 8 in train
        assert len(validation) == 4


@pytest.mark.parametrize(
    "groups", [np.arange(12) // 2, np.array(list("aabbccddeeff"))], ids=["numbers", "strings"]
)
def test_groups_stay_together(groups):
    codes = np.array([0, 1] * 6)
    for seed in range(5):
        train, validation = split(codes, 0.3, groups, seed)
        assert not set(groups[train]) & set(groups[validation])
        assert sorted([*train, *validation]) == list(range(12))
        assert len(set(groups[validation])) == 2


def test_split_by_groups_is_stratified():
    # Each group has one class, so an unstratified split could hold out only one class.
    groups, codes = np.arange(40) // 4, np.arange(40) // 20
    for seed in range(10):
        _, validation = split(codes, 0.4, groups, seed)
        assert np.bincount(codes[validation]).tolist() == [8, 8]


@pytest.mark.parametrize(
    ("codes", "share", "groups", "message"),
    [
        ([0, 0, 1, 1], 0.01, None, "Got validation_split=0.01 with 4 rows of 2 classes; expected"),
        ([0, 0, 1, 1], 0.9, None, "another .*split, use more rows, or pass X_val and y_val to fit"),
        ([0, 1, 2], 0.5, None, "rows of 3 classes; expected enough rows to hold out some of each"),
        ([0, 1, 0, 1], 0.5, [5, 5, 5, 5], "with 1 group; expected at least 2 groups.*more groups"),
        ([0, 0, 1, 1], 0.5, [0, 0, 1, 1], "4 rows; expected groups that can be held out"),
    ],
)
def test_impossible_splits_raise(codes, share, groups, message):
    with pytest.raises(ValueError, match=re.compile(message, re.DOTALL)):
        split(codes, share, None if groups is None else np.array(groups))


def patients(seed):
    """Classes and groups of rows; each group has one class, and some classes are rare."""
    random_state = np.random.RandomState(seed)
    groups = np.arange(100).repeat(random_state.randint(1, 6, 100))
    classes_of_groups = random_state.choice(4, 100, p=[0.6, 0.25, 0.1, 0.05])
    return np.unique(classes_of_groups[groups], return_inverse=True)[1], groups


@pytest.mark.parametrize("share", [0.1, 0.25, 0.3, 0.5, 0.7])
def test_split_by_groups_is_better_stratified_than_random_split(share):
    distances, by_chance = [], []
    for seed in range(10):
        codes, groups = patients(seed)
        wanted = np.bincount(codes) * share
        train, validation = split(codes, share, groups, seed)
        assert len(np.unique(codes[train])) == len(wanted)
        assert abs(len(validation) - len(codes) * share) <= 2
        random_split = GroupShuffleSplit(1, test_size=share, random_state=seed)
        _, drawn = next(random_split.split(codes, groups=groups))
        distances.append(distance(np.bincount(codes[validation], minlength=len(wanted)), wanted))
        by_chance.append(distance(np.bincount(codes[drawn], minlength=len(wanted)), wanted))
    assert np.mean(distances) < 1
    assert np.mean(by_chance) > 3 * np.mean(distances)


def distance(counts, wanted):
    return np.abs(counts - wanted).mean()


# ---------------------------------------------------------------------------------------- labels


def labels_split(indicator, share, groups=None, seed=0):
    return _stratify.iterative_split(indicator, share, np.random.RandomState(seed), groups)


# Rows 0 and 1 have the labels A and B, rows 2 and 3 have B, rows 4 to 7 have C.
BY_HAND = np.array([[1, 1, 0]] * 2 + [[0, 1, 0]] * 2 + [[0, 0, 1]] * 4)


@pytest.mark.parametrize(
    ("share", "held_out"),
    [
        # A is the rarest label, and each part needs one of its rows. Then each part needs one more
        # row of B, and finally two rows of C.
        (0.5, [1, 1, 2]),
        # Training needs 1.5 rows of A, and validation 0.5. After the first row both need 0.5, and
        # training has more space. Then both need one row of B: training gets the first, and
        # validation the second. Training needs 3 rows of C, and validation 1.
        (0.25, [0, 1, 1]),
    ],
)
def test_label_split_by_hand(share, held_out):
    found = set()
    for seed in range(20):
        train, validation = labels_split(BY_HAND, share, seed=seed)
        assert np.histogram(validation, [0, 2, 4, 8])[0].tolist() == held_out
        assert sorted([*train, *validation]) == list(range(8))
        found.add(tuple(validation))
    assert len(found) > 5


def test_rarest_label_is_placed_first():
    # If the frequent label were placed first, chance would decide which part gets the rare one.
    indicator = np.ones((40, 2), dtype=int)
    indicator[4:, 1] = 0
    for seed in range(20):
        _, validation = labels_split(indicator, 0.5, seed=seed)
        assert indicator[validation].sum(axis=0).tolist() == [20, 2]


def test_rows_without_labels_fill_up_parts():
    indicator = np.zeros((50, 2), dtype=int)
    indicator[:10, 0] = 1
    _, validation = labels_split(indicator, 0.3)
    assert len(validation) == 15
    assert (validation < 10).sum() == 3
    train, validation = labels_split(np.zeros((10, 2)), 0.3)
    assert (len(train), len(validation)) == (7, 3)


def test_label_of_one_row_stays_in_training():
    indicator = np.eye(10, 4, dtype=int)
    for seed in range(10):
        train, validation = labels_split(indicator, 0.6, seed=seed)
        assert set(range(4)) <= set(train)
        assert len(validation) == 6


def zipf(n_rows, n_labels, seed):
    """About three labels per row, with frequencies proportional to 1, 1/2, 1/3 and so on."""
    frequencies = 1 / np.arange(1, n_labels + 1)
    frequencies = np.minimum(3 * frequencies / frequencies.sum(), 1)
    return np.random.RandomState(seed).rand(n_rows, n_labels) < frequencies


def even(n_rows, n_labels, seed):
    """About three labels per row, all equally frequent."""
    return np.random.RandomState(seed).rand(n_rows, n_labels) < 3 / n_labels


@pytest.mark.parametrize("share", [0.1, 0.2, 0.35, 0.5])
def test_labels_are_held_out_in_proportion(share):
    for seed in range(3):
        indicator = zipf(5_000, 50, seed)
        train, validation = labels_split(indicator, share, seed=seed)
        splitter = StratifiedShuffleSplit(1, test_size=share)
        _, theirs = next(splitter.split(indicator, np.zeros(5_000)))
        assert len(validation) == len(theirs)
        off = indicator[validation].sum(axis=0) - indicator.sum(axis=0) * share
        assert np.abs(off).max() < 1
        assert indicator[train].any(axis=0).all()


@pytest.mark.parametrize("make", [zipf, even])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_label_split_is_better_stratified_than_random_split(make, share):
    distances, by_chance = [], []
    for seed in range(5):
        indicator = make(1_000, 20, seed)
        wanted = indicator.sum(axis=0) * share
        _, validation = labels_split(indicator, share, seed=seed)
        drawn = np.random.RandomState(seed).permutation(1_000)[: len(validation)]
        distances.append(distance(indicator[validation].sum(axis=0), wanted))
        by_chance.append(distance(indicator[drawn].sum(axis=0), wanted))
    assert np.mean(distances) < 1
    assert np.mean(by_chance) > 3 * np.mean(distances)


INDICATORS = hnp.arrays(
    bool, st.tuples(st.integers(4, 25), st.integers(1, 6)), elements=st.booleans()
)
SHARES = st.sampled_from([0.05, 0.2, 0.25, 0.4, 0.5, 0.75])


@given(INDICATORS, SHARES, st.integers(0, 2**31 - 1))
def test_label_split_has_all_labels_in_training_and_right_size(indicator, share, seed):
    n_rows, n_labels = indicator.shape
    wanted = int(np.ceil(share * n_rows))
    assume(n_labels <= n_rows - wanted)
    train, validation = labels_split(indicator, share, seed=seed)
    assert sorted([*train, *validation]) == list(range(n_rows))
    assert (np.diff(train) > 0).all()
    assert (np.diff(validation) > 0).all()
    assert max(1, wanted - n_labels) <= len(validation) <= wanted
    np.testing.assert_array_equal(indicator[train].any(axis=0), indicator.any(axis=0))


@given(INDICATORS, SHARES, st.data())
def test_label_split_keeps_groups_together(indicator, share, data):
    groups = data.draw(hnp.arrays(np.int64, len(indicator), elements=st.integers(0, 7)))
    try:
        train, validation = labels_split(indicator, share, groups)
    except ValueError:
        of_label = [np.unique(groups[column]) for column in indicator.T]
        in_one_group = np.unique([found[0] for found in of_label if len(found) == 1])
        has_spare_group = len(in_one_group) < len(np.unique(groups))
        assert len(np.unique(groups)) < 2 or not has_spare_group or not indicator.any(axis=1).all()
        return
    assert len(validation)
    assert sorted([*train, *validation]) == list(range(len(indicator)))
    assert not set(groups[train]) & set(groups[validation])
    np.testing.assert_array_equal(indicator[train].any(axis=0), indicator.any(axis=0))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_label_split_by_groups_is_better_stratified_than_random_split(share):
    distances, by_chance = [], []
    for seed in range(5):
        indicator = zipf(600, 8, seed)
        groups = np.random.RandomState(seed).randint(80, size=600)
        wanted = indicator.sum(axis=0) * share
        _, validation = labels_split(indicator, share, groups, seed)
        assert abs(len(validation) - 600 * share) <= 5
        random_split = GroupShuffleSplit(1, test_size=share, random_state=seed)
        _, drawn = next(random_split.split(indicator, groups=groups))
        distances.append(distance(indicator[validation].sum(axis=0), wanted))
        by_chance.append(distance(indicator[drawn].sum(axis=0), wanted))
    assert np.mean(by_chance) > 2 * np.mean(distances)


def test_label_split_by_groups_of_one_row():
    indicator = zipf(2_500, 10, 0)
    _, validation = labels_split(indicator, 0.2, np.arange(2_500)[::-1])
    assert len(validation) == 500
    off = indicator[validation].sum(axis=0) - indicator.sum(axis=0) * 0.2
    assert np.abs(off).max() < 1


def test_tiny_label_split_holds_out_smallest_possible_group():
    # The group of two rows is the only one with the second label.
    groups = np.repeat([0, 1, 2, 3], [30, 2, 10, 20])
    indicator = np.ones((62, 2), dtype=int)
    indicator[:, 1] = groups == 1
    _, validation = labels_split(indicator, 0.01, groups)
    assert set(groups[validation]) == {2}


@pytest.mark.parametrize(
    "as_indicator",
    [
        lambda rows: rows.astype(bool),
        lambda rows: rows.astype(np.float32),
        lambda rows: rows.tolist(),
        sparse.csr_array,
        sparse.csc_matrix,
        sparse.coo_array,
    ],
    ids=["bool", "float", "lists", "csr", "csc", "coo"],
)
@pytest.mark.parametrize("groups", [None, np.arange(60) // 3], ids=["rows", "groups"])
def test_all_forms_of_indicators_are_split_equally(as_indicator, groups):
    indicator = zipf(60, 5, 0).astype(int)
    wanted = labels_split(indicator, 0.3, groups)
    found = labels_split(as_indicator(indicator), 0.3, groups)
    for rows, others in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(rows, others)


def test_explicit_zeros_are_not_labels_and_are_kept():
    indicator = sparse.csr_array(zipf(60, 5, 0).astype(int))
    wanted = labels_split(indicator, 0.3)
    zeros = sparse.csr_array(np.ones((60, 5), dtype=int))
    zeros.data[:] = indicator.toarray().ravel()
    for rows, others in zip(labels_split(zeros, 0.3), wanted, strict=True):
        np.testing.assert_array_equal(rows, others)
    assert zeros.nnz == 300


@pytest.mark.parametrize("groups", [None, np.arange(60) // 2], ids=["rows", "groups"])
def test_label_split_depends_only_on_seed(groups):
    indicator = zipf(60, 5, 0)
    splits = [labels_split(indicator, 0.3, groups, seed)[1].tolist() for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]


@pytest.mark.parametrize(
    ("indicator", "share", "groups", "message"),
    [
        (np.eye(4), 0.9, None, "Got validation_split=0.9 with 4 rows; expected enough rows for"),
        (np.eye(1), 0.5, None, "with 1 rows; expected enough rows.*pass X_val and y_val to fit"),
        (np.eye(4), 0.5, None, "Got validation_split=0.5 with 4 rows; expected rows that can"),
        (np.eye(4), 0.5, [7, 7, 7, 7], "with 1 group; expected at least 2 groups.*more groups"),
        (np.eye(4), 0.5, [0, 0, 1, 1], "4 rows; expected groups that .* more groups, or pass X"),
    ],
)
def test_impossible_label_splits_raise(indicator, share, groups, message):
    with pytest.raises(ValueError, match=re.compile(message, re.DOTALL)):
        labels_split(indicator, share, None if groups is None else np.array(groups))
