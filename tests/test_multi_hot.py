"""MultiHotVectorizer against the plain double loop, in scikit-learn's tools, and on bad input."""

import ast
import copy
import pickle
import sys
import tracemalloc
from decimal import Decimal
from itertools import chain, pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skclf import MultiHotVectorizer, _bags, _ids, _multi_hot
from skclf._multi_hot import _CHECKED
from skclf._versions import with_versions

ROWS = [[3, 1, 4, 1], [], [5, 9, 2], [0]]
VOCABULARY = {"<pad>": 0, "good": 1, "bad": 2, "film": 4}


def plain_double_loop(rows, num_words, handle_unknown="ignore"):
    """Return what the vectorizer must return, by the definition."""
    result = np.zeros((len(rows), num_words))
    for i, row in enumerate(rows):
        for value in row:
            if value < num_words:
                result[i, value] = 1
            elif handle_unknown != "ignore":
                result[i, handle_unknown] = 1
    return result


def assert_canonical(X):
    """Check the CSR matrix itself, not the flags it was given."""
    assert X.format == "csr"
    assert X.has_canonical_format
    assert X.indices.dtype == X.indptr.dtype == np.int32
    fresh = sparse.csr_matrix((X.data, X.indices, X.indptr), shape=X.shape)
    fresh.check_format(full_check=True)
    assert fresh.has_canonical_format
    assert (X.data == 1).all()


def ragged(rows):
    """Return an object with the two attributes of a `tf.RaggedTensor` that count."""
    splits = np.cumsum([0] + [len(row) for row in rows])
    return SimpleNamespace(flat_values=np.array(list(chain(*rows)), dtype=int), row_splits=splits)


def object_array(rows):
    result = np.empty(len(rows), dtype=object)
    result[:] = rows
    return result


FORMS = {
    "lists": list,
    "tuples": lambda rows: tuple(map(tuple, rows)),
    "int64 arrays": lambda rows: [np.array(row, dtype=np.int64) for row in rows],
    "int32 arrays": lambda rows: [np.array(row, dtype=np.int32) for row in rows],
    "big-endian arrays": lambda rows: [np.array(row, dtype=">i4") for row in rows],
    "arrays with gaps": lambda rows: [np.repeat(row, 2).astype(int)[::2] for row in rows],
    "uint8 arrays": lambda rows: [np.array(row, dtype=np.uint8) for row in rows],
    "uint64 arrays": lambda rows: [np.array(row, dtype=np.uint64) for row in rows],
    "arrays, empty ones of floats": lambda rows: [np.array(row) for row in rows],
    "object arrays": lambda rows: [np.array(row, dtype=object) for row in rows],
    "masked arrays without masked ids": lambda rows: [np.ma.array(row, dtype=int) for row in rows],
    "many dtypes": lambda rows: [
        np.array(row, dtype=["i1", "u2", ">i4", "u8"][i % 4]) for i, row in enumerate(rows)
    ],
    "lists of NumPy integers": lambda rows: [list(np.array(row, dtype=np.int16)) for row in rows],
    "lists beside arrays": lambda rows: [
        np.array(row, int) if len(row) % 2 else row for row in rows
    ],
    "object array of lists": object_array,
    "Series of lists": lambda rows: pd.Series(object_array(rows), index=range(5, 5 + len(rows))),
    "Series of arrays": lambda rows: pd.Series([np.array(row, int) for row in rows], dtype=object),
    "Series rows": lambda rows: [pd.Series(row, dtype="Int64") for row in rows],
    "sets": lambda rows: list(map(set, rows)),
    "ragged": ragged,
    "generator": lambda rows: (row for row in rows),
    "generator rows": lambda rows: [(value for value in row) for row in rows],
}


# What it computes


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["transform", "fit_transform"])
def test_rows_of_every_form_give_the_same_matrix(form, method):
    X = getattr(MultiHotVectorizer(10), method)(FORMS[form](ROWS))
    np.testing.assert_array_equal(X.toarray(), plain_double_loop(ROWS, 10))
    assert_canonical(X)
    assert X.dtype == np.float32


@pytest.mark.parametrize("form", FORMS)
def test_fit_learns_the_number_of_columns_from_rows_of_every_form(form):
    assert MultiHotVectorizer().fit(FORMS[form](ROWS)).num_words_ == 10
    vectorizer = MultiHotVectorizer()
    assert vectorizer.fit_transform(FORMS[form](ROWS)).shape == (4, 10)
    assert vectorizer.num_words_ == 10


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.uint64, ">i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_two_dimensional_integer_array(dtype, order):
    rows = [[3, 1, 3], [0, 0, 0]]
    X = MultiHotVectorizer(4).transform(np.array(rows, dtype=dtype, order=order))
    np.testing.assert_array_equal(X.toarray(), plain_double_loop(rows, 4))


def test_empty_two_dimensional_array_rows():
    X = MultiHotVectorizer(3).transform(np.empty((2, 0), dtype=int))
    np.testing.assert_array_equal(X.toarray(), np.zeros((2, 3)))


ragged_rows = st.lists(st.lists(st.integers(0, 30), max_size=12), min_size=1, max_size=20)
INTEGERS = ["i1", "u1", "i2", "u2", "i4", ">i4", "u4", "i8", "u8"]
SIZES = {
    _ids: ["_IDS_IN_BLOCK", "_IDS_IN_PART", "_ROWS_IN_FIRST_BLOCK", "_MOST_ROWS_IN_BLOCK"],
    _bags: ["_IDS_IN_SORT"],
}


@given(
    rows=ragged_rows,
    num_words=st.integers(3, 40),
    handle_unknown=st.sampled_from(["ignore", "error", 0, 2]),
    size=st.integers(1, 20),
    dtype=st.sampled_from([None, *INTEGERS]),
)
def test_matches_the_plain_double_loop(rows, num_words, handle_unknown, size, dtype):
    vectorizer = MultiHotVectorizer(num_words, handle_unknown=handle_unknown)
    X = rows if dtype is None else [np.array(row, dtype=dtype) for row in rows]
    unknown = [(i, value) for i, row in enumerate(rows) for value in row if value >= num_words]
    with pytest.MonkeyPatch.context() as patch:
        for module, names in SIZES.items():
            for name in names:
                patch.setattr(module, name, size)
        if handle_unknown == "error" and unknown:
            row, value = unknown[0]
            for method in (vectorizer.fit, vectorizer.transform, vectorizer.fit_transform):
                with pytest.raises(ValueError, match=f"Got the id {value} in row {row} with"):
                    method(X)
            return
        result = vectorizer.transform(X)
        fitted = vectorizer.fit_transform(X)
    assert_canonical(result)
    np.testing.assert_array_equal(
        result.toarray(), plain_double_loop(rows, num_words, handle_unknown)
    )
    assert (result != fitted).nnz == 0


@given(rows=ragged_rows, dtype=st.sampled_from([None, *INTEGERS]))
def test_learns_the_number_of_columns_from_any_rows(rows, dtype):
    X = rows if dtype is None else [np.array(row, dtype=dtype) for row in rows]
    num_words = max(chain([-1], *rows)) + 1
    if num_words:
        assert MultiHotVectorizer().fit(X).num_words_ == num_words
        assert MultiHotVectorizer().fit_transform(X).shape == (len(rows), num_words)


@given(rows=ragged_rows, sparse_output=st.booleans())
def test_inverse_transform_gives_the_distinct_ids_back(rows, sparse_output):
    vectorizer = MultiHotVectorizer(31, sparse_output=sparse_output)
    X = vectorizer.transform(rows)
    ids = vectorizer.inverse_transform(X)
    assert [row.tolist() for row in ids] == [sorted(set(row)) for row in rows]
    assert all(row.dtype == np.int64 for row in ids)
    again = vectorizer.transform(ids)
    np.testing.assert_array_equal(*[sparse.csr_matrix(Y).toarray() for Y in (X, again)])


@given(rows=st.lists(st.lists(st.integers(0, 2**31 - 2), max_size=5), min_size=1, max_size=9))
def test_wide_matrices_keep_every_id(rows):
    X = MultiHotVectorizer(2**31 - 1).transform(rows)
    assert_canonical(X)
    assert [X[[i]].indices.tolist() for i in range(len(rows))] == [sorted(set(r)) for r in rows]


@pytest.mark.parametrize("most_ids", [1, 60, 1000])
def test_agrees_with_multi_label_binarizer_over_many_blocks(most_ids):
    random = np.random.default_rng(0)
    sizes = random.integers(0, most_ids, size=1500, endpoint=True)
    rows = [random.zipf(1.3, size) % 1000 for size in sizes]
    expected = MultiLabelBinarizer(classes=range(1000), sparse_output=True).fit_transform(rows)
    for X in (rows, [row.tolist() for row in rows]):
        result = MultiHotVectorizer(1000).fit_transform(X)
        assert_canonical(result)
        assert (result != expected).nnz == 0


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_a_wide_matrix_takes_memory_for_its_ids_alone(dtype):
    rows = [np.array([9_999_999, 5, 9_999_999, row], dtype=dtype) for row in range(2000)]
    vectorizer = MultiHotVectorizer(10_000_000)
    tracemalloc.start()
    X = vectorizer.transform(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_canonical(X)
    assert peak < 1e6
    expected = [sorted({5, row, 9_999_999}) for row in range(2000)]
    assert [X.indices[i:j].tolist() for i, j in pairwise(X.indptr)] == expected


def test_the_indices_own_no_more_memory_than_they_need():
    X = MultiHotVectorizer(10).transform([[1, 2, 1]] * 5000)
    owner = X.indices if X.indices.base is None else X.indices.base
    assert owner.nbytes == X.indices.nbytes == 4 * X.nnz


def test_the_input_stays_as_it_was():
    row = np.array([3, 1, 3])
    row.flags.writeable = False
    rows = [row, row]
    MultiHotVectorizer(4).transform([row])
    MultiHotVectorizer(2, handle_unknown=0).fit_transform(rows)
    assert row.tolist() == [3, 1, 3]
    X = sparse.csr_matrix((np.array([1.0, 0, 1]), [2, 1, 0], [0, 3]), shape=(1, 3))
    MultiHotVectorizer(3).inverse_transform(X)
    assert X.indices.tolist() == [2, 1, 0]


@pytest.mark.parametrize("dtype", [np.float64, "float32", bool, np.int8, np.uint64, np.longdouble])
@pytest.mark.parametrize("sparse_output", [True, False])
def test_dtype_and_sparse_output(dtype, sparse_output):
    vectorizer = MultiHotVectorizer(10, dtype=dtype, sparse_output=sparse_output)
    X = vectorizer.fit_transform(ROWS)
    assert sparse.issparse(X) == sparse_output
    assert X.dtype == np.dtype(dtype)
    dense = X.toarray() if sparse_output else X
    np.testing.assert_array_equal(dense, plain_double_loop(ROWS, 10))


def test_returns_the_kind_of_matrix_that_scikit_learn_returns():
    text = CountVectorizer()
    assert type(MultiHotVectorizer(10).transform(ROWS)) is type(text.fit_transform(["one text"]))
    if "sparse_interface" in sklearn.get_config():
        with sklearn.config_context(sparse_interface="sparray"):
            X = MultiHotVectorizer(10).transform(ROWS)
            assert type(X) is type(text.fit_transform(["one text"])) is sparse.csr_array
        assert_canonical(X)


# The number of columns


def test_a_vocabulary_fixes_the_number_of_columns():
    vectorizer = MultiHotVectorizer(vocabulary=VOCABULARY)
    assert vectorizer.fit([[9], [1]]).num_words_ == 5
    assert vectorizer.transform([[9], [1]]).toarray().tolist() == [[0] * 5, [0, 1, 0, 0, 0]]
    assert MultiHotVectorizer(3, vocabulary=VOCABULARY).fit(ROWS).num_words_ == 3


@pytest.mark.parametrize("parameters", [{"num_words": 5}, {"vocabulary": VOCABULARY}])
def test_works_without_fit_where_the_parameters_fix_the_columns(parameters):
    vectorizer = MultiHotVectorizer(**parameters)
    assert not get_tags(vectorizer).requires_fit
    check_is_fitted(vectorizer)
    parts = [vectorizer.transform(part) for part in (ROWS[:1], ROWS[1:])]
    whole = vectorizer.transform(ROWS)
    assert (sparse.vstack(parts) != whole).nnz == 0
    assert vectorizer.inverse_transform(whole)[0].tolist() == [1, 3, 4]
    assert len(vectorizer.get_feature_names_out()) == 5
    assert not hasattr(vectorizer, "num_words_")


@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_needs_fit_where_nothing_fixes_the_columns(method):
    vectorizer = MultiHotVectorizer()
    assert get_tags(vectorizer).requires_fit
    with pytest.raises(NotFittedError, match=r"is not fitted yet\. Call 'fit', or set num_words"):
        getattr(vectorizer, method)([[1, 0]])
    with pytest.raises(NotFittedError, match=r"is not fitted yet\. Call 'fit', or set num_words"):
        vectorizer.get_feature_names_out()


def test_what_fit_learned_outlasts_set_params():
    vectorizer = MultiHotVectorizer().fit(ROWS).set_params(num_words=3)
    assert vectorizer.transform(ROWS).shape == (4, 10)
    assert vectorizer.fit_transform(ROWS).shape == (4, 3)


def test_fit_keeps_the_number_of_columns_alone():
    vectorizer = MultiHotVectorizer().fit(ROWS)
    fitted = set(vars(vectorizer)) - set(vectorizer.get_params())
    assert fitted == {"num_words_"}
    assert type(vectorizer.num_words_) is int
    assert type(MultiHotVectorizer(np.int64(7)).fit(ROWS).num_words_) is int


# Words


def test_feature_names():
    vectorizer = MultiHotVectorizer(6, vocabulary=VOCABULARY)
    names = vectorizer.get_feature_names_out()
    assert names.tolist() == ["<pad>", "good", "bad", "id_3", "film", "id_5"]
    assert names.dtype == object
    assert MultiHotVectorizer(2).get_feature_names_out().tolist() == ["id_0", "id_1"]
    assert MultiHotVectorizer(2, vocabulary=VOCABULARY).get_feature_names_out()[1] == "good"


def test_no_two_columns_have_one_name():
    vocabulary = {"id_3": 1, "id_0": 4, "id_0_": 2, "id_9": 5}
    names = MultiHotVectorizer(7, vocabulary=vocabulary).get_feature_names_out().tolist()
    assert names == ["id_0__", "id_3", "id_0_", "id_3_", "id_0", "id_9", "id_6"]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_ids_of_a_vocabulary_in_a_small_type(dtype):
    largest = dtype(np.iinfo(dtype).max)
    vectorizer = MultiHotVectorizer(vocabulary={"a": largest}).fit([[int(largest)]])
    assert vectorizer.num_words_ == int(largest) + 1
    assert vectorizer.transform([[int(largest)]]).indices.tolist() == [largest]


@pytest.mark.parametrize("num_words", [None, 2, 9])
def test_decode_ids(num_words):
    vectorizer = MultiHotVectorizer(num_words, vocabulary=VOCABULARY)
    words = [["film", "good", "film", "?"], [], ["?"]]
    for rows in ([[4, 1, 4, 3], [], [77]], ragged([[4, 1, 4, 3], [], [77]])):
        assert vectorizer.decode(rows) == words
    assert vectorizer.decode(np.array([[1, 0]])) == [["good", "<pad>"]]


@pytest.mark.parametrize(
    "form",
    [
        sparse.csr_matrix,
        sparse.csc_array,
        sparse.coo_matrix,
        lambda X: X.astype(np.float32),
        lambda X: X.astype(bool),
        pd.DataFrame,
    ],
)
def test_decode_multi_hot_rows(form):
    vectorizer = MultiHotVectorizer(vocabulary=VOCABULARY)
    X = plain_double_loop([[4, 1, 1, 3], [], [0]], 5)
    assert vectorizer.decode(form(X)) == [["good", "?", "film"], [], ["<pad>"]]


def test_decode_needs_a_vocabulary():
    with pytest.raises(ValueError, match=r"Got vocabulary=None.*Set vocabulary"):
        MultiHotVectorizer(10).decode(ROWS)


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ({}, "empty vocabulary"),
        ({"a": 1, "b": 1}, "'b' mapped to 1, like 'a'"),
        ({"a": -1}, "'a' mapped to -1"),
        ({"a": 1.0}, "'a' mapped to 1.0"),
        ({"a": True}, "'a' mapped to True"),
        ({"a": 2**31}, "'a' mapped to 2147483648"),
        ({"a": [1]}, r"'a' mapped to \[1\]"),
        ({7: 1}, "7 mapped to 1"),
    ],
)
def test_a_bad_vocabulary_is_refused(vocabulary, message):
    vectorizer = MultiHotVectorizer(10, vocabulary=vocabulary)
    for method in (vectorizer.fit, vectorizer.transform, vectorizer.decode):
        with pytest.raises(ValueError, match=message):
            method(ROWS)


# In scikit-learn's tools


def make_reviews():
    """Return 80 rows whose label says whether id 7 is among their ids."""
    random = np.random.default_rng(0)
    y = np.arange(80) % 2
    return [[*random.integers(0, 7, size=9).tolist(), *[7] * label] for label in y], y


def test_pipeline_and_grid_search():
    X, y = make_reviews()
    pipeline = make_pipeline(MultiHotVectorizer(), LogisticRegression(C=100))
    grid = {"multihotvectorizer__num_words": [7, 8, None]}
    search = GridSearchCV(pipeline, grid, cv=4, error_score="raise").fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] < 0.9
    assert scores[1] == scores[2] == 1
    assert search.predict(pd.Series(X)).tolist() == y.tolist()
    names = search.best_estimator_[:-1].get_feature_names_out()
    assert names.tolist() == [f"id_{i}" for i in range(8)]


@pytest.mark.parametrize("copier", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy])
def test_copies_transform_alike(copier):
    vectorizer = MultiHotVectorizer(handle_unknown=2, vocabulary=VOCABULARY).fit(ROWS)
    assert (copier(vectorizer).transform(ROWS) != vectorizer.transform(ROWS)).nnz == 0


def test_clone_and_repr():
    vectorizer = MultiHotVectorizer(7, handle_unknown="error", dtype=bool, vocabulary=VOCABULARY)
    again = clone(vectorizer.set_params(handle_unknown=1).fit(ROWS))
    assert again.get_params() == vectorizer.get_params()
    assert not hasattr(again, "num_words_")
    assert "handle_unknown=1" in repr(again)


def test_set_output():
    vectorizer = MultiHotVectorizer(sparse_output=False, vocabulary=VOCABULARY)
    vectorizer.set_output(transform="pandas")
    rows = pd.Series([[1, 4], [2]])
    frame = vectorizer.fit_transform(rows)
    assert frame.loc[0].to_dict() == {"<pad>": 0, "good": 1, "bad": 0, "id_3": 0, "film": 1}
    pd.testing.assert_frame_equal(frame, vectorizer.transform(rows))
    assert vectorizer.decode(frame) == [["good", "film"], ["bad"]]
    vectorizer.set_output(transform="default")
    assert type(vectorizer.transform(rows)) is np.ndarray


def test_tags():
    tags = get_tags(MultiHotVectorizer())
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert tags.input_tags.positive_only
    assert not tags.target_tags.required
    assert tags.transformer_tags.preserves_dtype == []


def test_works_apart_from_tensorflow_and_the_estimators():
    modules = ("_bags", "_constraints", "_ids", "_repr", "_typing", "_versions")
    own = {f"skclf.{module}" for module in modules}
    for module, allowed in ((_multi_hot, own), (_bags, {"skclf._ids"}), (_ids, set())):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        imported = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module)
        assert {name for name in imported if name.startswith("skclf")} == allowed
        packages = {name.split(".")[0] for name in imported}
        assert packages.isdisjoint({"tensorflow", "keras", "scikeras", "pandas"})
        assert packages <= {"numpy", "scipy", "sklearn", "skclf", *sys.stdlib_module_names}


# Saved and loaded


def loaded_with(vectorizer, **changes):
    loaded = MultiHotVectorizer.__new__(MultiHotVectorizer)
    state = vectorizer.__getstate__() | changes
    state = {key: value for key, value in state.items() if value is not ...}
    loaded.__setstate__(with_versions(state, _CHECKED))
    return loaded


def test_what_is_saved():
    vectorizer = MultiHotVectorizer(vocabulary=VOCABULARY).fit(ROWS)
    assert vectorizer.__getstate__() == with_versions(vars(vectorizer), _CHECKED)
    assert vars(loaded_with(vectorizer)) == vars(vectorizer)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_words_": 7},
        {"vocabulary": None},
        {"vocabulary": VOCABULARY | {"?": 9}},
        {"vocabulary": dict(zip(VOCABULARY, [7, *list(VOCABULARY.values())[1:]], strict=True))},
    ],
)
def test_what_was_changed_since_it_was_saved_is_refused(changes):
    state = MultiHotVectorizer(vocabulary=VOCABULARY).fit(ROWS).__getstate__()
    with pytest.raises(ValueError, match=r"^Can't load this MultiHotV.*: the checksum differs"):
        MultiHotVectorizer().__setstate__(state | changes)


@pytest.mark.parametrize("num_words", [1, 2**31 - 1, np.int64(7)])
def test_numbers_of_columns_that_load(num_words):
    loaded = loaded_with(MultiHotVectorizer().fit(ROWS), num_words_=num_words)
    assert loaded.transform([[0]]).shape == (1, num_words)


def test_parameters_that_changed_after_the_fit_load():
    vectorizer = MultiHotVectorizer(10).fit(ROWS).set_params(num_words=3, vocabulary={"a": 0})
    for copier in (copy.copy, copy.deepcopy, loaded_with):
        assert copier(vectorizer).transform(ROWS).shape == (4, 10)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_words_": 0}, "num_words_ is 0, not an integer from 1 to 2147483647"),
        ({"num_words_": 2**31}, "num_words_ is 2147483648, not an integer"),
        ({"num_words_": -3}, "num_words_ is -3, not an integer"),
        ({"num_words_": 3.0}, r"num_words_ is 3\.0, not an integer"),
        ({"num_words_": True}, "num_words_ is True, not an integer"),
        ({"num_words_": None}, "num_words_ is None, not an integer"),
        ({"num_words_": "7"}, "num_words_ is '7', not an integer"),
        ({"dtype": ...}, "it lacks dtype"),
        ({"num_words": ..., "vocabulary": ...}, "it lacks num_words, vocabulary"),
    ],
)
def test_states_that_can_not_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=rf"^Can't load this MultiHotVectorizer: {message}.*again"):
        loaded_with(MultiHotVectorizer().fit(ROWS), **changes)


# Bad input


BAD_IDS = {
    "negative": (-4, ValueError, "negative id -4.*Renumber the ids from 0"),
    "far below zero": (-(10**30), ValueError, "negative id -10{17}.*Renumber the ids from 0"),
    "beyond int64": (2**63, ValueError, "huge id 9223372036854775808.*largest possible"),
    "beyond printing": (10**5000, ValueError, r"huge id beyond 10\*\*99"),
    "fractional": (2.5, ValueError, r"number 2\.5.*astype\(int\)"),
    "whole float": (3.0, ValueError, r"number 3\.0.*astype\(int\)"),
    "infinite": (float("inf"), ValueError, "number inf"),
    "text": ("film", TypeError, r"text 'film'.*vocabulary\[w\]"),
    "digits": ("3", TypeError, r"text '3'.*vocabulary\[w\]"),
    "bytes": (b"3", TypeError, r"text b'3'.*vocabulary\[w\]"),
    "None": (None, ValueError, "missing id None.*Drop it"),
    "NaN": (float("nan"), ValueError, "missing id nan.*Drop it"),
    "NA": (pd.NA, ValueError, "missing id <NA>.*Drop it"),
    "NaT": (pd.NaT, ValueError, "missing id NaT.*Drop it"),
    "True": (True, TypeError, "boolean True.*flatnonzero"),
    "False": (False, TypeError, "boolean False.*flatnonzero"),
    "NumPy boolean": (np.True_, TypeError, "boolean (np.)?True_?.*flatnonzero"),
    "list": ([1, 2], TypeError, r"list \[1, 2\].*Flatten"),
    "array": (np.array([3]), TypeError, r"ndarray array\(\[3\]\).*Flatten"),
    "Decimal": (Decimal(3), TypeError, r"Decimal Decimal\('3'\)"),
}


@pytest.mark.parametrize("name", BAD_IDS)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform", "decode"])
@pytest.mark.parametrize("kind", [list, tuple, "object array", "generator"])
def test_a_bad_id_is_named_with_its_row(name, method, kind):
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
def test_a_bad_array_row_is_named(row, message, others):
    message = rf"^Got the (?=.* in row 130; expected ){message}"
    with pytest.raises((ValueError, TypeError), match=message):
        MultiHotVectorizer(10).fit([others] * 130 + [row])


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
def test_a_row_that_is_no_sequence_is_named(row, message, method):
    for others in ([1], [2]), (np.array([1]), np.array([2])):
        with pytest.raises(TypeError, match=message):
            getattr(MultiHotVectorizer(10), method)([*others, row])


class ArrowScalar:
    """A scalar of pyarrow's, as its arrays hold them: of one id, or of a list of them."""

    def __init__(self, value):
        self._value = value

    def as_py(self):
        return self._value

    def __len__(self):
        return len(self._value)

    def __iter__(self):
        return iter(None if self._value is None else map(ArrowScalar, self._value))


def test_arrow_rows():
    rows = list(map(ArrowScalar, ROWS))
    assert MultiHotVectorizer(10).fit_transform(rows).toarray().tolist() == (
        plain_double_loop(ROWS, 10).tolist()
    )


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        (None, TypeError, "Got None of type NoneType as row 2 of X.*Pass a row without ids as"),
        ([3, None], ValueError, "Got the missing id None in row 2; .*Drop it"),
        ([3, 0.5], ValueError, r"Got the number 0\.5 in row 2;"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform", "decode"])
def test_arrow_rows_that_lack_something(row, error, message, method):
    rows = list(map(ArrowScalar, [[1], [], row]))
    with pytest.raises(error, match=message):
        getattr(MultiHotVectorizer(10, vocabulary=VOCABULARY), method)(rows)


def test_arrow_rows_by_pyarrow_itself():
    pyarrow = pytest.importorskip("pyarrow")
    rows = pyarrow.array([[1], [], [2, 2]])
    assert MultiHotVectorizer(3).fit_transform(rows).toarray().tolist() == (
        plain_double_loop([[1], [], [2]], 3).tolist()
    )
    with pytest.raises(TypeError, match="Got None of type NoneType as row 1 of X"):
        MultiHotVectorizer(3).fit(pyarrow.array([[1], None]))


@pytest.mark.parametrize("X", [[3, 1, 4], (3, 1), np.array([3, 1]), pd.Series([3, 1]), range(3, 5)])
def test_a_flat_list_is_refused(X):
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
def test_an_unfit_corpus_is_refused(X, error, message, method):
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
def test_a_ragged_tensor_that_is_not_plain_is_refused(values, splits):
    X = SimpleNamespace(flat_values=np.array(values), row_splits=np.array(splits, dtype=int))
    with pytest.raises(ValueError, match="expected one ragged dimension"):
        MultiHotVectorizer(10).transform(X)


def test_a_ragged_tensor_of_floats_is_refused():
    X = SimpleNamespace(flat_values=np.array([1.5, 2.0]), row_splits=np.array([0, 0, 2]))
    with pytest.raises(ValueError, match=r"Got the number 1\.5 in row 1;"):
        MultiHotVectorizer(10).transform(X)


@pytest.mark.parametrize("largest", [2**31 - 1, 2**62])
def test_an_absurd_width_is_not_learned(largest):
    for method in (MultiHotVectorizer().fit, MultiHotVectorizer().fit_transform):
        with pytest.raises(ValueError, match=f"Got the id {largest} in row 1 .* Set num_words"):
            method([[1], [5, largest]])
    assert MultiHotVectorizer(6).transform([[1], [5, largest]]).nnz == 2
    assert MultiHotVectorizer().fit([[2**31 - 2]]).num_words_ == 2**31 - 1


def test_only_empty_rows_teach_no_width():
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
def test_bad_parameters_are_refused(parameters, message, method):
    vectorizer = MultiHotVectorizer(**{"num_words": 10, **parameters})
    with pytest.raises(ValueError, match=message):
        getattr(vectorizer, method)(ROWS)


def test_the_column_for_unknown_ids_must_exist_after_learning():
    for method in (
        MultiHotVectorizer(handle_unknown=9).fit,
        MultiHotVectorizer(handle_unknown=9).fit_transform,
    ):
        with pytest.raises(ValueError, match="Got handle_unknown=9 with 5 columns"):
            method([[4]])
        method([[9]])


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
@pytest.mark.parametrize("bad", [[], [[1], None], [[99, -1]], [[], []]])
def test_a_failed_fit_leaves_the_earlier_one(method, bad):
    vectorizer = MultiHotVectorizer().fit(ROWS)
    with pytest.raises((ValueError, TypeError), match="Got"):
        getattr(vectorizer, method)(bad)
    assert vectorizer.num_words_ == 10
    assert vectorizer.transform(ROWS).shape == (4, 10)


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
def test_inverse_transform_refuses_what_is_not_multi_hot(X, message):
    with pytest.raises(ValueError, match=message):
        MultiHotVectorizer(3).inverse_transform(X)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, bool, object])
def test_inverse_transform_takes_dense_rows_of_any_dtype(dtype):
    X = np.array([[0, 1, 1], [0, 0, 0]]).astype(dtype)
    assert [ids.tolist() for ids in MultiHotVectorizer(3).inverse_transform(X)] == [[1, 2], []]
