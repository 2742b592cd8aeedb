"""Convert words to ids and back, with the coding that all text sets share.

0 is padding, 1 the start of a text, and 2 an unknown word. The ids of words start
at 3, in descending order of the words' frequency in the training texts. Equally frequent words are
in alphabetical order (by code point), so that ids don't depend on the order of the texts. Coded
texts are stored in one flat array, together with the position at which each text begins.
"""

from __future__ import annotations

import html
import re
from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skclf._typing import ArrayLike

PAD, START, UNKNOWN, FIRST_WORD = range(4)
MARKERS = {"<pad>": PAD, "<start>": START, "<unknown>": UNKNOWN}

_TAG = re.compile(r"</?(?:br|hr|i|em)\b[^<>]*>", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


class Texts(NamedTuple):
    """Coded texts; text `row` is ``ids[starts[row] : starts[row + 1]]``."""

    ids: np.ndarray
    starts: np.ndarray


def split_words(text: str) -> list[str]:
    """List the words of a text, in lower case and without mark-up and punctuation.

    A word is a run of letters and digits, and may contain apostrophes ("don't"). All other
    characters separate words, and so do the simple HTML tags of film reviews (``<br />``).
    """
    text = html.unescape(_TAG.sub(" ", text)).replace("\u2019", "'").replace("\u00b4", "'")
    return _WORD.findall(text.lower())


def join_texts(texts: Iterable[Iterable[int]]) -> Texts:
    """Concatenate sequences of ids, each preceded by the start marker."""
    ids = array("i")
    starts = [0]
    for text in texts:
        ids.append(START)
        ids.extend(text)
        starts.append(len(ids))
    return Texts(np.array(ids, dtype=np.int32), np.array(starts, dtype=np.int64))


def code_training_texts(texts):
    """Code texts by the frequency of their own words.

    Returns
    -------
    texts : Texts
        The coded texts.
    vocabulary : dict
        Each word's id, the most frequent word first.
    """
    # Words get ids by first appearance. Once all are counted, a table turns these ids into ranks.
    appearance = defaultdict()
    appearance.default_factory = lambda: len(appearance) + FIRST_WORD
    by_appearance = join_texts(map(appearance.__getitem__, split_words(text)) for text in texts)
    words = list(appearance)
    counts = np.bincount(by_appearance.ids, minlength=FIRST_WORD + len(words))[FIRST_WORD:].tolist()
    order = sorted(range(len(words)), key=lambda place: (-counts[place], words[place]))
    ranks = np.arange(FIRST_WORD + len(words), dtype=np.int32)
    ranks[FIRST_WORD + np.array(order, dtype=np.intp)] = ranks[FIRST_WORD:].copy()
    vocabulary = {words[place]: rank for rank, place in enumerate(order, start=FIRST_WORD)}
    return Texts(ranks[by_appearance.ids], by_appearance.starts), vocabulary


def code_other_texts(texts: Iterable[str], vocabulary: dict[str, int]) -> Texts:
    """Code texts by a given vocabulary; words that are not in it become `UNKNOWN`."""
    return join_texts(
        (vocabulary.get(word, UNKNOWN) for word in split_words(text)) for text in texts
    )


def is_kept(ids: ArrayLike, num_words: int | None, skip_top: int) -> np.ndarray:
    """Return which ids are kept: the markers, and words from `skip_top` up to `num_words`."""
    ids = np.asarray(ids)
    kept = (ids < FIRST_WORD) | (ids >= skip_top)
    return kept if num_words is None else kept & (ids < num_words)


class Decoder:
    """Convert a sequence of ids to a list of words.

    Parameters
    ----------
    vocabulary : dict
        The id of each word.

    Examples
    --------
    >>> from skclf.datasets._coding import Decoder
    >>> decode = Decoder({"<start>": 1, "<unknown>": 2, "good": 3})
    >>> decode([1, 3, 2])
    ['<start>', 'good', '<unknown>']
    """

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self.words = {code: word for word, code in vocabulary.items()}

    def __call__(self, ids: ArrayLike) -> list[str]:
        try:
            return [self.words[code] for code in np.asarray(ids).tolist()]
        except KeyError as error:
            raise ValueError(
                f"Got the id {error}; expected one of the {len(self.words)} ids in the vocabulary, "
                f"from {min(self.words)} to {max(self.words)}."
            ) from None
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Got {type(ids).__name__}; expected one flat sequence of ids. Decode texts one at "
                "a time."
            ) from error
