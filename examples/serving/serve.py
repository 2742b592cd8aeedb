"""Serve a saved classifier; TensorFlow need not even be installed.

::

    pip install --no-deps skclf && pip install joblib numpy scikit-learn scipy
    python examples/serving/serve.py model.joblib --port 8000
    curl --data '{"rows": [[12, 80, 33, 41]]}' http://127.0.0.1:8000

``train.py`` makes the file. As any pickle it may run code when it is loaded: load none but your
own, with the versions of skclf and scikit-learn that it was saved with.
"""

import argparse

import joblib
from _server import serve


def load_predict(path):
    """The function that `serve` wants, from a joblib file."""
    classifier = joblib.load(path)
    classes = classifier.classes_.tolist()
    return lambda rows: (classes, classifier.predict_proba(rows).tolist())


def main():
    """Serve from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="the joblib file")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    given = parser.parse_args()
    serve(load_predict(given.path), given.port)


if __name__ == "__main__":
    main()
