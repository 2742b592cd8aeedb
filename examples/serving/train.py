"""Train a classifier, and save it for each way of serving it.

``python examples/serving/train.py folder`` writes to the folder

- ``model.joblib``: the whole pipeline, for ``serve.py``;
- ``model.onnx``: scaler and net as one ONNX model, for ``serve_onnx.py``, if the package onnx is
  installed;
- ``model.keras``: the same for Keras, for ``serve_keras.py``;
- ``labels.json``: the labels in the order of the probabilities, which these files don't contain.

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
from skclf.onnx import to_onnx

QUICK = os.environ.get("SKCLF_QUICK") == "1"


def as_keras_model(pipeline):
    """The pipeline as one Keras model: the scaler becomes its first layer."""
    scaler, classifier = pipeline[0], pipeline[-1]
    scaling = keras.layers.Normalization(mean=scaler.mean_, variance=scaler.var_)
    return keras.Sequential([keras.Input((scaler.n_features_in_,)), scaling, classifier.model_])


def save_as_onnx(pipeline, path):
    """The pipeline as one ONNX model: two nodes before those of the net do the scaler's work."""
    import onnx  # the other ways do without it

    scaler, classifier = pipeline[0], pipeline[-1]
    to_onnx(classifier, path)
    model = onnx.load(path)
    for name, array in {"mean": scaler.mean_, "scale": scaler.scale_}.items():
        constant = onnx.numpy_helper.from_array(array.astype("float32"), name)
        model.graph.initializer.append(constant)
    # The net takes "X", which was the input and now is what the second node gives.
    model.graph.input[0].name = "rows"
    model.graph.node.insert(0, onnx.helper.make_node("Sub", ["rows", "mean"], ["centred"]))
    model.graph.node.insert(1, onnx.helper.make_node("Div", ["centred", "scale"], ["X"]))
    onnx.checker.check_model(model)
    onnx.save(model, path)


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
    try:
        save_as_onnx(pipeline, folder / "model.onnx")
    except ImportError as error:
        print(f"Skipped model.onnx: {error}")
    as_keras_model(pipeline).save(folder / "model.keras")
    (folder / "labels.json").write_text(json.dumps(pipeline.classes_.tolist()))


if __name__ == "__main__":
    main()
