"""The same server with Keras, for comparison: it loads TensorFlow, Keras and the saved model.

``python examples/serving/serve_keras.py model.keras`` calls ``model.predict`` for each request;
with ``--direct`` it calls the model itself, which Keras recommends for a few rows.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
from _server import serve


def load_predict(path, direct):
    """Return the prediction function for `serve`, from a Keras file and the labels beside it."""
    model = keras.models.load_model(path)
    classes = json.loads(Path(path).with_name("labels.json").read_text())

    def predict(rows):
        rows = np.asarray(rows, dtype="float32")
        outputs = np.asarray(model(rows) if direct else model.predict(rows, verbose=0))
        second = outputs[:, 0].astype("float64")
        return classes, np.column_stack([1 - second, second]).tolist()

    return predict


def main():
    """Serve from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="the Keras file")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free port")
    parser.add_argument("--direct", action="store_true", help="call the model itself")
    given = parser.parse_args()
    serve(load_predict(given.path, given.direct), given.port)


if __name__ == "__main__":
    main()
