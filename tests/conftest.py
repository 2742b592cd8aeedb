"""Settings that hold for all tests, made before anything is imported."""

import os

# scikit-learn skips its array API check unless SciPy was imported with this set.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
