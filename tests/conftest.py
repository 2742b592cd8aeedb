"""Settings that hold for all tests, made before anything is imported."""

import os
import signal

import pytest

# scikit-learn skips its array API check unless SciPy was imported with this set.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_environment = dict(os.environ)


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
