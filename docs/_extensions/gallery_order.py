"""The gallery's index page: its sections, and the order of the examples in them.

``examples/GALLERY_HEADER.rst`` lists the examples of each section. Sphinx-Gallery has sections only
for folders, and adds one grid with all examples below the header, which is removed here.
"""

import re
from pathlib import Path

HEADER = Path(__file__).parents[2] / "examples" / "GALLERY_HEADER.rst"


def by_difficulty(path):
    """Place of an example in the header; those that are missing there come last."""
    names = re.findall(r"\.\./examples/(plot_\w+)\.py", HEADER.read_text(encoding="utf-8"))
    name = Path(path).stem
    return (names.index(name) if name in names else len(names), name)


class ByDifficulty:
    """The same order for the table of contents."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, file):
        return by_difficulty(file)


def remove_grid(app, docname, source):
    """Keep the header of the gallery's index page, and its table of contents."""
    if docname == "gallery/index":
        header, _, rest = source[0].partition('.. raw:: html\n\n    <div class="sphx-glr-thumb')
        source[0] = header + ".. toctree::" + rest.partition(".. toctree::")[2]


def setup(app):
    app.connect("source-read", remove_grid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
