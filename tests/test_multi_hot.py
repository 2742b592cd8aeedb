"""MultiHotVectorizer: its matrix, compared with a plain double loop, and its columns."""

import tracemalloc
from itertools import chain, pairwise

import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from id_rows import (
    FORMS,
    INTEGERS,
    ROWS,
    VOCABULARY,
    ArrowScalar,
    assert_canonical,
    plain_double_loop,
)
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skclf import MultiHotVectorizer, _bags, _ids

# ------------------------------------------------------------------------------------------- matrix


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
def test_two_dimensional_integer_arrays_are_accepted(dtype, order):
    rows = [[3, 1, 3], [0, 0, 0]]
    X = MultiHotVectorizer(4).transform(np.array(rows, dtype=dtype, order=order))
    np.testing.assert_array_equal(X.toarray(), plain_double_loop(rows, 4))


def test_rows_of_an_array_without_columns_are_empty():
    X = MultiHotVectorizer(3).transform(np.empty((2, 0), dtype=int))
    np.testing.assert_array_equal(X.toarray(), np.zeros((2, 3)))


ragged_rows = st.lists(st.lists(st.integers(0, 30), max_size=12), min_size=1, max_size=20)

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
def test_inverse_transform_returns_the_distinct_ids(rows, sparse_output):
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
def test_matches_multi_label_binarizer_across_blocks(most_ids):
    random = np.random.default_rng(0)
    sizes = random.integers(0, most_ids, size=1500, endpoint=True)
    rows = [random.zipf(1.3, size) % 1000 for size in sizes]
    expected = MultiLabelBinarizer(classes=range(1000), sparse_output=True).fit_transform(rows)
    for X in (rows, [row.tolist() for row in rows]):
        result = MultiHotVectorizer(1000).fit_transform(X)
        assert_canonical(result)
        assert (result != expected).nnz == 0


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_memory_of_a_wide_matrix_depends_on_its_ids_only(dtype):
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


def test_indices_own_no_more_memory_than_they_need():
    X = MultiHotVectorizer(10).transform([[1, 2, 1]] * 5000)
    owner = X.indices if X.indices.base is None else X.indices.base
    assert owner.nbytes == X.indices.nbytes == 4 * X.nnz


def test_input_is_not_modified():
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
def test_matrix_has_the_chosen_dtype_and_sparsity(dtype, sparse_output):
    vectorizer = MultiHotVectorizer(10, dtype=dtype, sparse_output=sparse_output)
    X = vectorizer.fit_transform(ROWS)
    assert sparse.issparse(X) == sparse_output
    assert X.dtype == np.dtype(dtype)
    dense = X.toarray() if sparse_output else X
    np.testing.assert_array_equal(dense, plain_double_loop(ROWS, 10))


def test_type_of_the_matrix_is_scikit_learns():
    text = CountVectorizer()
    assert type(MultiHotVectorizer(10).transform(ROWS)) is type(text.fit_transform(["one text"]))
    if "sparse_interface" in sklearn.get_config():
        with sklearn.config_context(sparse_interface="sparray"):
            X = MultiHotVectorizer(10).transform(ROWS)
            assert type(X) is type(text.fit_transform(["one text"])) is sparse.csr_array
        assert_canonical(X)


def test_arrow_scalars_are_accepted():
    rows = list(map(ArrowScalar, ROWS))
    assert MultiHotVectorizer(10).fit_transform(rows).toarray().tolist() == (
        plain_double_loop(ROWS, 10).tolist()
    )


def test_pyarrow_arrays_are_accepted():
    pyarrow = pytest.importorskip("pyarrow")
    rows = pyarrow.array([[1], [], [2, 2]])
    assert MultiHotVectorizer(3).fit_transform(rows).toarray().tolist() == (
        plain_double_loop([[1], [], [2]], 3).tolist()
    )
    with pytest.raises(TypeError, match="Got None of type NoneType as row 1 of X"):
        MultiHotVectorizer(3).fit(pyarrow.array([[1], None]))


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, bool, object])
def test_inverse_transform_accepts_dense_rows_of_any_dtype(dtype):
    X = np.array([[0, 1, 1], [0, 0, 0]]).astype(dtype)
    assert [ids.tolist() for ids in MultiHotVectorizer(3).inverse_transform(X)] == [[1, 2], []]


# -------------------------------------------------------------------------------- number of columns


def test_vocabulary_determines_the_number_of_columns():
    vectorizer = MultiHotVectorizer(vocabulary=VOCABULARY)
    assert vectorizer.fit([[9], [1]]).num_words_ == 5
    assert vectorizer.transform([[9], [1]]).toarray().tolist() == [[0] * 5, [0, 1, 0, 0, 0]]
    assert MultiHotVectorizer(3, vocabulary=VOCABULARY).fit(ROWS).num_words_ == 3


@pytest.mark.parametrize("parameters", [{"num_words": 5}, {"vocabulary": VOCABULARY}])
def test_fit_is_optional_if_parameters_determine_the_columns(parameters):
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
def test_fit_is_required_if_no_parameter_determines_the_columns(method):
    vectorizer = MultiHotVectorizer()
    assert get_tags(vectorizer).requires_fit
    with pytest.raises(NotFittedError, match=r"is not fitted yet\. Call 'fit', or set num_words"):
        getattr(vectorizer, method)([[1, 0]])
    with pytest.raises(NotFittedError, match=r"is not fitted yet\. Call 'fit', or set num_words"):
        vectorizer.get_feature_names_out()


def test_set_params_does_not_change_the_fitted_columns():
    vectorizer = MultiHotVectorizer().fit(ROWS).set_params(num_words=3)
    assert vectorizer.transform(ROWS).shape == (4, 10)
    assert vectorizer.fit_transform(ROWS).shape == (4, 3)


def test_fit_stores_only_the_number_of_columns():
    vectorizer = MultiHotVectorizer().fit(ROWS)
    fitted = set(vars(vectorizer)) - set(vectorizer.get_params())
    assert fitted == {"num_words_"}
    assert type(vectorizer.num_words_) is int
    assert type(MultiHotVectorizer(np.int64(7)).fit(ROWS).num_words_) is int
