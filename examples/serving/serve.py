"""Serve a saved classifier, without TensorFlow.

::

    pip install --no-deps skclf && pip install joblib numpy scikit-learn scipy
    python examples/serving/serve.py model.joblib --port 8000
    curl --data '{"rows": [[12, 80, 33, 41]]}' http://127.0.0.1:8000

``train.py`` creates the file. Like any pickle, it can run code when it is loaded, so load only
files that you trust, with the versions of skclf and scikit-learn that saved them.
"""

import argparse

import joblib
from _server import serve


def load_predict(path):
    """Return the prediction function for `serve`, from a joblib file."""
    classifier = joblib.load(path)
    classes = classifier.classes_.tolist()
    return lambda rows: (classes, classifier.predict_proba(rows).tolist())


def main():
    """Serve from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="the joblib file")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free port")
    given = parser.parse_args()
    serve(load_predict(given.path), given.port)


if __name__ == "__main__":
    main()
