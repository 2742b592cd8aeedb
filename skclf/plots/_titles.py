"""Titles above images: predicted labels with their probabilities, and the true labels below.

A title is a few lines of plain text that are no wider than the place of an image. Here it isn't
known where labels come from, and nothing is drawn.
"""

import re
from dataclasses import dataclass
from functools import cache

# In points. The largest size is taken at which no line needs to be broken, else the smallest.
TITLE_SIZES = (10, 9, 8)
# Of the name of one label; of the predicted or the true labels of an image.
MOST_LINES, MOST_LINES_OF_LABELS = 2, 5


@dataclass(frozen=True)
class Title:
    """What a title says.

    Parameters
    ----------
    predicted : tuple of tuple (name, percentage)
        Both are text. The percentage stays on one line with the end of the name.
    label : tuple of str
        The true labels, which are shown if the prediction is wrong.
    wrong : bool
    """

    predicted: tuple
    label: tuple
    wrong: bool

    def items(self):
        """What stands above and below, as lists of pairs (text, what stays with it)."""
        above = listed(self.predicted)
        if not self.wrong:
            return above, []
        (name, percentage), *others = above
        (label, _), *other_labels = listed((name, "") for name in self.label)
        return [(f"✗ {name}", percentage), *others], [(f"is {label}", ""), *other_labels]

    def text(self, fits):
        """The title in lines that fit."""
        return "\n".join(line for items in self.items() for line in lines_of(items, fits))


def listed(pairs):
    """Pairs (name, percentage) with a comma behind each but the last."""
    *others, (last_name, last_percentage) = [(drawable(name), end) for name, end in pairs]
    commas = [(name, f"{end},") if end else (f"{name},", "") for name, end in others]
    return [*commas, (last_name, last_percentage)]


def drawable(label):
    """A label as text; what stands for undecodable bytes, which no font has, is written out."""
    return str(label).encode("utf-8", "backslashreplace").decode("utf-8")


def lines_of(items, fits, most=MOST_LINES_OF_LABELS):
    """Lines that fit, broken between the items if possible.

    Of many items the first are shown, and how many more there are. At least one is shown.
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
    whole = f"{text} {end}".rstrip()
    if lines and fits(f"{lines[-1]} {whole}"):
        return [*lines[:-1], f"{lines[-1]} {whole}"]
    broken = wrapped(text, fits)
    if end and fits(f"{broken[-1]} {end}"):
        broken[-1] += f" {end}"
    elif end:
        broken.append(end)
    return [*lines, *broken]


def wrapped(text, fits, most=MOST_LINES):
    """Break a text into lines that fit, behind spaces, hyphens and underscores if possible.

    Parameters
    ----------
    text : str
    fits : callable
        Whether a line is short enough.
    most : int
        Lines; what is beyond them is left out, and an ellipsis shows that.

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
    """Titles as text in lines no wider than so many points, and their font size."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    def fitting(size):
        font = FontProperties(size=size)
        # Labels come again and again, and measuring a text is slow.
        return cache(
            lambda text: text_to_path.get_text_width_height_descent(text, font, False)[0] <= width
        )

    lines = [
        " ".join(f"{text} {end}".rstrip() for text, end in items)
        for title in titles
        for items in title.items()
        if items
    ]
    size = next((s for s in TITLE_SIZES if all(map(fitting(s), lines))), TITLE_SIZES[-1])
    return [title.text(fitting(size)) for title in titles], size
