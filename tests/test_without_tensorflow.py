"""Runs ``without_tensorflow.py`` without TensorFlow, and tests the errors about missing packages.

The environment of these tests has all other packages of this one; it lacks TensorFlow, Keras and
SciKeras.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from skclf import _imports

TESTS = Path(__file__).parent
ROOT = TESTS.parent
ABSENT = re.compile(r"(tensorflow|keras|scikeras)(-|\.|$)|\S*\.pth$")


@pytest.fixture
def packages(tmp_path):
    """A folder with links to all installed packages except these three."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for path in sys.path:
        if Path(path).name not in ("site-packages", "dist-packages"):
            continue
        for entry in Path(path).iterdir():
            link = folder / entry.name
            if not ABSENT.match(entry.name) and not link.exists():
                try:
                    link.symlink_to(entry)
                except OSError:
                    pytest.skip("no permission to create symbolic links")
    return folder


def test_environment_without_tensorflow(packages, tmp_path, environment):
    nets = tmp_path / "nets"
    nets.mkdir()
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    with_keras = environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    saving = [sys.executable, str(TESTS / "saved_nets.py"), str(nets)]
    subprocess.run(saving, env=with_keras, check=True)
    without = environment | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)]),
        "SKCLF_SAVED_NETS": str(nets),
        "MPLBACKEND": "Agg",
    }
    # -S hides the packages of this environment.
    command = [sys.executable, "-S", "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(TESTS / "without_tensorflow.py")],
        env=without,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("python", "fix"),
    [
        ((3, 13), "install them with 'pip install tensorflow keras scikeras'"),
        (
            (3, 14),
            "TensorFlow has no build for Python 3.14 yet, so use Python 3.11, 3.12 or 3.13 for "
            "this",
        ),
    ],
)
def test_message_about_missing_package(python, fix):
    assert _imports._how_to_get("keras", python) == (
        f"This needs TensorFlow, Keras and SciKeras, but keras is not installed; {fix}."
    )


def test_other_import_errors_are_unchanged():
    with (
        pytest.raises(ModuleNotFoundError, match=r"^No module named 'spam'$"),
        _imports.nothing_global_changes(),
    ):
        raise ModuleNotFoundError("No module named 'spam'", name="spam")


def test_versions_of_python_equal_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"  # _how_to_get starts from this version
    bound = ".".join(map(str, _imports._PYTHON_WITHOUT_TENSORFLOW))
    marked = [each for each in project["dependencies"] if ";" in each]
    assert {re.match(r"\w+", each)[0] for each in marked} == set(_imports._TRAINING)
    assert all(each.endswith(f"; python_version < '{bound}'") for each in marked)
