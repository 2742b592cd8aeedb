"""Turn coded texts into the result: choose the subset, limit the ids, fill the Bunch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

from skclf._constraints import Interval, StrOptions

from ._coding import FIRST_WORD, MARKERS, UNKNOWN, Decoder, Texts, is_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

# The parameters that the fetchers share, except for `source`.
PARAMETER_CONSTRAINTS = {
    "num_words": [Interval(Integral, FIRST_WORD + 1, None, closed="left"), None],
    "data_home": [str, os.PathLike, None],
    "subset": [StrOptions({"train", "test", "all"})],
    "skip_top": [Interval(Integral, 0, None, closed="left")],
    "maxlen": [Interval(Integral, 1, None, closed="left"), None],
    "download_if_missing": ["boolean"],
    "return_X_y": ["boolean"],
    "as_frame": ["boolean"],
}

CODING_DESCR = """\
Texts are sequences of ids: 0 is padding, 1 the start of a text, and 2 an unknown word. The ids of
words start at 3, the most frequent word.
"""


@dataclass(frozen=True)
class Corpus:
    """A text set with ids for all words, before ids are limited and long texts left out.

    Attributes
    ----------
    parts : dict
        `Texts` and integer labels for ``"train"`` and, if the source has it, ``"test"``.
    vocabulary : dict
        The id of each word, without the markers.
    target_names : sequence of str
        Names of the labels.
    description : str
        Description of the set and of its source.
    """

    parts: dict[str, tuple[Texts, np.ndarray]]
    vocabulary: dict[str, int]
    target_names: Sequence[str]
    description: str


def check_limits(num_words, skip_top):
    """Raise ValueError if no word lies between `skip_top` and `num_words`."""
    if num_words is not None and skip_top >= num_words:
        raise ValueError(
            f"Got skip_top={skip_top} with num_words={num_words}; expected skip_top below "
            "num_words, since otherwise no word is left. Decrease skip_top, or increase num_words."
        )


def _select_rows(texts, target, num_words, skip_top, maxlen):
    """Limit the ids of one part, and leave out its long texts."""
    ids = np.where(is_kept(texts.ids, num_words, skip_top), texts.ids, np.int32(UNKNOWN))
    lengths = np.diff(texts.starts)
    rows = np.arange(len(lengths)) if maxlen is None else np.flatnonzero(lengths <= maxlen)
    data = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        data[place] = ids[texts.starts[row] : texts.starts[row + 1]]
    return data, target[rows]


def build_bunch(corpus, source, subset, num_words, skip_top, maxlen, as_frame):
    """Return the chosen part of a corpus as a Bunch that shares no memory with the corpus."""
    names = ["train", "test"] if subset == "all" else [subset]
    selected = [_select_rows(*corpus.parts[name], num_words, skip_top, maxlen) for name in names]
    data, target = (np.concatenate(arrays) for arrays in zip(*selected, strict=True))
    if not len(data):
        raise ValueError(
            f"Got maxlen={maxlen}; expected at least the length of the shortest text, including "
            "the start marker. Increase maxlen."
        )
    frame = None
    if as_frame:
        import pandas as pd

        frame = pd.DataFrame({"ids": data, "target": target})
        data, target = frame["ids"], frame["target"]
    vocabulary = MARKERS | {
        word: code for word, code in corpus.vocabulary.items() if is_kept(code, num_words, skip_top)
    }
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        target_names=np.array(corpus.target_names),
        vocabulary=vocabulary,
        decode=Decoder(vocabulary),
        source=source,
        DESCR=f"{corpus.description}\n{CODING_DESCR}",
    )
