"""Load TensorFlow and Keras without changing the global state of the process.

Loading them takes seconds, during which other threads may change the same state. Restoring an
earlier copy would undo their changes, so only the changes that these libraries are known to make
are undone. ``tests/test_bridge.py`` fails if a new version makes others.

Where one of them is not installed, the error says how to get it.
"""

import contextlib
import gc
import os
import random
import sys
import threading
import warnings

# What nets are trained with. From this version of Python on, skclf is installed without it, because
# TensorFlow has no build for it yet: pyproject.toml has the same bound.
_TRAINING = ("tensorflow", "keras", "scikeras")
_PYTHON_WITHOUT_TENSORFLOW = (3, 14)

# TensorFlow overwrites these variables. The version is that of TensorFlow.
_VARIABLES = {
    "ENABLE_RUNTIME_UPTIME_TELEMETRY": "1",
    "HDF5_PLUGIN_PATH": "disable",
    "TF2_BEHAVIOR": "1",
    "TPU_ML_PLATFORM": "Tensorflow",
    "TPU_ML_PLATFORM_VERSION": None,
}
# Warning filters, as action and category, that are added by Requests, urllib3 (1 and 2) and
# setuptools' pkg_resources. TensorFlow loads them, in older versions through its dependencies.
_FILTER_PACKAGES = ("requests", "urllib3", "pkg_resources")
_FILTERS = {
    ("always", "SecurityWarning"),
    ("default", "FileModeWarning"),
    ("default", "InsecurePlatformWarning"),
    ("default", "SNIMissingWarning"),
    ("default", "SubjectAltNameWarning"),
    ("ignore", "DependencyWarning"),
    ("ignore", "PEP440Warning"),
}


@contextlib.contextmanager
def nothing_global_changes():
    """Undo the global changes made by the imports in a ``with`` block."""
    # Garbage is collected last, so that Ctrl-C during the collection can't skip an undo step.
    with _one_garbage_collection(), _variables_taken_back(), _filters_taken_back():
        _load_what_draws()
        with _missing_library_explained():
            yield


@contextlib.contextmanager
def _missing_library_explained():
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _TRAINING:
            raise  # a broken installation: its own error says more
        message = _how_to_get(error.name, sys.version_info[:2])
        raise ModuleNotFoundError(message, name=error.name) from None


def _how_to_get(module, python):
    """The message about a module that is missing, for a version of Python."""
    *before, last = (f"3.{minor}" for minor in range(11, _PYTHON_WITHOUT_TENSORFLOW[1]))
    if python < _PYTHON_WITHOUT_TENSORFLOW:
        fix = "install them with 'pip install tensorflow keras scikeras'"
    else:
        fix = (
            f"TensorFlow has no build for Python {'.'.join(map(str, python))} yet, so use Python "
            f"{', '.join(before)} or {last} for this"
        )
    return f"This needs TensorFlow, Keras and SciKeras, but {module} is not installed; {fix}."


@contextlib.contextmanager
def _one_garbage_collection():
    """Collect garbage once after TensorFlow has created its million objects, not while it does.

    That saves some tenths of a second. If other threads are running, the collector isn't touched.
    """
    if "tensorflow" in sys.modules or not gc.isenabled() or threading.active_count() > 1:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


@contextlib.contextmanager
def _variables_taken_back():
    before = {name: os.environ.get(name) for name in _VARIABLES}
    try:
        yield
    finally:
        versions = sys.modules.get("tensorflow.python.framework.versions")
        own = _VARIABLES | {"TPU_ML_PLATFORM_VERSION": getattr(versions, "__version__", None)}
        for name, value in before.items():
            found = os.environ.get(name)
            if found is None or found != own[name]:
                continue  # another thread has changed it since
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _filters_taken_back():
    before = list(warnings.filters)
    try:
        yield
    finally:
        # Remove them one by one: warnings.catch_warnings would also undo what other threads do.
        for each in list(warnings.filters):
            if each not in before and _is_of_an_import(*each):
                with contextlib.suppress(ValueError):  # another thread has removed it
                    warnings.filters.remove(each)


def _is_of_an_import(action, message, category, module, line):
    package = category.__module__.partition(".")[0]
    return package in _FILTER_PACKAGES and (action, category.__name__) in _FILTERS


def _load_what_draws():
    """Load the only module that draws a random number on import, and undo the draw.

    It belongs to Rich, which Keras needs. Loaded separately, it takes a millisecond, so another
    thread is unlikely to draw or seed meanwhile. If one does, the state shows it and isn't changed.
    """
    with contextlib.suppress(ImportError):
        import rich.color  # a dependency of rich.style, loaded first to keep the next step short

        before = random.getstate()
        import rich.style  # noqa: F401

        one_later = random.Random()
        one_later.setstate(before)
        one_later.getrandbits(24)
        if random.getstate() == one_later.getstate():
            random.setstate(before)
