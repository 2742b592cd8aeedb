"""The first fit of a process changes less than the import of TensorFlow, which it includes."""

import inspect
import json
import subprocess
import sys

import pytest
from unchanged_state import NEEDS_KERAS_3_13, process_state

pytestmark = NEEDS_KERAS_3_13

FIRST = """
import copy, decimal, gc, json, locale, logging, multiprocessing, os, random, signal, sys
import threading, warnings
from pathlib import Path
import joblib, numpy as np, pandas as pd, sklearn
from sklearn.dummy import DummyClassifier
from skclf import BinaryDenseClassifier

{process_state}

def only_load():
    import keras, scikeras.wrappers, tensorflow

def fit():
    BinaryDenseClassifier(3, epochs=1, dropout=0.1, validation_split=0.2, random_state=0).fit(X, y)

X = np.random.RandomState(0).rand(40, 4)
y = X[:, 0] > 0.5
# The first fit of any estimator of scikit-learn loads a library that draws random numbers.
DummyClassifier().fit(X, y)
before = process_state()
{work}()
after = process_state()
print(json.dumps([name for name in before if before[name] != after[name]]))
"""


def changed_by(work):
    code = FIRST.format(process_state=inspect.getsource(process_state), work=work)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return set(json.loads(found.stdout))


@pytest.mark.slow
def test_the_first_fit_changes_less_than_an_import_of_tensorflow():
    by_fit, by_import = changed_by("fit"), changed_by("only_load")
    assert "warnings" in by_import
    assert by_fit < by_import
    assert by_fit <= {"logging", "importers"}


FIRST_WITH_WARNINGS_AS_ERRORS = """
import warnings
import numpy as np
from skclf import ShapeConvClassifier
X = np.random.RandomState(0).rand(40, 16)
y = X[:, 0] > 0.5
warnings.simplefilter("error")
np.seterr(all="raise")
clf = ShapeConvClassifier(3, epochs=1, random_state=0).fit(X, y)
clf.predict_proba(X), clf.evaluate(X, y), clf.history_
assert set(np.geterr().values()) == {"raise"}
"""


@pytest.mark.slow
def test_the_first_fit_works_where_warnings_are_errors():
    found = subprocess.run(
        [sys.executable, "-c", FIRST_WITH_WARNINGS_AS_ERRORS], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
