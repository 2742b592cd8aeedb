"""Counts and relative frequencies: the parameters `binary` and `norm` of MultiHotVectorizer."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from skclf import BinaryDenseClassifier, MultiHotVectorizer, SequencePadder

ROWS = [[3, 1, 4, 1], [], [5, 5, 5], [0], [9, 1, 9]]
ragged_rows = st.lists(st.lists(st.integers(0, 12), max_size=9), min_size=1, max_size=9)


def expected_counts(rows, num_words, handle_unknown):
    """Count the ids in a plain loop."""
    result = np.zeros((len(rows), num_words))
    for i, row in enumerate(rows):
        for value in row:
            if value < num_words:
                result[i, value] += 1
            elif handle_unknown != "ignore":
                result[i, handle_unknown] += 1
    return result


@given(ragged_rows, st.integers(3, 14), st.sampled_from(["ignore", 0, 2]), st.booleans())
def test_counts(rows, num_words, handle_unknown, sparse_output):
    vectorizer = MultiHotVectorizer(
        num_words, handle_unknown=handle_unknown, sparse_output=sparse_output, binary=False
    )
    X = vectorizer.fit_transform(rows)
    expected = expected_counts(rows, num_words, handle_unknown)
    assert X.dtype == np.float32
    np.testing.assert_array_equal(X.toarray() if sparse_output else X, expected)
    if sparse_output:
        assert X.has_canonical_format
        assert (X.data > 0).all()


@given(ragged_rows, st.booleans(), st.sampled_from(["l1", "l2"]), st.sampled_from(["f4", "f8"]))
def test_norm_equals_sklearn_normalize(rows, binary, norm, dtype):
    options = {"dtype": dtype, "binary": binary}
    X = MultiHotVectorizer(13, norm=norm, **options).transform(rows)
    plain = MultiHotVectorizer(13, **options).transform(rows)
    assert X.dtype == dtype
    np.testing.assert_array_equal(X.toarray(), normalize(plain, norm).toarray())
    dense = MultiHotVectorizer(13, norm=norm, sparse_output=False, **options).transform(rows)
    np.testing.assert_array_equal(dense, X.toarray())


def test_counts_equal_count_vectorizer():
    texts = ["a b a", "", "c c c b"]
    counts = CountVectorizer(token_pattern=r"\w").fit(texts)
    ids = [[counts.vocabulary_[word] for word in text.split()] for text in texts]
    X = MultiHotVectorizer(vocabulary=counts.vocabulary_, binary=False).transform(ids)
    np.testing.assert_array_equal(X.toarray(), counts.transform(texts).toarray())


def test_counts_of_many_blocks():
    random = np.random.RandomState(0)
    rows = [random.randint(50, size=random.randint(300)) for _ in range(3000)]
    X = MultiHotVectorizer(50, binary=False, dtype=np.int64).transform(rows)
    expected = np.array([np.bincount(row, minlength=50) for row in rows])
    np.testing.assert_array_equal(X.toarray(), expected)


def test_l1_norm_equals_embedding_with_average_pooling():
    rows = [[2, 5, 2], [1, 3, 4, 4], [5]]
    kernel = np.random.RandomState(0).normal(size=(6, 3)).astype(np.float32)
    embedding = keras.Sequential(
        [keras.layers.Embedding(6, 3, mask_zero=True), keras.layers.GlobalAveragePooling1D()]
    )
    padded = SequencePadder(padding="post").fit_transform(rows)
    embedding.build(padded.shape)
    embedding.set_weights([kernel])
    frequencies = MultiHotVectorizer(6, binary=False, norm="l1").transform(rows)
    np.testing.assert_allclose(frequencies @ kernel, embedding(padded), rtol=1e-6)


@pytest.mark.parametrize("options", [{"binary": False}, {"norm": "l1"}, {"norm": "l2"}], ids=str)
def test_inverse_transform_and_decode(options):
    vectorizer = MultiHotVectorizer(
        vocabulary={"a": 1, "b": 3, "c": 4, "d": 5, "z": 0, "y": 9}, **options
    )
    X = vectorizer.transform(ROWS)
    found = [ids.tolist() for ids in vectorizer.inverse_transform(X)]
    assert found == [[1, 3, 4], [], [5], [0], [1, 9]]
    assert vectorizer.decode(X)[0] == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"value -1\.0; expected no negative values"):
        vectorizer.inverse_transform(-sparse.csr_matrix(np.eye(2, 10)))


@pytest.mark.parametrize(("dtype", "largest"), [(bool, 1), (np.int8, 127), (np.uint8, 255)])
def test_counts_too_large_for_dtype(dtype, largest):
    vectorizer = MultiHotVectorizer(3, dtype=dtype, binary=False)
    X = vectorizer.transform([[1] * largest, [2]])
    assert X.dtype == dtype
    assert X[0, 1] == largest
    message = rf"Got an id that occurs {largest + 1} times in a row; expected counts that dtype="
    with pytest.raises(ValueError, match=message):
        vectorizer.transform([[2], [1] * (largest + 1)])


@pytest.mark.parametrize("dtype", [np.int32, bool, np.longdouble])
def test_norm_needs_float_dtype(dtype):
    with pytest.raises(ValueError, match=r"with norm='l1'; expected np\.float32 or np\.float64"):
        MultiHotVectorizer(3, dtype=dtype, norm="l1").fit([[1]])


@pytest.mark.parametrize("parameters", [{"norm": "max"}, {"norm": 1}, {"binary": 0}], ids=str)
def test_invalid_parameters(parameters):
    with pytest.raises(ValueError, match=f"The '{next(iter(parameters))}' parameter"):
        MultiHotVectorizer(3, **parameters).fit([[1]])


def test_classifier_learns_from_normalized_counts():
    random = np.random.RandomState(0)
    rows = [random.randint(20 * label, 20 * label + 30, size=40) for label in (0, 1) * 50]
    X = MultiHotVectorizer(60, binary=False, norm="l2").transform(rows)
    y = np.array([0, 1] * 50)
    clf = BinaryDenseClassifier(epochs=20, batch_size=10, random_state=0).fit(X, y)
    assert clf.score(X, y) > 0.9
