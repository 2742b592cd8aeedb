"""Prediction of labels for one row, for 100,000 x 30 rows and for 5,000 x 10,000 CSR rows.

The nets are 30-16-16-1 and 10,000-16-16-1. skclf trains them once. `MLPClassifier` and Keras use
the same weights, so all should predict the same labels ("agreement" is the share of equal labels).
"""

import _peers
from _run import QUICK, Benchmark, Check, Goal, main, median_seconds

N_ROWS, N_CSR_ROWS = (5_000, 500) if QUICK else (100_000, 5_000)
N_WORDS, WORDS_IN_ROW = 10_000, 131  # as in film reviews
HIDDEN = (16, 16)
BUDGET = 0.1 if QUICK else 2.0
ONE_ROW, ROWS, CSR_ROWS = "1 x 30 (ms)", f"{N_ROWS:,} x 30 (ms)", f"{N_CSR_ROWS:,} CSR rows (ms)"


def make_rows():
    """Dense and CSR rows, float32."""
    import numpy as np
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    indices = rng.integers(N_WORDS, size=N_CSR_ROWS * WORDS_IN_ROW)
    indptr = np.arange(0, len(indices) + 1, WORDS_IN_ROW)
    csr = csr_matrix((np.ones(len(indices), np.float32), indices, indptr), (N_CSR_ROWS, N_WORDS))
    csr.sum_duplicates()
    return rng.normal(size=(N_ROWS, 30)).astype(np.float32), csr


def prepare(folder):
    """Save fitted classifiers and the labels that they predict."""
    import joblib

    from skclf import BinaryDenseClassifier

    classifier = BinaryDenseClassifier(HIDDEN, epochs=2, batch_size=512, random_state=0)
    dense, csr = make_rows()
    for name, X, y in (
        ("dense", dense, dense[:, 0] * dense[:, 1] > 0),
        ("csr", csr, csr[:, : N_WORDS // 2].sum(axis=1).A1 > WORDS_IN_ROW / 2),
    ):
        classifier.fit(X, y.astype(int))
        joblib.dump((classifier, classifier.model_.get_weights()), folder / f"{name}.joblib")


def times(predict_dense, predict_csr, folder):
    """Milliseconds for each kind of rows, and the share of labels equal to skclf's."""
    import joblib

    dense, csr = make_rows()
    cases = [
        (ONE_ROW, predict_dense, dense[:1], "dense"),
        (ROWS, predict_dense, dense, "dense"),
        (CSR_ROWS, predict_csr, csr, "csr"),
    ]
    numbers, agreement = {}, []
    for name, predict, X, net in cases:
        numbers[name] = 1000 * median_seconds(lambda p=predict, X=X: p(X), BUDGET)
        classifier, _ = joblib.load(folder / f"{net}.joblib")
        agreement.append(float((predict(X) == classifier.predict(X)).mean()))
    return {**numbers, "agreement": min(agreement)}


def run_skclf(folder, seed):
    """Classifiers loaded from a file, without TensorFlow."""
    import joblib

    (dense, _), (csr, _) = (joblib.load(folder / f"{name}.joblib") for name in ("dense", "csr"))
    return times(dense.predict, csr.predict, folder)


def run_mlp(folder, seed):
    """scikit-learn, with skclf's weights."""
    import joblib

    predictors = []
    for name, X in zip(("dense", "csr"), make_rows(), strict=True):
        _, weights = joblib.load(folder / f"{name}.joblib")
        few, labels = X[:64], [0, 1] * 32
        classifier = _peers.fitted_mlp(few, labels, HIDDEN, epochs=1, batch_size=64, seed=0)
        classifier.coefs_, classifier.intercepts_ = weights[0::2], weights[1::2]
        predictors.append(classifier.predict)
    return times(*predictors, folder)


def run_keras(folder, seed):
    """``keras.Model.predict`` with skclf's weights, and labels from its probabilities."""
    import joblib

    def predictor(name):
        classifier, _ = joblib.load(folder / f"{name}.joblib")
        model = classifier.model_
        return lambda X: (model.predict(X, verbose=0)[:, 0] > 0.5).astype(int)

    return times(predictor("dense"), predictor("csr"), folder)


BENCHMARK = Benchmark(
    f"Predict: 1 x 30, {N_ROWS:,} x 30, {N_CSR_ROWS:,} x 10,000 CSR rows, nets with 16-16-1",
    __file__,
    {"skclf": run_skclf, "MLPClassifier": run_mlp, "keras.Model.predict": run_keras},
    goals=[
        Goal(ONE_ROW, "MLPClassifier", 0.7),
        Goal(ONE_ROW, "keras.Model.predict", 1 / 100),
        Goal(ROWS, "MLPClassifier", 0.6),
        Goal(CSR_ROWS, "MLPClassifier", 0.8),
        Goal(ROWS, "keras.Model.predict"),
        Goal(CSR_ROWS, "keras.Model.predict"),
    ],
    # skclf computes in float64, the others in float32: a row on the boundary may differ.
    checks=[Check("agreement", at_least=0.999)],
    prepare=prepare,
    rounds=5,
)

if __name__ == "__main__":
    main(BENCHMARK)
