"""Fit, predict, save, load and vectorize with the installed package."""

import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.pipeline import make_pipeline

import skclf

if not Path(skclf.__file__).is_relative_to(sys.prefix):
    sys.exit(f"Got skclf from {skclf.__file__}; expected the installed wheel.")
rows, y = [[3, 4, 5], [4, 4], [6, 3], [5]] * 10, np.array(["ant", "bee"] * 20)
net = skclf.BinaryDenseClassifier(hidden_layer_sizes=3, epochs=2, random_state=0)
clf = make_pipeline(skclf.MultiHotVectorizer(), net).fit(rows, y)
joblib.dump(clf, "clf.joblib")
np.testing.assert_array_equal(joblib.load("clf.joblib").predict(rows), clf.predict(rows))
print(f"skclf {skclf.__version__}: the installed wheel works")
