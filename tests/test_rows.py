"""Weights, rows and groups, compared with hand calculations."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.utils.class_weight import compute_class_weight

from skclf import _rows

# --------------------------------------------------------------------------------------- weights

CLASSES = np.array(["a", "b", "c"])
CODES = np.array([0, 0, 0, 1, 1, 2])


def test_balanced_weights_equal_scikit_learn():
    weights = _rows.class_weights("balanced", CLASSES, CODES)
    np.testing.assert_allclose(weights, [6 / 9, 1, 2])
    theirs = compute_class_weight("balanced", classes=CLASSES, y=CLASSES[CODES])
    np.testing.assert_allclose(weights, theirs)


def test_balanced_weights_use_sample_weight():
    repeats = np.array([1, 2, 3, 1, 2, 3])
    weighted = _rows.class_weights("balanced", CLASSES, CODES, repeats.astype(float))
    repeated = _rows.class_weights("balanced", CLASSES, CODES.repeat(repeats))
    np.testing.assert_allclose(weighted, repeated)


def test_balanced_weights_of_class_without_rows():
    assert _rows.class_weights("balanced", CLASSES, np.array([0, 0, 1])).tolist() == [0.5, 1, 0]


@pytest.mark.parametrize(
    ("class_weight", "weights"),
    [
        (None, None),
        ({}, [1, 1, 1]),
        ({"b": 3}, [1, 3, 1]),
        ({"c": 0, "a": np.int64(2)}, [2, 1, 0]),
        ({"a": Fraction(1, 4), "b": np.float16(0.5), "c": np.uint8(200)}, [0.25, 0.5, 200]),
        ({"a": np.True_, "b": np.False_}, [1, 0, 1]),
    ],
)
def test_class_weights_by_label(class_weight, weights):
    found = _rows.class_weights(class_weight, CLASSES, CODES)
    assert (found if found is None else found.tolist()) == weights


@pytest.mark.parametrize(
    "classes",
    [np.array([0, 1]), np.array([False, True]), np.array([0.0, 1])],
    ids=["integers", "booleans", "floats"],
)
def test_class_weights_with_numeric_labels(classes):
    for one in (1, True, 1.0, np.int8(1)):
        assert _rows.class_weights({one: 5}, classes, np.array([0, 1])).tolist() == [1, 5]


def test_class_weights_with_dates_of_another_unit():
    for label in (np.datetime64("2027-01-01", "s"), np.datetime64("2027")):
        weights = _rows.class_weights(
            {label: 5}, np.array(["2026", "2027"], "M8[ns]"), np.array([0, 1])
        )
        assert weights.tolist() == [1, 5]


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"d": 1}, "not among the classes: 'd'; expected labels among 'a', 'b', 'c'"),
        ({0: 1}, "not among the classes: 0; expected labels among 'a', 'b', 'c'"),
        ({"a": -1}, "Got class_weight={'a': -1}; expected finite and non-negative weights"),
        ({"a": np.nan}, "expected finite and non-negative weights"),
        ({"a": np.inf}, "expected finite and non-negative weights"),
        ({"a": "much"}, "expected finite and non-negative weights"),
        ({"a": None}, "expected finite and non-negative weights"),
        ({"a": 10**400}, "expected finite and non-negative weights"),
        ({"a": [1, 2]}, "expected finite and non-negative weights"),
        ({"a": 0, "b": 0, "c": 0}, "a weight above 0 for at least one class in y"),
    ],
)
def test_invalid_class_weights(class_weight, message):
    with pytest.raises(ValueError, match=message):
        _rows.class_weights(class_weight, CLASSES, CODES)


def test_only_weighted_class_without_rows_raises():
    with pytest.raises(ValueError, match="a weight above 0 for at least one class in y"):
        _rows.class_weights({"a": 0, "b": 0, "c": 1}, CLASSES, np.array([0, 1]))


@pytest.mark.parametrize(
    ("weights", "class_weight", "scaled", "scaled_class_weight"),
    [
        (None, None, None, None),
        ([1, 2, 3], None, [0.5, 1, 1.5], None),
        (None, [1, 4], None, [0.5, 2]),
        # Rows of weights 0.5, 1, 1.5 with factors 1, 1, 2: a mean of 4.5 / 3.
        ([1, 2, 3], [1, 2], [0.5, 1, 1.5], [2 / 3, 4 / 3]),
    ],
    ids=["no weights", "sample weights", "class weights", "both"],
)
def test_weights_are_scaled_to_mean_one(weights, class_weight, scaled, scaled_class_weight):
    arrays = [None if w is None else np.array(w, dtype=float) for w in (weights, class_weight)]
    found = _rows.with_mean_one(*arrays, np.array([0, 0, 1]))
    for array, wanted in zip(found, (scaled, scaled_class_weight), strict=True):
        assert (array is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_allclose(array, wanted)


@given(
    hnp.arrays(np.float64, 6, elements=st.floats(0.01, 100)),
    hnp.arrays(np.float64, 3, elements=st.floats(0.01, 100)),
)
def test_product_of_weights_has_mean_one(weights, class_weight):
    weights, class_weight = _rows.with_mean_one(weights, class_weight, CODES)
    np.testing.assert_allclose((weights * class_weight[CODES]).mean(), 1)


# ------------------------------------------------------------------------------------------ rows


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array, sparse.csr_matrix])
def test_rows_of_weight_zero_are_removed(as_rows):
    X, y, weights, groups, nothing = _rows.without_weightless(
        as_rows([[1], [2], [3]]), np.array(list("abc")), np.array([1.0, 0, 2]), np.arange(3), None
    )
    assert dense(X).tolist() == [[1], [3]]
    assert y.tolist() == ["a", "c"]
    assert weights.tolist() == [1, 2]
    assert groups.tolist() == [0, 2]
    assert nothing is None


@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0])], ids=["unweighted", "weighted"])
def test_rows_are_not_copied_if_all_weights_are_positive(weights):
    X, y = np.ones((2, 1)), np.arange(2)
    found = _rows.without_weightless(X, y, weights)
    assert found[0] is X
    assert found[1] is y
    assert found[2] is weights


def dense(X):
    return X.toarray() if sparse.issparse(X) else X


@pytest.mark.parametrize("first", [np.array, sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("second", [np.array, sparse.csr_array, sparse.csr_matrix])
def test_stacked_rows(first, second):
    X, codes, weights = _rows.stacked(
        (first([[1.0, 0]]), np.array([0]), None), (second([[0, 2.0]]), np.array([1]), None)
    )
    assert dense(X).tolist() == [[1, 0], [0, 2]]
    assert codes.tolist() == [0, 1]
    assert weights is None
    assert not sparse.issparse(X) or X.format == "csr"


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [(None, [3.0], [1, 1, 3]), ([2.0, 4.0], None, [2, 4, 1]), ([2.0, 4.0], [3.0], [2, 4, 3])],
)
def test_stacked_weights(first, second, wanted):
    first, second = (None if w is None else np.array(w) for w in (first, second))
    rows = (np.zeros((2, 1)), np.zeros(2, int), first), (np.zeros((1, 1)), np.zeros(1, int), second)
    assert _rows.stacked(*rows)[2].tolist() == wanted


@pytest.mark.parametrize(
    ("groups", "numbers"),
    [
        ([5, 3, 5, 4], [2, 0, 2, 1]),
        (np.array(["b", "a", "b", "\udcff"]), [1, 0, 1, 2]),
        (pd.Series(["b", "a", "b", "c"], dtype="category", index=[3, 3, 1, 0]), [1, 0, 1, 2]),
        (np.array(["2027", "2026", "2027", "2025"], "M8[Y]"), [2, 1, 2, 0]),
        ([("a", 2), ("a", 1), ("a", 2), ("b", 1)], [1, 0, 1, 2]),
        ([("a", 2), ("a",), ("a", 2), ("b", 1)], [1, 0, 1, 2]),
        (pd.Series([("a", 2), ("a", 1), ("a", 2), ("b", 1)]), [1, 0, 1, 2]),
        # Groups of mixed types are numbered in order of appearance, and 1 differs from "1".
        (["1", 1, "1", 2], [0, 1, 0, 2]),
        ([("a", 1), ("a", "1"), ("a", 1), (2, 2)], [0, 1, 0, 2]),
        (np.array([[5], [3], [5], [4]]), [2, 0, 2, 1]),
        (pd.DataFrame({"id": ["b", "a", "b", "c"]}), [1, 0, 1, 2]),
        ([0.5, 0.25, 0.5, 1], [1, 0, 1, 2]),
    ],
    ids=repr,
)
def test_groups_are_numbered(groups, numbers):
    assert _rows.check_groups(groups).tolist() == numbers


@given(hnp.arrays(hnp.integer_dtypes() | hnp.floating_dtypes(), 8, elements=st.integers(0, 5)))
def test_group_numbers_follow_order_of_groups(groups):
    wanted = np.unique(groups, return_inverse=True)[1]
    assert _rows.check_groups(groups).tolist() == wanted.tolist()


RAGGED = np.empty(2, dtype=object)
RAGGED[:] = [[1], [2, 3]]


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (np.ones((4, 2)), ValueError, r"groups of shape \(4, 2\); expected a 1-D.*map\(tuple, np"),
        (pd.DataFrame({"a": [1, 2], "b": [1, 2]}), ValueError, r"groups of shape \(2, 2\)"),
        ([[1, 2], [3, 4]], ValueError, r"groups of shape \(2, 2\)"),
        (5, ValueError, r"groups of shape \(\); expected a 1-D array-like"),
        ({1, 2}, ValueError, r"groups of shape \(\)"),
        (["a", None], ValueError, r"missing id in row 1 \(None\); .* an id of its own"),
        ([0, np.nan, np.nan], ValueError, r"missing id in row 1 \(nan\)"),
        (pd.Series([1, None], dtype="Int64"), ValueError, "missing id in row 1"),
        (np.array(["NaT", "2026"], "M8[Y]"), ValueError, "missing id in row 0"),
        ([("a", 1), ("a", None)], ValueError, "missing id in row 1"),
        (RAGGED, TypeError, r"unhashable ids \(.*list.*\).*list\(map\(str, groups\)\)"),
    ],
    ids=repr,
)
def test_invalid_groups(groups, error, message):
    with pytest.raises(error, match=message):
        _rows.check_groups(groups)


def test_suggested_fix_for_two_columns_of_groups():
    groups = pd.DataFrame({"a": [1, 1, 2], "b": ["x", "y", "x"]})
    assert _rows.check_groups(list(map(tuple, np.asarray(groups)))).tolist() == [0, 1, 2]


# --------------------------------------------------------------------------------------- merging


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
def test_repeated_rows_are_merged_and_weights_summed(as_rows):
    X = np.array([[1, 0], [2, 0], [1, 0], [1, 0], [2, 0]], dtype=np.float32)
    codes = np.array([0, 1, 0, 1, 1])
    merged, codes, weights = _rows.merge_repeated_rows(
        as_rows(X), codes, np.array([1.0, 2, 3, 4, 5])
    )
    found = zip(dense(merged).tolist(), codes.tolist(), weights.tolist(), strict=True)
    assert sorted(found) == [([1, 0], 0, 4), ([1, 0], 1, 4), ([2, 0], 1, 7)]
    assert merged.dtype == np.float32
    assert sparse.issparse(merged) == sparse.issparse(as_rows(X))


@pytest.mark.parametrize("weights", [None, np.full(4, 0.5)], ids=["unweighted", "weighted"])
def test_merged_rows_of_equal_weight_have_no_weights(weights):
    X = np.array([[1.0], [2.0], [1.0], [2.0]])
    assert _rows.merge_repeated_rows(X, np.array([0, 1, 0, 1]), weights)[2] is None


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
@given(data=st.data())
def test_merged_rows_do_not_depend_on_order_or_repetition(as_rows, data):
    rows = hnp.arrays(
        np.float32, st.tuples(st.integers(1, 8), st.just(2)), elements=st.integers(0, 2)
    )
    X = data.draw(rows)
    codes = data.draw(hnp.arrays(np.int64, len(X), elements=st.integers(0, 1)))
    repeats = data.draw(hnp.arrays(np.int64, len(X), elements=st.integers(1, 3)))
    order = np.array(data.draw(st.permutations(range(repeats.sum()))))
    weighted = _rows.merge_repeated_rows(as_rows(X), codes, repeats.astype(float))
    repeated = _rows.merge_repeated_rows(
        as_rows(X.repeat(repeats, axis=0)[order]), codes.repeat(repeats)[order]
    )
    np.testing.assert_array_equal(dense(weighted[0]), dense(repeated[0]))
    np.testing.assert_array_equal(weighted[1], repeated[1])
    assert (weighted[2] is None) == (repeated[2] is None)
    if weighted[2] is not None:
        np.testing.assert_array_equal(weighted[2], repeated[2])
