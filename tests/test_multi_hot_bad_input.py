"""Errors of MultiHotVectorizer: bad ids, rows and parameters."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from id_rows import BAD_IDS, ROWS, VOCABULARY, ArrowScalar, object_array, ragged
from scipy import sparse

from skclf import MultiHotVectorizer

# ---------------------------------------------------------------------------------------------- ids


@pytest.mark.parametrize("name", BAD_IDS)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform", "decode"])
@pytest.mark.parametrize("kind", [list, tuple, "object array", "generator"])
def test_error_names_a_bad_id_and_its_row(name, method, kind):
    value, error, message = BAD_IDS[name]
    row = [1, 0, 2, value, 3]
    if kind == "object array":
        row = object_array(row)
    else:
        row = (item for item in row) if kind == "generator" else kind(row)
    rows = [[1, 2]] * 200 + [[], row, [5]]
    vectorizer = MultiHotVectorizer(10, vocabulary=VOCABULARY)
    with pytest.raises(error, match=rf"^Got the (?=.* in row 201; expected ){message}"):
        getattr(vectorizer, method)(rows)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (np.array([1, -4]), "negative id -4"),
        (np.array([1, 2**63], dtype=np.uint64), "huge id 9223372036854775808"),
        (np.array([1.0, 2.5]), r"number 1\.0"),
        (np.array([2.5, np.nan]), "missing id nan"),
        (np.array([True, False]), "boolean True"),
        (np.array(["good", "film"]), "text 'good'"),
        (np.array([[1, 2], [3, 4]]), r"list \[1, 2\]"),
        (np.array([[1], [2]]), r"list \[1\]"),
        (np.ma.array([1, 2], mask=[False, True]), "missing id None"),
        (pd.Series([1, None], dtype="Int64"), "missing id (<NA>|nan)"),
        (pd.Series([1, None]), "missing id nan"),
    ],
)
@pytest.mark.parametrize("others", [np.array([1, 2]), [1, 2]])
def test_error_names_a_bad_id_in_an_array(row, message, others):
    message = rf"^Got the (?=.* in row 130; expected ){message}"
    with pytest.raises((ValueError, TypeError), match=message):
        MultiHotVectorizer(10).fit([others] * 130 + [row])


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        (None, TypeError, "Got None of type NoneType as row 2 of X.*Pass a row without ids as"),
        ([3, None], ValueError, "Got the missing id None in row 2; .*Drop it"),
        ([3, 0.5], ValueError, r"Got the number 0\.5 in row 2;"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform", "decode"])
def test_missing_and_bad_ids_in_arrow_scalars_are_an_error(row, error, message, method):
    rows = list(map(ArrowScalar, [[1], [], row]))
    with pytest.raises(error, match=message):
        getattr(MultiHotVectorizer(10, vocabulary=VOCABULARY), method)(rows)


# --------------------------------------------------------------------------------------------- rows


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (None, "Got None of type NoneType as row 2 of X.*Pass a row without ids as"),
        (float("nan"), "Got nan of type float as row 2 of X.*Pass a row without ids as"),
        (pd.NA, "Got <NA> of type NAType as row 2 of X"),
        (5, r"Got 5 of type int as row 2 of X.*pass \[X\]"),
        (np.int64(5), r"Got 5 of type int as row 2 of X.*pass \[X\]"),
        (np.array(5), r"Got 5 of type int as row 2 of X.*pass \[X\]"),
        ("a film", "Got 'a film' of type str as row 2 of X.*Split it into words"),
        (b"a film", "Got b'a film' of type bytes as row 2 of X.*Split it into words"),
        (np.str_("a film"), "Got 'a film' of type str as row 2 of X"),
        ({3: 1}, "Got {3: 1} of type dict as row 2 of X"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_error_names_a_row_that_is_not_a_sequence(row, message, method):
    for others in ([1], [2]), (np.array([1]), np.array([2])):
        with pytest.raises(TypeError, match=message):
            getattr(MultiHotVectorizer(10), method)([*others, row])


@pytest.mark.parametrize("X", [[3, 1, 4], (3, 1), np.array([3, 1]), pd.Series([3, 1]), range(3, 5)])
def test_a_flat_list_is_an_error(X):
    with pytest.raises(TypeError, match=r"Got 3 of type int as row 0 of X.*single row, pass \[X\]"):
        MultiHotVectorizer(10).fit(X)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a film", TypeError, "X of type str.*map each word to its id"),
        (b"a film", TypeError, "X of type bytes.*map each word to its id"),
        (None, TypeError, "X of type NoneType; expected a sequence of rows"),
        (3, TypeError, "X of type int; expected a sequence of rows"),
        (np.array(3), TypeError, "X of type ndarray; expected a sequence of rows"),
        ({0: [1, 2]}, TypeError, "X of type dict; expected a sequence of rows"),
        ({(1, 2)}, TypeError, "X of type set; expected a sequence of rows"),
        (pd.DataFrame({"ids": [[1]]}), TypeError, r"X of type DataFrame.*frame\['ids'\]"),
        (sparse.eye(3, format="csr"), TypeError, "sparse matrix is already multi-hot"),
        ([], ValueError, "X without rows"),
        (np.empty((0, 3), dtype=int), ValueError, "X without rows"),
        (iter(()), ValueError, "X without rows"),
        (ragged([]), ValueError, "X without rows"),
        (np.zeros((1, 2, 3), dtype=int), TypeError, r"Got the list \[0, 0, 0\] in row 0;"),
        ([[[1, 2]], [[3]]], TypeError, r"Got the list \[1, 2\] in row 0; .*Flatten"),
        (np.eye(2), ValueError, r"Got the number 1\.0 in row 0;"),
        (np.eye(2, dtype=bool), TypeError, "Got the boolean True in row 0;"),
        (np.ma.array([[1, 2]], mask=[[0, 1]]), ValueError, "Got the missing id None in row 0;"),
        (["good film"], TypeError, "Got 'good film' of type str as row 0 of X"),
        ([["good", "film"]], TypeError, "Got the text 'good' in row 0;"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_input_other_than_rows_of_ids_is_an_error(X, error, message, method):
    with pytest.raises(error, match=message):
        getattr(MultiHotVectorizer(10), method)(X)


@pytest.mark.parametrize(
    ("values", "splits"),
    [
        ([1, 2, 3], [0, 2]),
        ([1, 2, 3], [1, 3]),
        ([1, 2, 3], [0, 2, 1, 3]),
        ([1, 2, 3], []),
        ([[1, 2, 3]], [0, 1]),
    ],
)
def test_invalid_ragged_tensors_are_an_error(values, splits):
    X = SimpleNamespace(flat_values=np.array(values), row_splits=np.array(splits, dtype=int))
    with pytest.raises(ValueError, match="expected one ragged dimension"):
        MultiHotVectorizer(10).transform(X)


def test_ragged_tensors_of_floats_are_an_error():
    X = SimpleNamespace(flat_values=np.array([1.5, 2.0]), row_splits=np.array([0, 0, 2]))
    with pytest.raises(ValueError, match=r"Got the number 1\.5 in row 1;"):
        MultiHotVectorizer(10).transform(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((2, 4)), "X with 4 columns; expected 3"),
        (sparse.csr_matrix((2, 4)), "X with 4 columns; expected 3"),
        (np.full((2, 3), 0.25), r"value 0\.25; expected only zeros and ones"),
        (sparse.csr_matrix(np.full((2, 3), 2)), "value 2; expected only zeros and ones"),
        (sparse.csr_matrix(([1, 1], [0, 0], [0, 2]), shape=(1, 3)), "value 2; expected"),
        (np.array([1, 0, 1]), "Expected 2D array"),
        (np.full((2, 3), np.nan), "contains NaN"),
    ],
)
def test_inverse_transform_of_other_matrices_is_an_error(X, message):
    with pytest.raises(ValueError, match=message):
        MultiHotVectorizer(3).inverse_transform(X)


# --------------------------------------------------------------------------- columns and parameters


@pytest.mark.parametrize("largest", [2**31 - 1, 2**62])
def test_fit_does_not_learn_a_huge_number_of_columns(largest):
    for method in (MultiHotVectorizer().fit, MultiHotVectorizer().fit_transform):
        with pytest.raises(ValueError, match=f"Got the id {largest} in row 1 .* Set num_words"):
            method([[1], [5, largest]])
    assert MultiHotVectorizer(6).transform([[1], [5, largest]]).nnz == 2
    assert MultiHotVectorizer().fit([[2**31 - 2]]).num_words_ == 2**31 - 1


def test_fit_cannot_learn_columns_from_empty_rows():
    for method in (MultiHotVectorizer().fit, MultiHotVectorizer().fit_transform):
        with pytest.raises(ValueError, match=r"only empty rows.*Set num_words"):
            method([[], []])
    assert MultiHotVectorizer(3).fit_transform([[], []]).nnz == 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"num_words": 0}, "'num_words' parameter .* must be"),
        ({"num_words": 2**31}, "'num_words' parameter .* must be"),
        ({"num_words": 2.0}, "'num_words' parameter .* must be"),
        ({"num_words": "10"}, "'num_words' parameter .* must be"),
        ({"num_words": True}, "Got num_words=True; expected an integer or None"),
        ({"handle_unknown": "drop"}, "'handle_unknown' parameter .* must be"),
        ({"handle_unknown": -1}, "'handle_unknown' parameter .* must be"),
        ({"handle_unknown": None}, "'handle_unknown' parameter .* must be"),
        ({"handle_unknown": False}, "Got handle_unknown=False; .*'ignore' or an integer"),
        ({"handle_unknown": 10}, "Got handle_unknown=10 with 10 columns"),
        ({"dtype": object}, "'dtype' parameter must be"),
        ({"dtype": np.float16}, "'dtype' parameter must be"),
        ({"dtype": complex}, "'dtype' parameter must be"),
        ({"dtype": str}, "'dtype' parameter must be"),
        ({"sparse_output": "yes"}, "'sparse_output' parameter .* must be"),
        ({"vocabulary": ["good", "bad"]}, "'vocabulary' parameter .* must be"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_invalid_parameters_are_an_error(parameters, message, method):
    vectorizer = MultiHotVectorizer(**{"num_words": 10, **parameters})
    with pytest.raises(ValueError, match=message):
        getattr(vectorizer, method)(ROWS)


def test_handle_unknown_must_be_one_of_the_learned_columns():
    for method in (
        MultiHotVectorizer(handle_unknown=9).fit,
        MultiHotVectorizer(handle_unknown=9).fit_transform,
    ):
        with pytest.raises(ValueError, match="Got handle_unknown=9 with 5 columns"):
            method([[4]])
        method([[9]])


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
@pytest.mark.parametrize("bad", [[], [[1], None], [[99, -1]], [[], []]])
def test_a_failed_fit_keeps_the_earlier_fit(method, bad):
    vectorizer = MultiHotVectorizer().fit(ROWS)
    with pytest.raises((ValueError, TypeError), match="Got"):
        getattr(vectorizer, method)(bad)
    assert vectorizer.num_words_ == 10
    assert vectorizer.transform(ROWS).shape == (4, 10)
