"""The README's code prints what the README says, and its commands are single lines.

Numbers may differ by a little: another processor rounds otherwise.
"""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
TOLERANCE = 0.03


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_code_prints_its_output():
    code, (expected,) = "\n".join(blocks("python")), blocks("text")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    for found, word in zip(printed.getvalue().split(), expected.split(), strict=True):
        if re.fullmatch(r"\d+\.\d+", word):
            assert float(found) == pytest.approx(float(word), abs=TOLERANCE)
        else:
            assert found == word


@pytest.mark.parametrize("name", ["example", "tests"])
def test_command_is_one_line(name):
    (command,) = re.findall(rf"<!-- command: {name} -->\n```sh\n(.*?)^```$", README, re.M | re.S)
    assert command.count("\n") == 1
