"""Convert the text files that Keras hosts to the coding and the order used here.

Keras's arrays hold the rank of each word, starting at 1, and its word index maps words to ranks.
`keras.datasets` adds 3 to the ranks, so that id 3 never occurs there and the first word has id 4.
Here the first word has id 3 for every source. The order of the texts is that of `keras.datasets`.
"""

import json

import numpy as np

from ._coding import FIRST_WORD, START, UNKNOWN, Texts, join_texts

_FIRST_RANK = 1

# The seed with which keras.datasets shuffles; other files that need shuffling use it too.
SHUFFLE_SEED = 113


def shuffled_order(n_rows, random_state):
    """Return row numbers in the order in which `keras.datasets` shuffles them."""
    order = np.arange(n_rows)
    random_state.shuffle(order)
    return order


def read_vocabulary(file):
    """Read a word index, and return the id of each word, the most frequent word first."""
    ranks = json.load(file)
    words = sorted(ranks, key=ranks.get)
    return {word: ranks[word] - _FIRST_RANK + FIRST_WORD for word in words}


def code_ranks(rows, vocabulary):
    """Turn rows of ranks into coded texts, with `UNKNOWN` for ranks that have no word."""
    texts = join_texts(rows)
    ids = texts.ids - _FIRST_RANK + FIRST_WORD
    ids[~np.isin(ids, list(vocabulary.values()))] = UNKNOWN
    ids[texts.starts[:-1]] = START
    return Texts(ids, texts.starts)
