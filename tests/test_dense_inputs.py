"""Labels and rows that the dense classifiers accept: their types, forms, sparse formats."""

import numpy as np
import pandas as pd
import pytest
from dense_nets import CODES, CODES3, NAMES3, TEXTS, X, binary, fitted_net, multiclass
from scipy import sparse

# ------------------------------------------------------------------------------------------- labels


LABELS = {
    "str": TEXTS,
    "list of str": TEXTS.tolist(),
    "str objects": TEXTS.astype(object),
    "pandas str": pd.Series(TEXTS),
    "pandas string": pd.Series(TEXTS, dtype="string"),
    "pandas category": pd.Series(TEXTS, dtype="category"),
    "categorical of ints": pd.Categorical(CODES),
    "bool": CODES == 1,
    "pandas boolean": pd.Series(CODES == 1, dtype="boolean"),
    "bool objects": (CODES == 1).astype(object),
    "int objects": CODES.astype(object),
    "int8": CODES.astype(np.int8) * 100 - 50,
    "uint8": CODES.astype(np.uint8) + 254,
    "int64": CODES + 2**62,
    "uint64": CODES.astype(np.uint64) + 2**63,
    "big-endian": CODES.astype(">i4"),
    "pandas Int64": pd.Series(CODES, dtype="Int64"),
    "pandas UInt8": pd.Series(CODES, dtype="UInt8"),
    "whole floats": CODES * 2.0 - 1,
    "long and short str": np.array(["a", "b" * 50])[CODES],
    "other alphabets": np.array(["αβγ", "日本"])[CODES],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_type_give_the_same_net(kind):
    two = fitted_net("two")
    y = LABELS[kind]
    clf = binary().fit(X, y)
    assert clf.classes_.tolist() == sorted(set(y))
    np.testing.assert_array_equal(clf.predict_proba(X), two.predict_proba(X))
    predicted = clf.predict(X)
    assert predicted.dtype == clf.classes_.dtype
    assert predicted.tolist() == clf.classes_[two.predict(X)].tolist()
    assert clf.score(X, y) == two.score(X, CODES)
    if kind in ("str", "bool objects", "pandas category"):
        assert clf.evaluate(X, y) == two.evaluate(X, CODES)


@pytest.mark.parametrize("dtype", [str, object, "category", "string"])
def test_labels_of_three_classes_may_have_any_type(dtype):
    y = pd.Series(NAMES3[CODES3]).astype(dtype)
    clf = multiclass().fit(X, y)
    assert clf.classes_.tolist() == ["ant", "bee", "cat"]
    assert clf.predict(X).tolist() == fitted_net("three").predict(X).tolist()


def test_a_category_without_rows_is_not_a_class():
    y = pd.Series(TEXTS).astype(pd.CategoricalDtype(["z", "b", "a"]))
    assert binary(epochs=1).fit(X, y).classes_.tolist() == ["a", "b"]


# --------------------------------------------------------------------------------------------- rows


ROWS = {
    "list": X.tolist(),
    "tuples": tuple(map(tuple, X.tolist())),
    "objects": X.astype(object),
    "Fortran order": np.asfortranarray(X),
    "every second column": np.repeat(X, 2, axis=1)[:, ::2],
    "big-endian": X.astype(">f8"),
    "numbers only in a frame": pd.DataFrame(X),
    "frame of many types": pd.DataFrame(X).astype(
        {0: "int8", 1: "Int64", 2: "float32", 3: "Float64"}
    ),
    "int8": X.astype(np.int8),
    "uint8": X.astype(np.uint8),
    "int32": X.astype(np.int32),
    "int64": X.astype(np.int64),
    "uint64": X.astype(np.uint64),
    "float16": X.astype(np.float16),
    "float32": X.astype(np.float32),
    "longdouble": X.astype(np.longdouble),
}


@pytest.mark.parametrize("kind", ROWS)
def test_rows_of_every_type_give_the_same_net(kind):
    two = fitted_net("two")
    clf = binary().fit(ROWS[kind], CODES)
    np.testing.assert_array_equal(clf.predict_proba(X), two.predict_proba(X))
    # Float32 rows are computed in float32.
    np.testing.assert_allclose(two.predict_proba(ROWS[kind]), two.predict_proba(X), atol=1e-6)
    assert clf.n_features_in_ == 4
    assert not hasattr(clf, "feature_names_in_")


def test_boolean_rows_equal_zeros_and_ones():
    truths = X > 2
    clf, expected = binary().fit(truths, CODES), binary().fit(truths.astype(float), CODES)
    np.testing.assert_array_equal(clf.predict_proba(truths), expected.predict_proba(truths * 1))


def test_feature_names_are_set_or_removed_by_fit():
    frame = pd.DataFrame(X, columns=list("abcd"))
    clf = binary().fit(frame, CODES)
    assert clf.feature_names_in_.tolist() == list("abcd")
    assert not hasattr(clf.fit(X, CODES), "feature_names_in_")


@pytest.mark.parametrize("rows", [X, sparse.csr_array(X), pd.DataFrame(X)], ids=lambda X: type(X))
def test_arguments_are_not_modified(rows):
    before, y, weights = rows.copy(), TEXTS.copy(), np.arange(40.0)
    clf = binary(class_weight={"a": 2}, validation_split=0.2).fit(rows, y, weights)
    clf.evaluate(rows, y, weights)
    clf.predict(rows)
    difference = rows != before
    assert not (difference.nnz if sparse.issparse(rows) else np.asarray(difference).any())
    assert y.tolist() == TEXTS.tolist()
    assert weights.tolist() == list(range(40))
    assert clf.class_weight == {"a": 2}


def test_read_only_arrays_are_accepted():
    rows, y, weights = X.copy(), TEXTS.copy(), np.ones(40)
    for array in (rows, y, weights):
        array.flags.writeable = False
    clf = binary(class_weight="balanced").fit(rows, y, weights)
    assert clf.predict(rows).shape == (40,)


# -------------------------------------------------------------------------------------- sparse rows


FORMATS = [
    getattr(sparse, f"{name}_{kind}")
    for name in ("csr", "csc", "coo", "lil", "dok")
    for kind in ("matrix", "array")
]


@pytest.mark.parametrize("make", [binary, multiclass])
def test_sparse_rows_equal_dense_ones(make):
    y = CODES if make is binary else CODES3
    dense = make().fit(X, y)
    for rows in [make_rows(X) for make_rows in FORMATS]:
        np.testing.assert_allclose(dense.predict_proba(rows), dense.predict_proba(X), rtol=1e-12)
    trained = [make().fit(make_rows(X), y).predict_proba(X) for make_rows in FORMATS]
    np.testing.assert_allclose(trained[0], dense.predict_proba(X), atol=1e-5)
    for proba in trained[1:]:
        np.testing.assert_array_equal(proba, trained[0])


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.float64])
def test_sparse_rows_of_every_dtype_equal_float32(dtype):
    rows = sparse.csr_array((X > 2).astype(dtype))
    clf = binary().fit(rows, CODES)
    expected = binary().fit(rows.astype(np.float32), CODES)
    np.testing.assert_array_equal(clf.predict_proba(rows), expected.predict_proba(rows))


def test_sparse_rows_may_have_unsorted_and_duplicate_indices():
    columns, values = np.array([2, 0, 2, 1, 3]), np.array([1, 4, 2, 5, 1], dtype=np.float32)
    untidy = sparse.csr_array((values, columns, [0, 3, 4, 5]), shape=(3, 4))
    tidy = untidy.copy()
    tidy.sum_duplicates()
    y, many = np.array([0, 1, 1] * 5), [0, 1, 2] * 5
    fits = [binary(batch_size=4).fit(rows[many], y) for rows in (untidy, tidy)]
    np.testing.assert_allclose(*(clf.predict_proba(tidy) for clf in fits), rtol=1e-5)
    np.testing.assert_allclose(
        fits[0].predict_proba(untidy), fits[0].predict_proba(tidy), rtol=1e-12
    )
    assert untidy.nnz == 5


def test_sparse_rows_may_have_int64_indices():
    rows = sparse.csr_array(X)
    rows.indices, rows.indptr = rows.indices.astype(np.int64), rows.indptr.astype(np.int64)
    expected = binary().fit(sparse.csr_array(X), CODES)
    np.testing.assert_array_equal(
        binary().fit(rows, CODES).predict_proba(rows), expected.predict_proba(rows)
    )
    frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X))
    np.testing.assert_array_equal(
        binary().fit(frame, CODES).predict_proba(rows), expected.predict_proba(rows)
    )


def test_an_empty_sparse_row_is_a_row_of_zeros():
    rows = sparse.csr_array(X * (np.arange(40) % 3 > 0)[:, None])
    clf = binary(batch_size=7).fit(rows, CODES)
    np.testing.assert_array_equal(
        clf.predict_proba(rows)[0], clf.predict_proba(np.zeros((1, 4)))[0]
    )


def test_wide_sparse_rows_are_never_made_dense(monkeypatch):
    def refuse(self, *args, **kwargs):
        raise AssertionError("sparse rows were made dense")

    for sparse_class in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        for method in ("toarray", "todense", "__array__"):
            monkeypatch.setattr(sparse_class, method, refuse, raising=False)
    # As dense float32, the rows would take 160 GB, and one batch 8 GB.
    n_rows, n_columns = 20_000, 2_000_000
    y = np.arange(n_rows) % 2
    columns = np.column_stack(
        [np.random.RandomState(1).randint(2, n_columns, (n_rows, 2)), y]
    ).ravel()
    rows = sparse.csr_array(
        (np.ones(3 * n_rows, np.float32), columns, np.arange(0, 3 * n_rows + 1, 3)),
        shape=(n_rows, n_columns),
    )
    clf = binary(
        hidden_layer_sizes=(), optimizer="sgd", learning_rate=0.5, batch_size=1000, epochs=5
    ).fit(rows, y)
    assert clf.score(rows, y) > 0.99
    assert clf.evaluate(rows[:100], y[:100])["accuracy"] > 0.99
    clf.partial_fit(rows[:2000], y[:2000])
    assert clf.predict_proba(rows[:1]).shape == (1, 2)
