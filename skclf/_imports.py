"""Load TensorFlow and Keras so that nothing changes that the whole process shares.

Loading them takes seconds, in which other threads may change the same things. So nothing is put
back from a copy made before: what these libraries are known to do is taken back where it is found,
and all else is left alone. ``tests/test_bridge.py`` fails when a new version does anything more.

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

# What TensorFlow sets, whatever was there before; the version is its own.
_VARIABLES = {
    "ENABLE_RUNTIME_UPTIME_TELEMETRY": "1",
    "HDF5_PLUGIN_PATH": "disable",
    "TF2_BEHAVIOR": "1",
    "TPU_ML_PLATFORM": "Tensorflow",
    "TPU_ML_PLATFORM_VERSION": None,
}
# What Requests, urllib3 (1 and 2) and setuptools' pkg_resources add, which TensorFlow and, in older
# versions, its dependencies load: action and category.
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
    """Take back what the imports in a ``with`` block do to the process."""
    # The collection comes last: Ctrl-C in it leaves nothing undone.
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
    """Look through the million objects that TensorFlow makes once, and not while they are made.

    That saves some tenths of a second. Where other threads run, it is left to them whether garbage
    is collected.
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
        # One by one, because warnings.catch_warnings would also undo what other threads do.
        for each in list(warnings.filters):
            if each not in before and _is_of_an_import(*each):
                with contextlib.suppress(ValueError):  # another thread has removed it
                    warnings.filters.remove(each)


def _is_of_an_import(action, message, category, module, line):
    package = category.__module__.partition(".")[0]
    return package in _FILTER_PACKAGES and (action, category.__name__) in _FILTERS


def _load_what_draws():
    """Load the one module that draws a random number when it is loaded, and take that back.

    It is a module of Rich, which Keras needs. Loaded by itself it takes a millisecond, in which
    hardly any other thread draws or seeds; if one does, the state shows it and is left alone.
    """
    with contextlib.suppress(ImportError):
        import rich.color  # what it needs, before the millisecond begins

        before = random.getstate()
        import rich.style  # noqa: F401

        one_later = random.Random()
        one_later.setstate(before)
        one_later.getrandbits(24)
        if random.getstate() == one_later.getstate():
            random.setstate(before)
