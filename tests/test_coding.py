"""Coding of words as ids, decoding, and reading npz files of ragged arrays."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skclf.datasets._coding import (
    MARKERS,
    Decoder,
    code_other_texts,
    code_training_texts,
    split_words,
)
from skclf.datasets._ragged_npz import read_ragged_npz


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("A good film, isn't it?", ["a", "good", "film", "isn't", "it"]),
        ("bad<br /><br />Really bad.", ["bad", "really", "bad"]),
        ("an <i>awful</i> mess<BR>", ["an", "awful", "mess"]),
        ("I <3 it, 10/10", ["i", "3", "it", "10", "10"]),
        ("'quoted' don\u2019t don\u00b4t", ["quoted", "don't", "don't"]),
        ("Caf\u00e9 caf&eacute; under_score", ["caf\u00e9", "caf\u00e9", "under", "score"]),
    ],
)
def test_split_words(text, words):
    assert split_words(text) == words


def test_coding_of_small_texts():
    texts, vocabulary = code_training_texts(["b c a", "", "b B d", "c"])
    assert vocabulary == {"b": 3, "c": 4, "a": 5, "d": 6}, "by frequency, then alphabetically"
    assert list(vocabulary.values()) == [3, 4, 5, 6]
    assert texts.ids.tolist() == [1, 3, 4, 5, 1, 1, 3, 3, 6, 1, 4]
    assert texts.starts.tolist() == [0, 4, 5, 9, 11]
    assert texts.ids.dtype == np.int32
    other = code_other_texts(["d e", "b"], vocabulary)
    assert other.ids.tolist() == [1, 6, 2, 1, 3]
    assert other.starts.tolist() == [0, 3, 5]


words_strategy = st.lists(st.sampled_from(["a", "b", "c", "don't", "d10", "\u00e9"]), max_size=8)


@given(st.lists(words_strategy, min_size=1, max_size=8), st.randoms())
def test_coding_round_trip(rows, random):
    texts, vocabulary = code_training_texts([" ".join(row) for row in rows])
    decode = Decoder(MARKERS | vocabulary)
    for row, start, end in zip(rows, texts.starts, texts.starts[1:], strict=False):
        assert decode(texts.ids[start:end]) == ["<start>", *row]
    shuffled = random.sample(rows, len(rows))
    assert code_training_texts([" ".join(row) for row in shuffled])[1] == vocabulary


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, 77], "Got the id 77; .*3 ids in the vocabulary, from 0 to 2"),
        ([[1, 2], [2]], "Got list.*one at a time"),
        ([[1, 2], [2, 1]], "Got list.*one at a time"),
        (1, "Got int.*one flat sequence"),
        (None, "Got NoneType.*one flat sequence"),
    ],
)
def test_decode_invalid_ids(ids, message):
    with pytest.raises(ValueError, match=message):
        Decoder(MARKERS)(ids)


def ragged(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


class Trap:
    """Unpickling it would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_ragged_npz_executes_no_code(tmp_path):
    trap = ragged([[1, 2], Trap(tmp_path / "caught")])
    np.savez(tmp_path / "trap.npz", x=trap)
    with pytest.raises(pickle.UnpicklingError, match=r"asks for .*may be malicious"):
        read_ragged_npz(tmp_path / "trap.npz")
    assert not (tmp_path / "caught").exists()


def test_ragged_npz_of_older_numpy(tmp_path):
    rows = ragged([[1, 2], [3]])
    content = pickle.dumps(rows, protocol=3).replace(b"numpy._core", b"numpy.core")
    assert b"numpy.core.multiarray" in content
    header = {"descr": "|O", "fortran_order": False, "shape": (2,)}
    with zipfile.ZipFile(tmp_path / "old.npz", "w") as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(content)
    assert read_ragged_npz(tmp_path / "old.npz")["x"].tolist() == [[1, 2], [3]]
