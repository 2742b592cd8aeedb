"""Links to the documentation of other projects, without a network.

Each file in ``docs/_inventories`` lists names of one project and the pages that describe them. This
extension writes them as ``objects.inv`` files at the start of a build, and
``sphinx.ext.intersphinx`` reads those.
"""

import tomllib
import zlib
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "_inventories"


def entries_of(table):
    """Triples of a kind, a name and the path of its page, from the content of a file."""
    for kind, pages in table.items():
        if kind == "address":
            continue
        for page, names in pages.items():
            # A list where names contain spaces, as terms of a glossary do.
            for name in names.split() if isinstance(names, str) else names:
                owner = name.rpartition(".")[0]
                yield kind, name, page.format(name=name, owner=owner)


def tables():
    """The content of each file, by the name of its project."""
    for file in sorted(FOLDER.glob("*.toml")):
        yield file.stem, tomllib.loads(file.read_text(encoding="utf-8"))


def classes():
    """Full names of the classes that the inventories list, without Python's own types."""
    entries = (entry for _, table in tables() for entry in entries_of(table))
    return [name for kind, name, _ in entries if kind == "class" and "." in name]


def inventory_of(project, entries):
    """Bytes of an objects.inv file, in version 2 of its format."""
    lines = [
        f"{name} {'std' if kind == 'term' else 'py'}:{kind} 1 {page} -\n"
        for kind, name, page in entries
    ]
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    return head.encode() + zlib.compress("".join(lines).encode())


def write_inventories(app, config):
    """Write all inventories, and add them to ``intersphinx_mapping``."""
    folder = Path(app.doctreedir) / "inventories"
    folder.mkdir(parents=True, exist_ok=True)
    for project, table in tables():
        inventory = folder / f"{project}.inv"
        inventory.write_bytes(inventory_of(project, entries_of(table)))
        config.intersphinx_mapping[project] = (table["address"], str(inventory))


def setup(app):
    app.setup_extension("sphinx.ext.intersphinx")
    # Before intersphinx checks the mapping, which it does at priority 800.
    app.connect("config-inited", write_inventories, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
