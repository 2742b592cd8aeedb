"""SequencePadder: its array, compared with Keras's pad_sequences, and its columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from id_rows import FORMS, INTEGERS, LARGEST, PADDED, ROWS, SMALLEST, ArrowScalar
from keras.utils import pad_sequences
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skclf import SequencePadder, _ids

SIDES = st.sampled_from(["pre", "post"])
ORDERED_FORMS = sorted(FORMS.keys() - {"sets"})


def keras_padded(rows, maxlen=None, **parameters):
    return pad_sequences(rows, maxlen, dtype="int32", **parameters)


# -------------------------------------------------------------------------------------------- array


@pytest.mark.parametrize(
    ("padding", "truncating", "expected"),
    [
        ("pre", "pre", [[9, 1, 2], [4, 5, 6], [9, 9, 9]]),
        ("pre", "post", [[9, 1, 2], [3, 4, 5], [9, 9, 9]]),
        ("post", "pre", [[1, 2, 9], [4, 5, 6], [9, 9, 9]]),
        ("post", "post", [[1, 2, 9], [3, 4, 5], [9, 9, 9]]),
    ],
)
def test_pads_and_truncates_on_either_side(padding, truncating, expected):
    padder = SequencePadder(3, padding=padding, truncating=truncating, value=9)
    X = padder.fit_transform([[1, 2], [3, 4, 5, 6], []])
    assert X.tolist() == expected
    assert X.dtype == np.int32


@pytest.mark.parametrize("form", ORDERED_FORMS)
def test_rows_of_every_form_give_the_same_array(form):
    for X in (
        SequencePadder().fit_transform(FORMS[form](ROWS)),
        SequencePadder().fit(FORMS[form](ROWS)).transform(FORMS[form](ROWS)),
        SequencePadder(4).transform(FORMS[form](ROWS)),
    ):
        assert type(X) is np.ndarray
        assert X.dtype == np.int32
        assert X.dtype.isnative
        assert X.flags.c_contiguous
        assert X.flags.writeable
        assert X.tolist() == PADDED


def test_arrow_scalars_are_accepted():
    assert SequencePadder().fit_transform(list(map(ArrowScalar, ROWS))).tolist() == PADDED


@given(
    rows=st.lists(
        st.lists(st.integers(SMALLEST, LARGEST), max_size=12), min_size=1, max_size=20
    ).filter(any),
    maxlen=st.none() | st.integers(1, 15),
    padding=SIDES,
    truncating=SIDES,
    value=st.integers(SMALLEST, LARGEST),
    size=st.integers(1, 20),
    as_arrays=st.booleans(),
)
def test_matches_keras(rows, maxlen, padding, truncating, value, size, as_arrays):
    parameters = {"padding": padding, "truncating": truncating, "value": value}
    expected = keras_padded(rows, maxlen, **parameters)
    X = [np.array(row, dtype=np.int64) for row in rows] if as_arrays else rows
    padder = SequencePadder(maxlen, **parameters)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_IDS_IN_BLOCK", "_ROWS_IN_FIRST_BLOCK", "_MOST_ROWS_IN_BLOCK"):
            patch.setattr(_ids, name, size)
        np.testing.assert_array_equal(padder.fit_transform(X), expected)
        np.testing.assert_array_equal(padder.transform(X), expected)
        assert padder.fit(X).maxlen_ == expected.shape[1]


@given(
    rows=st.lists(st.lists(st.integers(0, 99), max_size=6), min_size=1, max_size=8),
    dtype=st.sampled_from(INTEGERS),
    padding=SIDES,
    truncating=SIDES,
)
def test_matches_keras_on_arrays_of_every_type(rows, dtype, padding, truncating):
    X = [np.array(row, dtype=dtype) for row in rows]
    found = SequencePadder(4, padding=padding, truncating=truncating).transform(X)
    expected = keras_padded(X, 4, padding=padding, truncating=truncating)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("maxlen", [None, 30, 200])
def test_matches_keras_across_blocks(maxlen):
    random = np.random.default_rng(0)
    rows = [random.integers(0, 10_000, n) for n in random.integers(0, 100, size=3000)]
    for X in (rows, [row.tolist() for row in rows]):
        found = SequencePadder(maxlen).fit_transform(X)
        np.testing.assert_array_equal(found, keras_padded(rows, maxlen))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.uint64, ">i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_two_dimensional_integer_arrays_are_accepted(dtype, order):
    X = np.array([[3, 1, 3], [0, 0, 0]], dtype=dtype, order=order)
    assert SequencePadder(4).transform(X).tolist() == [[0, 3, 1, 3], [0, 0, 0, 0]]
    assert SequencePadder(2).transform(X).tolist() == [[1, 3], [0, 0]]


def test_padding_a_padded_array_again_changes_nothing():
    padder = SequencePadder()
    X = padder.fit_transform(ROWS)
    np.testing.assert_array_equal(padder.transform(X), X)
    assert not np.shares_memory(padder.transform(X), X)


def test_empty_rows_are_filled_with_the_value():
    assert SequencePadder(2, value=7).transform([[], []]).tolist() == [[7, 7], [7, 7]]
    X = SequencePadder(1).transform(np.empty((2, 0), dtype=int))
    assert X.tolist() == [[0], [0]]


@pytest.mark.parametrize("kind", [list, np.array])
def test_ids_may_be_any_int32(kind):
    rows = [kind([SMALLEST, -1, LARGEST]), kind([0])]
    X = SequencePadder(value=SMALLEST).fit_transform(rows)
    assert X.tolist() == [[SMALLEST, -1, LARGEST], [SMALLEST, SMALLEST, 0]]


def test_input_is_not_modified():
    row = np.array([3, 1, 3], dtype=np.int32)
    row.flags.writeable = False
    for maxlen in (2, 3, 4):
        SequencePadder(maxlen, value=9).fit_transform([row, row])
    assert row.tolist() == [3, 1, 3]


# -------------------------------------------------------------------------------- number of columns


def test_fit_learns_the_length_of_the_longest_row():
    padder = SequencePadder().fit(ROWS)
    assert padder.maxlen_ == 4
    assert type(padder.maxlen_) is int
    assert padder.transform([[1], range(6)]).tolist() == [[0, 0, 0, 1], [2, 3, 4, 5]]


def test_fit_stores_only_the_number_of_columns():
    for padder in (SequencePadder().fit(ROWS), SequencePadder(np.int64(7)).fit(ROWS)):
        assert set(vars(padder)) - set(padder.get_params()) == {"maxlen_"}
        assert type(padder.maxlen_) is int


def test_fit_is_optional_if_maxlen_is_set():
    padder = SequencePadder(3)
    assert not get_tags(padder).requires_fit
    check_is_fitted(padder)
    parts = [padder.transform(part) for part in (ROWS[:1], ROWS[1:])]
    np.testing.assert_array_equal(np.concatenate(parts), padder.transform(ROWS))
    assert len(padder.get_feature_names_out()) == 3
    assert not hasattr(padder, "maxlen_")


def test_fit_is_required_if_maxlen_is_not_set():
    padder = SequencePadder()
    assert get_tags(padder).requires_fit
    with pytest.raises(NotFittedError, match=r"is not fitted yet\. Call 'fit', or set maxlen"):
        padder.transform(ROWS)
    with pytest.raises(NotFittedError, match="SequencePadder instance is not fitted"):
        padder.get_feature_names_out()


def test_set_params_does_not_change_the_fitted_length():
    padder = SequencePadder().fit(ROWS).set_params(maxlen=2)
    assert padder.transform(ROWS).shape == (4, 4)
    assert padder.fit_transform(ROWS).shape == (4, 2)


def test_fit_cannot_learn_a_length_from_empty_rows():
    for method in (SequencePadder().fit, SequencePadder().fit_transform):
        with pytest.raises(ValueError, match=r"only empty rows.*Set maxlen"):
            method([[], []])
