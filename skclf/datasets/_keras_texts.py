"""What Keras's hosted text files hold, in the coding and the order that are ours.

Keras's arrays give each word by its rank, from 1 on, and its word index maps words to ranks.
`keras.datasets` adds 3 to them, so that id 3 never occurs there and the first word has id 4; here
the first word has id 3 whatever the source. The order of the texts is that of `keras.datasets`.
"""

import json

import numpy as np

from ._coding import FIRST_WORD, START, UNKNOWN, Texts, join_texts

_FIRST_RANK = 1

# The seed by which keras.datasets shuffles, and so the one for files that need shuffling here.
SHUFFLE_SEED = 113


def shuffled_order(n_rows, random_state):
    """Rows in the order that `keras.datasets` would bring them into."""
    order = np.arange(n_rows)
    random_state.shuffle(order)
    return order


def read_vocabulary(file):
    """Read a word index; returns each word's id, the most frequent word first."""
    ranks = json.load(file)
    words = sorted(ranks, key=ranks.get)
    return {word: ranks[word] - _FIRST_RANK + FIRST_WORD for word in words}


def code_ranks(rows, vocabulary):
    """Turn rows of ranks into coded texts; a rank that has no word becomes `UNKNOWN`."""
    texts = join_texts(rows)
    ids = texts.ids - _FIRST_RANK + FIRST_WORD
    ids[~np.isin(ids, list(vocabulary.values()))] = UNKNOWN
    ids[texts.starts[:-1]] = START
    return Texts(ids, texts.starts)
