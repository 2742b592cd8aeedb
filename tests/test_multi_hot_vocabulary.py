"""The vocabulary of MultiHotVectorizer: feature names, decoding and its checks."""

import numpy as np
import pandas as pd
import pytest
from id_rows import ROWS, VOCABULARY, plain_double_loop, ragged
from scipy import sparse

from skclf import MultiHotVectorizer


def test_feature_names_are_words_or_ids():
    vectorizer = MultiHotVectorizer(6, vocabulary=VOCABULARY)
    names = vectorizer.get_feature_names_out()
    assert names.tolist() == ["<pad>", "good", "bad", "id_3", "film", "id_5"]
    assert names.dtype == object
    assert MultiHotVectorizer(2).get_feature_names_out().tolist() == ["id_0", "id_1"]
    assert MultiHotVectorizer(2, vocabulary=VOCABULARY).get_feature_names_out()[1] == "good"


def test_feature_names_are_unique():
    vocabulary = {"id_3": 1, "id_0": 4, "id_0_": 2, "id_9": 5}
    names = MultiHotVectorizer(7, vocabulary=vocabulary).get_feature_names_out().tolist()
    assert names == ["id_0__", "id_3", "id_0_", "id_3_", "id_0", "id_9", "id_6"]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_vocabulary_ids_of_small_integer_types_do_not_overflow(dtype):
    largest = dtype(np.iinfo(dtype).max)
    vectorizer = MultiHotVectorizer(vocabulary={"a": largest}).fit([[int(largest)]])
    assert vectorizer.num_words_ == int(largest) + 1
    assert vectorizer.transform([[int(largest)]]).indices.tolist() == [largest]


@pytest.mark.parametrize("num_words", [None, 2, 9])
def test_decode_returns_the_words_of_ids(num_words):
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
def test_decode_accepts_multi_hot_rows(form):
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
def test_invalid_vocabularies_are_an_error(vocabulary, message):
    vectorizer = MultiHotVectorizer(10, vocabulary=vocabulary)
    for method in (vectorizer.fit, vectorizer.transform, vectorizer.decode):
        with pytest.raises(ValueError, match=message):
            method(ROWS)
