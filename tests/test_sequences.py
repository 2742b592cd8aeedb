"""SequencePadder against Keras's pad_sequences, in scikit-learn's tools, and on bad input."""

import ast
import copy
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.utils import pad_sequences
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted
from test_multi_hot import BAD_IDS, FORMS, INTEGERS, ArrowScalar, object_array, ragged

from skclf import SequencePadder, _ids, _sequences
from skclf._sequences import _CHECKED
from skclf._versions import with_versions

ROWS = [[3, 1, 4, 1], [], [5, 9, 2], [0]]
PADDED = [[3, 1, 4, 1], [0, 0, 0, 0], [0, 5, 9, 2], [0, 0, 0, 0]]
SMALLEST, LARGEST = -(2**31), 2**31 - 1
SIDES = st.sampled_from(["pre", "post"])
ORDERED_FORMS = sorted(FORMS.keys() - {"sets"})


def keras_padded(rows, maxlen=None, **parameters):
    return pad_sequences(rows, maxlen, dtype="int32", **parameters)


# What it computes


@pytest.mark.parametrize(
    ("padding", "truncating", "expected"),
    [
        ("pre", "pre", [[9, 1, 2], [4, 5, 6], [9, 9, 9]]),
        ("pre", "post", [[9, 1, 2], [3, 4, 5], [9, 9, 9]]),
        ("post", "pre", [[1, 2, 9], [4, 5, 6], [9, 9, 9]]),
        ("post", "post", [[1, 2, 9], [3, 4, 5], [9, 9, 9]]),
    ],
)
def test_by_hand(padding, truncating, expected):
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


def test_arrow_rows():
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
def test_matches_keras_over_many_blocks(maxlen):
    random = np.random.default_rng(0)
    rows = [random.integers(0, 10_000, n) for n in random.integers(0, 100, size=3000)]
    for X in (rows, [row.tolist() for row in rows]):
        found = SequencePadder(maxlen).fit_transform(X)
        np.testing.assert_array_equal(found, keras_padded(rows, maxlen))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.uint64, ">i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_two_dimensional_integer_array(dtype, order):
    X = np.array([[3, 1, 3], [0, 0, 0]], dtype=dtype, order=order)
    assert SequencePadder(4).transform(X).tolist() == [[0, 3, 1, 3], [0, 0, 0, 0]]
    assert SequencePadder(2).transform(X).tolist() == [[1, 3], [0, 0]]


def test_its_own_result_stays_the_same():
    padder = SequencePadder()
    X = padder.fit_transform(ROWS)
    np.testing.assert_array_equal(padder.transform(X), X)
    assert not np.shares_memory(padder.transform(X), X)


def test_empty_rows_become_padding():
    assert SequencePadder(2, value=7).transform([[], []]).tolist() == [[7, 7], [7, 7]]
    X = SequencePadder(1).transform(np.empty((2, 0), dtype=int))
    assert X.tolist() == [[0], [0]]


@pytest.mark.parametrize("kind", [list, np.array])
def test_the_whole_range_of_int32(kind):
    rows = [kind([SMALLEST, -1, LARGEST]), kind([0])]
    X = SequencePadder(value=SMALLEST).fit_transform(rows)
    assert X.tolist() == [[SMALLEST, -1, LARGEST], [SMALLEST, SMALLEST, 0]]


def test_the_input_stays_as_it_was():
    row = np.array([3, 1, 3], dtype=np.int32)
    row.flags.writeable = False
    for maxlen in (2, 3, 4):
        SequencePadder(maxlen, value=9).fit_transform([row, row])
    assert row.tolist() == [3, 1, 3]


# The number of columns


def test_fit_learns_the_longest_row():
    padder = SequencePadder().fit(ROWS)
    assert padder.maxlen_ == 4
    assert type(padder.maxlen_) is int
    assert padder.transform([[1], range(6)]).tolist() == [[0, 0, 0, 1], [2, 3, 4, 5]]


def test_fit_keeps_the_number_of_columns_alone():
    for padder in (SequencePadder().fit(ROWS), SequencePadder(np.int64(7)).fit(ROWS)):
        assert set(vars(padder)) - set(padder.get_params()) == {"maxlen_"}
        assert type(padder.maxlen_) is int


def test_works_without_fit_where_maxlen_is_set():
    padder = SequencePadder(3)
    assert not get_tags(padder).requires_fit
    check_is_fitted(padder)
    parts = [padder.transform(part) for part in (ROWS[:1], ROWS[1:])]
    np.testing.assert_array_equal(np.concatenate(parts), padder.transform(ROWS))
    assert len(padder.get_feature_names_out()) == 3
    assert not hasattr(padder, "maxlen_")


def test_needs_fit_where_maxlen_is_not_set():
    padder = SequencePadder()
    assert get_tags(padder).requires_fit
    with pytest.raises(NotFittedError, match=r"is not fitted yet\. Call 'fit', or set maxlen"):
        padder.transform(ROWS)
    with pytest.raises(NotFittedError, match="SequencePadder instance is not fitted"):
        padder.get_feature_names_out()


def test_what_fit_learned_outlasts_set_params():
    padder = SequencePadder().fit(ROWS).set_params(maxlen=2)
    assert padder.transform(ROWS).shape == (4, 4)
    assert padder.fit_transform(ROWS).shape == (4, 2)


def test_only_empty_rows_teach_no_length():
    for method in (SequencePadder().fit, SequencePadder().fit_transform):
        with pytest.raises(ValueError, match=r"only empty rows.*Set maxlen"):
            method([[], []])


# In scikit-learn's tools


class PadderOfTables(SequencePadder):
    """Takes tables of floats, which is what scikit-learn's checks pass."""

    def fit(self, X, y=None):
        return super().fit(whole_numbers(X), y)

    def fit_transform(self, X, y=None):
        return super().fit_transform(whole_numbers(X), y)

    def transform(self, X):
        return super().transform(whole_numbers(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


def whole_numbers(X):
    X = np.asarray(X)
    return np.round(100 * X).astype(int) if X.dtype.kind == "f" and np.isfinite(X).all() else X


# These want features in columns, their number and names, or errors in the words of check_array.
ABOUT_TABLES = [
    "check_complex_data",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_empty_data_messages",
    "check_estimators_nan_inf",
    "check_fit1d",
    "check_fit2d_predict1d",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_transformer_general",
]


def about_tables(estimator):
    return dict.fromkeys(ABOUT_TABLES, "a row of ids is not a row of features")


@parametrize_with_checks([PadderOfTables()], expected_failed_checks=about_tables)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def make_sequences():
    """Return 80 rows whose label says whether their last id is 1."""
    random = np.random.default_rng(0)
    y = np.arange(80) % 2
    return [[*random.integers(2, 9, size=4 + i % 5).tolist(), y[i]] for i in range(80)], y


def test_pipeline_and_grid_search():
    X, y = make_sequences()
    one_hot = OneHotEncoder(handle_unknown="ignore")
    pipeline = make_pipeline(SequencePadder(), one_hot, LogisticRegression(C=100))
    grid = {"sequencepadder__truncating": ["pre", "post"], "sequencepadder__maxlen": [3, None]}
    search = GridSearchCV(pipeline, grid, cv=4, error_score="raise").fit(X, y)
    scores = dict(
        zip(
            [tuple(each.values()) for each in search.cv_results_["params"]],
            search.cv_results_["mean_test_score"],
            strict=True,
        )
    )
    assert scores[3, "pre"] == scores[None, "pre"] == 1
    assert scores[3, "post"] < 0.9
    assert search.predict(pd.Series(X)).tolist() == y.tolist()


def test_an_embedding_net_takes_the_rows():
    X = SequencePadder(5).transform(ROWS)
    net = keras.Sequential(
        [keras.layers.Embedding(10, 2, mask_zero=True), keras.layers.SimpleRNN(1)]
    )
    assert net(X).shape == (4, 1)


@pytest.mark.parametrize("copier", [lambda p: pickle.loads(pickle.dumps(p)), copy.deepcopy])
def test_copies_transform_alike(copier):
    padder = SequencePadder(padding="post", value=7).fit(ROWS)
    assert vars(copier(padder)) == vars(padder)
    np.testing.assert_array_equal(copier(padder).transform(ROWS), padder.transform(ROWS))


def test_clone_and_repr():
    padder = SequencePadder(7, padding="post", truncating="post", value=2).fit(ROWS)
    again = clone(padder)
    assert again.get_params() == padder.get_params()
    assert not hasattr(again, "maxlen_")
    assert repr(again) == "SequencePadder(maxlen=7, padding='post', truncating='post', value=2)"


def test_feature_names():
    names = SequencePadder().fit([[1, 2]]).get_feature_names_out()
    assert names.tolist() == ["sequencepadder0", "sequencepadder1"]
    assert names.dtype == object


def test_set_output():
    padder = SequencePadder().set_output(transform="pandas")
    rows = pd.Series([[1, 4], [2]])
    frame = padder.fit_transform(rows)
    assert frame.to_dict("list") == {"sequencepadder0": [1, 0], "sequencepadder1": [4, 2]}
    pd.testing.assert_frame_equal(frame, padder.transform(rows))
    padder.set_output(transform="default")
    assert type(padder.transform(rows)) is np.ndarray


def test_tags():
    tags = get_tags(SequencePadder())
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert not tags.input_tags.positive_only
    assert not tags.target_tags.required
    assert tags.transformer_tags.preserves_dtype == []


def test_works_apart_from_keras_and_the_estimators():
    tree = ast.parse(Path(_sequences.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {name for name in imported if name.startswith("skclf")}
    modules = ("_constraints", "_ids", "_repr", "_typing", "_versions")
    assert own == {f"skclf.{module}" for module in modules}
    code = """
import sys
from skclf import SequencePadder
SequencePadder().fit_transform([[1], [2, 3]])
assert not {"keras", "tensorflow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# Saved and loaded


def loaded_with(padder, **changes):
    loaded = SequencePadder.__new__(SequencePadder)
    state = padder.__getstate__() | changes
    state = {key: value for key, value in state.items() if value is not ...}
    loaded.__setstate__(with_versions(state, _CHECKED))
    return loaded


def test_what_is_saved():
    padder = SequencePadder().fit(ROWS)
    assert padder.__getstate__() == with_versions(vars(padder), _CHECKED)
    assert vars(loaded_with(padder)) == vars(padder)
    assert vars(loaded_with(SequencePadder(3))) == vars(SequencePadder(3))


def test_what_was_changed_since_it_was_saved_is_refused():
    state = SequencePadder().fit(ROWS).__getstate__()
    with pytest.raises(ValueError, match=r"^Can't load this SequencePadder: .*checksum differs"):
        SequencePadder().__setstate__(state | {"maxlen_": 5})


def test_another_version_warns():
    state = SequencePadder().fit(ROWS).__getstate__() | {"_skclf_version": "0.0.1"}
    with pytest.warns(InconsistentVersionWarning, match=r"SequencePadder from version skclf 0\.0"):
        SequencePadder().__setstate__(state)


def test_parameters_that_changed_after_the_fit_load():
    padder = SequencePadder().fit(ROWS).set_params(maxlen=2)
    for copier in (copy.copy, copy.deepcopy, loaded_with):
        assert copier(padder).transform(ROWS).shape == (4, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maxlen_": 0}, "maxlen_ is 0, not an integer from 1 to 2147483647"),
        ({"maxlen_": 2**31}, "maxlen_ is 2147483648, not an integer"),
        ({"maxlen_": 3.0}, r"maxlen_ is 3\.0, not an integer"),
        ({"maxlen_": True}, "maxlen_ is True, not an integer"),
        ({"maxlen_": None}, "maxlen_ is None, not an integer"),
        ({"maxlen_": "7"}, "maxlen_ is '7', not an integer"),
        ({"padding": ...}, "it lacks padding"),
        ({"maxlen": ..., "value": ...}, "it lacks maxlen, value"),
    ],
)
def test_states_that_can_not_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=rf"^Can't load this SequencePadder: {message}.*again"):
        loaded_with(SequencePadder().fit(ROWS), **changes)


@pytest.mark.parametrize("padder", [SequencePadder(), SequencePadder(3, value=1).fit(ROWS)])
def test_skops(padder):
    skops_io = pytest.importorskip("skops.io")
    saved = skops_io.dumps(padder)
    name = "skclf._sequences.SequencePadder"
    assert skops_io.get_untrusted_types(data=saved) == [name]
    assert vars(skops_io.loads(saved, trusted=[name])) == vars(padder)


# Bad input


# Unlike the vectorizer, the padder takes negative ids.
REFUSED_IDS = {name: case for name, case in BAD_IDS.items() if name != "negative"} | {
    "below int32": (SMALLEST - 1, ValueError, f"negative id {SMALLEST - 1}.*from {SMALLEST} to"),
    "beyond int32": (LARGEST + 1, ValueError, f"huge id {LARGEST + 1}.*id is {LARGEST}"),
}


@pytest.mark.parametrize("name", REFUSED_IDS)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
@pytest.mark.parametrize("kind", [list, object_array, iter])
def test_a_bad_id_is_named_with_its_row(name, method, kind):
    value, error, message = REFUSED_IDS[name]
    # Also an id that would be truncated.
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
def test_a_bad_array_row_is_named(row, message, others):
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
def test_an_unfit_corpus_is_refused(X, error, message, method):
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
def test_bad_parameters_are_refused(parameters, message, method):
    padder = SequencePadder(**{"maxlen": 10, **parameters})
    with pytest.raises(ValueError, match=message):
        getattr(padder, method)(ROWS)


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
@pytest.mark.parametrize("bad", [[], [[1], None], [[99, 0.5]], [[], []]])
def test_a_failed_fit_leaves_the_earlier_one(method, bad):
    padder = SequencePadder().fit(ROWS)
    with pytest.raises((ValueError, TypeError), match="Got"):
        getattr(padder, method)(bad)
    assert padder.maxlen_ == 4
    assert padder.transform(ROWS).tolist() == PADDED
