"""The same server with onnxruntime: it needs neither skclf nor scikit-learn.

::

    pip install numpy onnxruntime
    python examples/serving/serve_onnx.py model.onnx --port 8000

``train.py`` creates the file and ``labels.json``. Loading an ONNX model doesn't run code. The model
doesn't check its rows, so this server does.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from _server import serve


def load_predict(path):
    """Return the prediction function for `serve`, from an ONNX file and the labels beside it."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    classes = json.loads(Path(path).with_name("labels.json").read_text())
    n_features = session.get_inputs()[0].shape[1]

    def predict(rows):
        rows = np.asarray(rows, dtype="float32")
        if rows.ndim != 2 or rows.shape[1] != n_features or not np.isfinite(rows).all():
            raise ValueError(
                f"Got rows of shape {rows.shape}; expected (n, {n_features}) finite numbers."
            )
        (probabilities,) = session.run(["probabilities"], {"rows": rows})
        return classes, probabilities.tolist()

    return predict


def main():
    """Serve from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="the ONNX file")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free port")
    given = parser.parse_args()
    serve(load_predict(given.path), given.port)


if __name__ == "__main__":
    main()
