"""`GridSearchCV` over 4 architectures x 2 learning rates x 3 folds, and the refit: 25 fits.

The data are the 569 rows of the breast cancer set; 20 epochs, batches of 32, Adam. Imports are not
timed. In the first search of a process, skclf compiles its nets; later searches reuse them. The
folds are passed explicitly, because SciKeras with a recent scikit-learn would use unstratified
ones.
"""

import _peers
from _run import QUICK, Benchmark, Check, Goal, main, seconds
from bench_small_net import load_rows

HIDDEN = [(16,), (16, 16)] if QUICK else [(16,), (32,), (16, 16), (32, 16)]
RATES = [0.001] if QUICK else [0.001, 0.01]
EPOCHS, BATCH_SIZE = (2, 32) if QUICK else (20, 32)
FOLDS = 2 if QUICK else 3


def search(classifier, rate_name, n_searches=1):
    """Seconds of the first and the second search, and the best mean accuracy of the folds."""
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    X, y = load_rows()
    grid = {"hidden_layer_sizes": HIDDEN, rate_name: RATES}
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    numbers = {}
    for name in ("first search (s)", "later search (s)")[:n_searches]:
        searching = GridSearchCV(classifier, grid, cv=folds)
        numbers[name], _ = seconds(lambda searching=searching: searching.fit(X, y))
    return {**numbers, "accuracy": searching.best_score_}


def run_skclf(folder, seed):
    """Adam instead of the default RMSprop, as in `MLPClassifier`."""
    from skclf import BinaryDenseClassifier, _bridge  # noqa: F401  (the bridge loads TensorFlow)

    classifier = BinaryDenseClassifier(
        optimizer="adam", epochs=EPOCHS, batch_size=BATCH_SIZE, random_state=seed
    )
    return search(classifier, "learning_rate", n_searches=2)


def run_mlp(folder, seed):
    """scikit-learn."""
    from sklearn.neural_network import MLPClassifier

    classifier = MLPClassifier(
        alpha=0.0,
        batch_size=BATCH_SIZE,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS + 1,
        random_state=seed,
    )
    with _peers.without_convergence_warnings():
        return search(classifier, "learning_rate_init", n_searches=2)


def run_scikeras(folder, seed):
    """SciKeras; its ``model`` is a function of the parameters of the search."""
    import keras  # noqa: F401  (imports done)
    from scikeras.wrappers import KerasClassifier

    def make(hidden_layer_sizes, learning_rate, meta):
        n_features = meta["n_features_in_"]
        return _peers.keras_dense(n_features, hidden_layer_sizes, learning_rate=learning_rate)

    classifier = KerasClassifier(
        make,
        hidden_layer_sizes=(16,),
        learning_rate=0.001,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        random_state=seed,
        verbose=0,
    )
    return search(classifier, "learning_rate")


BENCHMARK = Benchmark(
    "Grid search: 4 architectures x 2 learning rates x 3 folds + refit",
    __file__,
    {"skclf": run_skclf, "MLPClassifier": run_mlp, "SciKeras": run_scikeras},
    goals=[
        Goal("first search (s)", "MLPClassifier", 0.6),
        Goal("first search (s)", "SciKeras", 1 / 20),
        Goal("later search (s)", "MLPClassifier"),
    ],
    checks=[Check("accuracy", margin=0.5 if QUICK else 0.01, at_least=0.0 if QUICK else 0.95)],
    rounds=3,
    needs={"SciKeras": ("scikeras",)},
)

if __name__ == "__main__":
    main(BENCHMARK)
