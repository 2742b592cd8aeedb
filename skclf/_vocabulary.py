"""Check a vocabulary, and name the columns of multi-hot rows by its words. Pure functions."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

from skclf._bags import MOST_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping


def words_by_id(vocabulary: Mapping[str, int]) -> dict[int, str]:
    """Return the vocabulary ``{word: id}`` as ``{id: word}``, after checking it."""
    words: dict[int, str] = {}
    for word, value in vocabulary.items():
        is_id = isinstance(value, Integral) and not isinstance(value, bool)
        if not (is_id and 0 <= value < MOST_COLUMNS and isinstance(word, str)) or value in words:
            twin = f", like {words[value]!r}" if is_id and value in words else ""
            raise ValueError(
                "The 'vocabulary' parameter must map each word, a string, to a different id, an "
                f"integer from 0 to {MOST_COLUMNS - 1}. Got {word!r} mapped to {value!r}{twin}."
            )
        words[int(value)] = word
    if not words:
        raise ValueError(
            "Got an empty vocabulary; expected at least one word. Without words, pass "
            "vocabulary=None."
        )
    return words


def names_of_columns(words: Mapping[int, str], n_columns: int) -> list[str]:
    """Return the word of each column, or a name made from the id if it has no word."""
    taken = set(words.values())
    return [words[i] if i in words else _free_name(f"id_{i}", taken) for i in range(n_columns)]


def _free_name(name, taken):
    """Return `name`, with underscores appended until it differs from the names in `taken`."""
    while name in taken:
        name += "_"
    return name
