"""Errors of SequencePadder: bad ids, rows and parameters."""

import numpy as np
import pandas as pd
import pytest
from id_rows import BAD_IDS, LARGEST, PADDED, ROWS, SMALLEST, object_array, ragged
from scipy import sparse

from skclf import SequencePadder

# Unlike the vectorizer, the padder accepts negative ids.
INVALID_IDS = {name: case for name, case in BAD_IDS.items() if name != "negative"} | {
    "below int32": (SMALLEST - 1, ValueError, f"negative id {SMALLEST - 1}.*from {SMALLEST} to"),
    "beyond int32": (LARGEST + 1, ValueError, f"huge id {LARGEST + 1}.*id is {LARGEST}"),
}


@pytest.mark.parametrize("name", INVALID_IDS)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
@pytest.mark.parametrize("kind", [list, object_array, iter])
def test_error_names_a_bad_id_and_its_row(name, method, kind):
    value, error, message = INVALID_IDS[name]
    # With maxlen=2, an id that would be truncated is checked too.
    rows = [[1, 2]] * 200 + [[], kind([1, 0, value, 2, 3]), [5]]
    with pytest.raises(error, match=rf"^Got the (?=.* in row 201; expected ){message}"):
        getattr(SequencePadder(2), method)(rows)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (np.array([1, LARGEST + 1]), f"huge id {LARGEST + 1}"),
        (np.array([1, SMALLEST - 1]), f"negative id {SMALLEST - 1}"),
        (np.array([1, 2**32 - 1], dtype=np.uint32), "huge id 4294967295"),
        (np.array([1, 2**63], dtype=np.uint64), "huge id 9223372036854775808"),
        (np.array([1.0, 2.5]), r"number 1\.0"),
        (np.array([2.5, np.nan]), "missing id nan"),
        (np.array([True, False]), "boolean True"),
        (np.array(["good", "film"]), "text 'good'"),
        (np.array([[1, 2], [3, 4]]), r"list \[1, 2\]"),
        (np.ma.array([1, 2], mask=[False, True]), "missing id None"),
        (pd.Series([1, None], dtype="Int64"), "missing id (<NA>|nan)"),
    ],
)
@pytest.mark.parametrize("others", [np.array([1, 2]), [1, 2]])
def test_error_names_a_bad_id_in_an_array(row, message, others):
    message = rf"^Got the (?=.* in row 130; expected ){message}"
    with pytest.raises((ValueError, TypeError), match=message):
        SequencePadder(10).fit([others] * 130 + [row])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a film", TypeError, "X of type str.*map each word to its id"),
        (None, TypeError, rf"X of type NoneType.*ids \(integers from {SMALLEST} to {LARGEST}\)"),
        ({0: [1, 2]}, TypeError, "X of type dict; expected a sequence of rows"),
        (pd.DataFrame({"ids": [[1]]}), TypeError, r"X of type DataFrame.*frame\['ids'\]"),
        (sparse.eye(3, format="csr"), TypeError, "Pass the sequences that it was made from"),
        ([], ValueError, "X without rows"),
        (iter(()), ValueError, "X without rows"),
        (ragged([]), ValueError, "X without rows"),
        ([3, 1, 4], TypeError, r"Got 3 of type int as row 0 of X.*single row, pass \[X\]"),
        ([[1], None], TypeError, r"Got None .* row 1 of X.*ids \(integers from .*Pass a row"),
        ([[1], "a film"], TypeError, "Got 'a film' of type str as row 1 of X.*Split it into words"),
        ([[[1, 2]], [[3]]], TypeError, r"Got the list \[1, 2\] in row 0; .*Flatten"),
        (np.eye(2), ValueError, r"Got the number 1\.0 in row 0;"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_input_other_than_rows_of_ids_is_an_error(X, error, message, method):
    with pytest.raises(error, match=message):
        getattr(SequencePadder(10), method)(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"maxlen": 0}, "'maxlen' parameter .* must be"),
        ({"maxlen": 2**31}, "'maxlen' parameter .* must be"),
        ({"maxlen": 2.0}, "'maxlen' parameter .* must be"),
        ({"maxlen": True}, "Got maxlen=True; expected an integer or None"),
        ({"padding": "left"}, "'padding' parameter .* must be"),
        ({"padding": None}, "'padding' parameter .* must be"),
        ({"truncating": "both"}, "'truncating' parameter .* must be"),
        ({"value": 0.0}, "'value' parameter .* must be"),
        ({"value": LARGEST + 1}, "'value' parameter .* must be"),
        ({"value": SMALLEST - 1}, "'value' parameter .* must be"),
        ({"value": None}, "'value' parameter .* must be"),
        ({"value": False}, "Got value=False; expected an integer"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_invalid_parameters_are_an_error(parameters, message, method):
    padder = SequencePadder(**{"maxlen": 10, **parameters})
    with pytest.raises(ValueError, match=message):
        getattr(padder, method)(ROWS)


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
@pytest.mark.parametrize("bad", [[], [[1], None], [[99, 0.5]], [[], []]])
def test_a_failed_fit_keeps_the_earlier_fit(method, bad):
    padder = SequencePadder().fit(ROWS)
    with pytest.raises((ValueError, TypeError), match="Got"):
        getattr(padder, method)(bad)
    assert padder.maxlen_ == 4
    assert padder.transform(ROWS).tolist() == PADDED
