"""Settings that hold for all tests, made before anything is imported."""

import os

import pytest

# scikit-learn skips its array API check unless SciPy was imported with this set.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_environment = dict(os.environ)


@pytest.fixture
def environment():
    """The environment variables as they were before TensorFlow set some, for subprocesses."""
    return _environment.copy()
