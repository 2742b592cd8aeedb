"""Titles above images: predicted labels with their probabilities, and true labels if they differ.

A title is a few lines of plain text, no wider than the space for its image. This module only
breaks text into lines; it doesn't predict or draw.
"""

import re
from dataclasses import dataclass
from functools import cache

# In points. The largest size at which no line has to be broken is used, or else the smallest.
TITLE_SIZES = (10, 9, 8)
# Most lines for the name of one label, and for all predicted or all true labels of an image.
MOST_LINES, MOST_LINES_OF_LABELS = 2, 5


@dataclass(frozen=True)
class Title:
    """The content of a title.

    Parameters
    ----------
    predicted : tuple of tuple (name, percentage)
        Both are strings. The percentage stays on the same line as the end of the name.
    label : tuple of str
        The true labels, which are shown if the prediction is wrong.
    wrong : bool
    """

    predicted: tuple
    label: tuple
    wrong: bool

    def items(self):
        """The predicted and the true labels, as lists of pairs (text, end of its last line)."""
        predicted = listed(self.predicted)
        if not self.wrong:
            return predicted, []
        true = listed((name, "") for name in self.label)
        # The words are items of their own, so that a line can be broken after them.
        return [("predicted", ""), *predicted], [("true", ""), *true]

    def text(self, fits):
        """The title in lines that fit: on one line if possible, else the true labels below."""
        predicted, true = ([joined(item) for item in items] for items in self.items())
        if self.wrong and len(self.predicted) == len(self.label) == 1:
            line = f"{' '.join(predicted)}, {' '.join(true)}"
            if fits(line):
                return line
        # Two lists of several labels would be hard to tell apart on one line.
        return "\n".join(line for items in self.items() for line in lines_of(items, fits))


def listed(pairs):
    """Pairs (name, percentage) with a comma after each except the last."""
    *others, (last_name, last_percentage) = [(drawable(name), end) for name, end in pairs]
    commas = [(name, f"{end},") if end else (f"{name},", "") for name, end in others]
    return [*commas, (last_name, last_percentage)]


def joined(item):
    """The text of an item and its end, on one line."""
    text, end = item
    return f"{text} {end}".rstrip()


def drawable(label):
    """A label as text, with escape sequences for undecodable bytes, which no font can draw."""
    return str(label).encode("utf-8", "backslashreplace").decode("utf-8")


def lines_of(items, fits, most=MOST_LINES_OF_LABELS):
    """Lines that fit, broken between the items if possible.

    If there are too many items, only the first ones are shown, at least one, followed by the number
    of the others.
    """
    lines: list[str] = []
    found = None
    for n_shown, item in enumerate(items, start=1):
        lines = _with_item(lines, item, fits)
        n_more = len(items) - n_shown
        shown = _with_item(lines, (f"and {n_more} more", ""), fits) if n_more else lines
        if found is None or len(shown) <= most:
            found = shown
        if len(lines) > most:
            break
    return found or []


def _with_item(lines, item, fits):
    text, end = item
    whole = joined(item)
    if lines and fits(f"{lines[-1]} {whole}"):
        return [*lines[:-1], f"{lines[-1]} {whole}"]
    broken = wrapped(text, fits)
    if end and fits(f"{broken[-1]} {end}"):
        broken[-1] += f" {end}"
    elif end:
        broken.append(end)
    return [*lines, *broken]


def wrapped(text, fits, most=MOST_LINES):
    """Break a text into lines that fit, after spaces, hyphens and underscores if possible.

    Parameters
    ----------
    text : str
    fits : callable
        Whether a line is short enough.
    most : int
        Maximum number of lines. A longer text is cut and ends in an ellipsis.

    Returns
    -------
    list of str
    """
    pieces = re.findall(r"[^\s_-]+[\s_-]*|[\s_-]+", " ".join(text.split()))
    lines = [""]
    for piece in pieces:
        for part in [piece] if fits(piece.rstrip()) else piece:
            if lines[-1] and not fits((lines[-1] + part).rstrip()):
                lines.append("")
            lines[-1] += part
    lines = [line.rstrip() for line in lines]
    if len(lines) > most:
        last = lines[most - 1]
        while last and not fits(last + "…"):
            last = last[:-1]
        lines = [*lines[: most - 1], last + "…"]
    return lines


def texts_and_size(titles, width):
    """Titles as text, in lines of at most `width` points, and their font size."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    def fitting(size):
        font = FontProperties(size=size)
        # The same labels occur many times, and measuring a text is slow.
        return cache(
            lambda text: text_to_path.get_text_width_height_descent(text, font, False)[0] <= width
        )

    lines = [" ".join(map(joined, items)) for title in titles for items in title.items() if items]
    size = next((s for s in TITLE_SIZES if all(map(fitting(s), lines))), TITLE_SIZES[-1])
    return [title.text(fitting(size)) for title in titles], size
