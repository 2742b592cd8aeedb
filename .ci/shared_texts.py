"""Write the descriptions that the classifiers share into their docstrings.

``python .ci/shared_texts.py`` writes them. With ``--check`` it prints what it would change as a
diff instead, and exits with 1 if there is anything to change.

The descriptions stand in ``shared_texts.txt``, under the titles of the docstrings' sections; what
stands under "Parameters of" or "Attributes of" a class replaces them in that class alone.
Parameters are written in the order of the class's ``__init__``, which gives their defaults too, and
attributes where the docstring has an entry of that name. Entries that are not in
``shared_texts.txt`` belong to the class and stay as they are.
"""

import argparse
import ast
import re
import sys
from difflib import unified_diff
from pathlib import Path
from textwrap import dedent, indent

ROOT = Path(__file__).resolve().parent.parent
TEXTS = Path(__file__).with_suffix(".txt")
TITLE = re.compile(r"^([A-Z][\w ]*)\n-{3,}\n", flags=re.MULTILINE)


def sections_of(text):
    """What stands before the first title, and the sections by their titles."""
    before, *parts = TITLE.split(text)
    return before, dict(zip(parts[::2], parts[1::2], strict=True))


def entries_of(section):
    """Entries by name; each is a line that is not indented, and the lines below it that are."""
    entries = re.split(r"\n+(?=\S)", section.strip())
    return {re.match(r"\w+", entry)[0]: entry for entry in entries}


def defaults_of(class_node, source):
    """The default of each parameter of ``__init__``, as the source has it, in their order."""
    (init,) = (node for node in class_node.body if getattr(node, "name", None) == "__init__")
    parameters = init.args.args[1:] + init.args.kwonlyargs
    defaults = init.args.defaults + init.args.kw_defaults
    return {
        parameter.arg: ast.get_source_segment(source, default)
        for parameter, default in zip(parameters, defaults, strict=True)
    }


def parameters(own, shared, defaults):
    """The entries of a section Parameters, in the order of the signature."""
    for name, default in defaults.items():
        if name in shared:
            first, *others = shared[name].splitlines()
            yield "\n".join([f"{first}, default={default}", *others])
        elif name in own:
            yield own[name]
        else:
            sys.exit(f"Neither the docstring nor {TEXTS.name} describes the parameter {name!r}.")


def attributes(own, shared):
    """The entries of a section Attributes, in the order of the docstring."""
    return (shared.get(name, entry) for name, entry in own.items())


def with_shared_texts(docstring, name, defaults, texts):
    """The docstring of the class of this name with the texts written into it, all not indented."""
    before, sections = sections_of(docstring)
    for title in ("Parameters", "Attributes"):
        own = entries_of(sections[title])
        shared = texts[title] | texts.get(f"{title} of {name}", {})
        if title == "Parameters":
            entries = parameters(own, shared, defaults)
        else:
            entries = attributes(own, shared)
        sections[title] = "\n\n".join(entries) + "\n\n"
    titled = (f"{title}\n{'-' * len(title)}\n{text}" for title, text in sections.items())
    return before + "".join(titled)


def rewritten(source, names, texts):
    """The source of a module with the texts written into the docstrings of these classes."""
    lines = source.splitlines(keepends=True)
    nodes = [node for node in ast.parse(source).body if getattr(node, "name", None) in names]
    for node in reversed(nodes):  # from the end, so that the numbers of earlier lines stay right
        docstring = node.body[0]
        # The last line holds the closing quotes alone.
        place = slice(docstring.lineno - 1, docstring.end_lineno - 1)
        text = dedent("".join(lines[place]))
        text = with_shared_texts(text, node.name, defaults_of(node, source), texts)
        lines[place] = indent(text, "    ").splitlines(keepends=True)
    return "".join(lines)


def classifiers():
    """Names of the public classifiers, by the file that defines them."""
    exports = ast.parse((ROOT / "skclf" / "__init__.py").read_text(encoding="utf-8")).body
    for node in exports:
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names if alias.name.endswith("Classifier")}
            if names:
                yield Path(*node.module.split(".")).with_suffix(".py"), names


def main():
    """Write the texts, or check that there is nothing to write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="show a diff instead of writing")
    check = parser.parse_args().check
    _, sections = sections_of(TEXTS.read_text(encoding="utf-8"))
    texts = {title: entries_of(section) for title, section in sections.items()}
    differs = False
    for file, names in classifiers():
        old = (ROOT / file).read_text(encoding="utf-8")
        new = rewritten(old, names, texts)
        if check:
            lines = (text.splitlines(keepends=True) for text in (old, new))
            diff = "".join(unified_diff(*lines, f"{file}", f"{file} with {TEXTS.name}"))
            print(diff, end="")
            differs = differs or bool(diff)
        elif new != old:
            (ROOT / file).write_text(new, encoding="utf-8")
    if differs:
        sys.exit("Run python .ci/shared_texts.py, or change the texts in .ci/shared_texts.txt.")


if __name__ == "__main__":
    main()
