"""validation_split: which rows are held out, with classes, groups and weights."""

import numpy as np
import pytest
from scipy import sparse
from validation_data import Y3, X, Y, assert_same_net, conv, net

from skclf import MulticlassDenseClassifier


def multiclass(**parameters):
    return net(MulticlassDenseClassifier, **parameters)


def test_held_out_rows_are_stratified(held_out_splits):
    y = np.array(["ant"] * 45 + ["bee"] * 15)
    net(validation_split=0.2, epochs=1).fit(X, y)
    train, validation = held_out_splits[0]
    assert sorted([*train, *validation]) == list(range(60))
    assert (y[validation] == "ant").sum() == 9
    assert (y[validation] == "bee").sum() == 3


@pytest.mark.parametrize("make", [net, multiclass, conv])
@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
def test_validation_split_equals_passing_the_held_out_rows(held_out_splits, make, as_rows):
    if make is conv:
        as_rows = np.array
    y, weights = Y3 if make is multiclass else Y, np.random.RandomState(1).randint(1, 4, 60)
    clf = make(validation_split=0.3, dropout=0.2).fit(as_rows(X), y, weights)
    train, validation = held_out_splits[0]
    by_hand = make(dropout=0.2).fit(
        as_rows(X[train]),
        y[train],
        weights[train],
        X[validation],
        y[validation],
        weights[validation],
    )
    assert_same_net(clf, by_hand)
    np.testing.assert_array_equal(clf.history_, by_hand.history_)


def test_random_state_determines_the_held_out_rows(held_out_splits):
    for seed in (0, 0, 1):
        net(validation_split=0.3, epochs=1, random_state=seed).fit(X, Y)
    held_out = [validation.tolist() for _, validation in held_out_splits]
    assert held_out[0] == held_out[1] != held_out[2]


def test_groups_are_held_out_whole(held_out_splits):
    groups = np.array(list("abcdefghijkl"))[np.arange(60) % 12]
    net(validation_split=0.25, epochs=1).fit(X, Y, groups=groups)
    train, validation = held_out_splits[0]
    assert not set(groups[train]) & set(groups[validation])
    assert len(set(groups[validation])) == 3


def test_groups_may_be_tuples(held_out_splits):
    sites, patients = np.arange(60) % 2, np.arange(60) % 12 // 2
    groups = list(zip(sites.tolist(), patients.tolist(), strict=True))
    net(validation_split=0.25, epochs=1).fit(X, Y, groups=groups)
    train, validation = held_out_splits[0]
    assert not {groups[row] for row in train} & {groups[row] for row in validation}
    assert len({groups[row] for row in validation}) == 3


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.zeros((60, 2)), r"groups of shape \(60, 2\); expected a 1-D array-like"),
        (["a"] * 59 + [None], r"groups with a missing id in row 59 \(None\)"),
        ([np.nan, *range(59)], r"groups with a missing id in row 0 \(nan\)"),
        ([("a", 1)] * 60, "with 1 group; expected at least 2 groups"),
        (["a"] * 59, r"inconsistent numbers of samples: \[60, 59\]"),
    ],
)
def test_invalid_groups_are_an_error(groups, message):
    with pytest.raises(ValueError, match=message):
        net(validation_split=0.25, epochs=1).fit(X, Y, groups=groups)


def test_groups_of_rows_with_weight_0_are_left_out(held_out_splits):
    groups, weights = np.arange(60) // 5, np.ones(60)
    weights[::2] = 0
    net(validation_split=0.25, epochs=1).fit(X, Y, weights, groups=groups)
    train, validation = held_out_splits[0]
    kept = groups[1::2]
    assert len(train) + len(validation) == 30
    assert not set(kept[train]) & set(kept[validation])


def test_the_only_row_of_a_class_is_not_held_out(held_out_splits):
    y = Y3.copy()
    y[y == "cat"] = "bee"
    y[7] = "cat"
    clf = multiclass(validation_split=0.3, epochs=1).fit(X, y)
    assert 7 in held_out_splits[0][0]
    assert clf.classes_.tolist() == ["ant", "bee", "cat"]
