"""Train a classifier, and save it for both ways of serving it.

``python examples/serving/train.py folder`` leaves there

- ``model.joblib``: the whole pipeline, for ``serve.py``;
- ``model.keras`` and ``labels.json``: the same net for Keras, and the labels, which a Keras model
  doesn't know, for ``serve_keras.py``.

With ``SKCLF_QUICK=1`` it trains on fewer rows.
"""

import argparse
import json
import os
from pathlib import Path

import joblib
import keras
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skclf import BinaryDenseClassifier
from skclf.datasets import make_low_high

QUICK = os.environ.get("SKCLF_QUICK") == "1"


def as_keras_model(pipeline):
    """The pipeline as one Keras model: the scaler becomes its first layer."""
    scaler, classifier = pipeline[0], pipeline[-1]
    scaling = keras.layers.Normalization(mean=scaler.mean_, variance=scaler.var_)
    return keras.Sequential([keras.Input((scaler.n_features_in_,)), scaling, classifier.model_])


def main():
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the files go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)

    X, y = make_low_high(500 if QUICK else 4_000, random_state=0, return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), BinaryDenseClassifier(random_state=0))
    pipeline.fit(X, y)
    print(f"Accuracy on the {len(X):,} training rows: {pipeline.score(X, y):.3f}")

    joblib.dump(pipeline, folder / "model.joblib")
    as_keras_model(pipeline).save(folder / "model.keras")
    (folder / "labels.json").write_text(json.dumps(pipeline.classes_.tolist()))


if __name__ == "__main__":
    main()
