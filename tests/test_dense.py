"""The dense classifiers: labels, rows, layers, predictions."""

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.utils import get_tags

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier

RNG = np.random.RandomState(0)
# Whole numbers between 0 and 5, so that every numeric type can hold them.
X = RNG.randint(0, 6, (40, 4)).astype(np.float64)
CODES = (X[:, 0] > 2).astype(int)
CODES3 = np.digitize(X[:, 0], [1.5, 3.5])
NAMES3 = np.array(["ant", "bee", "cat"])


def binary(**parameters):
    return BinaryDenseClassifier(
        **{"hidden_layer_sizes": 3, "epochs": 2, "random_state": 0} | parameters
    )


def multiclass(**parameters):
    defaults = {"hidden_layer_sizes": 3, "epochs": 2, "random_state": 0}
    return MulticlassDenseClassifier(**defaults | parameters)


@pytest.fixture(scope="module")
def two():
    return binary().fit(X, CODES)


@pytest.fixture(scope="module")
def three():
    return multiclass().fit(X, NAMES3[CODES3])


@pytest.fixture(scope="module")
def softmax_of_two():
    return multiclass().fit(X, CODES)


@pytest.fixture(params=["two", "three", "softmax_of_two"])
def fitted(request):
    return request.getfixturevalue(request.param)


# ---------------------------------------------------------------------------------------- labels

TEXTS = np.array(["a", "b"])[CODES]
LABELS = {
    "str": TEXTS,
    "list of str": TEXTS.tolist(),
    "str objects": TEXTS.astype(object),
    "pandas str": pd.Series(TEXTS),
    "pandas string": pd.Series(TEXTS, dtype="string"),
    "pandas category": pd.Series(TEXTS, dtype="category"),
    "categorical of ints": pd.Categorical(CODES),
    "bool": CODES == 1,
    "pandas boolean": pd.Series(CODES == 1, dtype="boolean"),
    "bool objects": (CODES == 1).astype(object),
    "int objects": CODES.astype(object),
    "int8": CODES.astype(np.int8) * 100 - 50,
    "uint8": CODES.astype(np.uint8) + 254,
    "int64": CODES + 2**62,
    "uint64": CODES.astype(np.uint64) + 2**63,
    "big-endian": CODES.astype(">i4"),
    "pandas Int64": pd.Series(CODES, dtype="Int64"),
    "pandas UInt8": pd.Series(CODES, dtype="UInt8"),
    "whole floats": CODES * 2.0 - 1,
    "long and short str": np.array(["a", "b" * 50])[CODES],
    "other alphabets": np.array(["αβγ", "日本"])[CODES],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_type(two, kind):
    y = LABELS[kind]
    clf = binary().fit(X, y)
    assert clf.classes_.tolist() == sorted(set(y))
    np.testing.assert_array_equal(clf.predict_proba(X), two.predict_proba(X))
    predicted = clf.predict(X)
    assert predicted.dtype == clf.classes_.dtype
    assert predicted.tolist() == clf.classes_[two.predict(X)].tolist()
    assert clf.score(X, y) == two.score(X, CODES)
    if kind in ("str", "bool objects", "pandas category"):
        assert clf.evaluate(X, y) == two.evaluate(X, CODES)


@pytest.mark.parametrize("dtype", [str, object, "category", "string"])
def test_labels_of_more_classes(three, dtype):
    y = pd.Series(NAMES3[CODES3]).astype(dtype)
    clf = multiclass().fit(X, y)
    assert clf.classes_.tolist() == ["ant", "bee", "cat"]
    assert clf.predict(X).tolist() == three.predict(X).tolist()


def test_a_category_without_rows_is_no_class():
    y = pd.Series(TEXTS).astype(pd.CategoricalDtype(["z", "b", "a"]))
    assert binary(epochs=1).fit(X, y).classes_.tolist() == ["a", "b"]


def test_labels_are_learnt():
    well = {"hidden_layer_sizes": 16, "optimizer": "adam", "learning_rate": 0.05, "epochs": 60}
    assert multiclass(**well).fit(X, NAMES3[CODES3]).score(X, NAMES3[CODES3]) > 0.95
    assert binary(**well).fit(X, TEXTS).score(X, TEXTS) > 0.95


# ------------------------------------------------------------------------------------------ rows

ROWS = {
    "list": X.tolist(),
    "tuples": tuple(map(tuple, X.tolist())),
    "objects": X.astype(object),
    "Fortran order": np.asfortranarray(X),
    "every second column": np.repeat(X, 2, axis=1)[:, ::2],
    "big-endian": X.astype(">f8"),
    "numbers only in a frame": pd.DataFrame(X),
    "frame of many types": pd.DataFrame(X).astype(
        {0: "int8", 1: "Int64", 2: "float32", 3: "Float64"}
    ),
    "int8": X.astype(np.int8),
    "uint8": X.astype(np.uint8),
    "int32": X.astype(np.int32),
    "int64": X.astype(np.int64),
    "uint64": X.astype(np.uint64),
    "float16": X.astype(np.float16),
    "float32": X.astype(np.float32),
    "longdouble": X.astype(np.longdouble),
}


@pytest.mark.parametrize("kind", ROWS)
def test_rows_of_every_type(two, kind):
    clf = binary().fit(ROWS[kind], CODES)
    np.testing.assert_array_equal(clf.predict_proba(X), two.predict_proba(X))
    # Float32 rows are computed in float32.
    np.testing.assert_allclose(two.predict_proba(ROWS[kind]), two.predict_proba(X), atol=1e-6)
    assert clf.n_features_in_ == 4
    assert not hasattr(clf, "feature_names_in_")


def test_rows_of_bool():
    truths = X > 2
    clf, expected = binary().fit(truths, CODES), binary().fit(truths.astype(float), CODES)
    np.testing.assert_array_equal(clf.predict_proba(truths), expected.predict_proba(truths * 1))


def test_names_of_features():
    frame = pd.DataFrame(X, columns=list("abcd"))
    clf = binary().fit(frame, CODES)
    assert clf.feature_names_in_.tolist() == list("abcd")
    assert not hasattr(clf.fit(X, CODES), "feature_names_in_")


@pytest.mark.parametrize("rows", [X, sparse.csr_array(X), pd.DataFrame(X)], ids=lambda X: type(X))
def test_what_is_passed_is_not_changed(rows):
    before, y, weights = rows.copy(), TEXTS.copy(), np.arange(40.0)
    clf = binary(class_weight={"a": 2}, validation_split=0.2).fit(rows, y, weights)
    clf.evaluate(rows, y, weights)
    clf.predict(rows)
    difference = rows != before
    assert not (difference.nnz if sparse.issparse(rows) else np.asarray(difference).any())
    assert y.tolist() == TEXTS.tolist()
    assert weights.tolist() == list(range(40))
    assert clf.class_weight == {"a": 2}


def test_rows_that_can_not_be_written_to():
    rows, y, weights = X.copy(), TEXTS.copy(), np.ones(40)
    for array in (rows, y, weights):
        array.flags.writeable = False
    clf = binary(class_weight="balanced").fit(rows, y, weights)
    assert clf.predict(rows).shape == (40,)


# ---------------------------------------------------------------------------------- sparse rows

FORMATS = [
    getattr(sparse, f"{name}_{kind}")
    for name in ("csr", "csc", "coo", "lil", "dok")
    for kind in ("matrix", "array")
]


@pytest.mark.parametrize("make", [binary, multiclass])
def test_sparse_rows_equal_dense_ones(make):
    y = CODES if make is binary else CODES3
    dense = make().fit(X, y)
    for rows in [make_rows(X) for make_rows in FORMATS]:
        np.testing.assert_allclose(dense.predict_proba(rows), dense.predict_proba(X), rtol=1e-12)
    trained = [make().fit(make_rows(X), y).predict_proba(X) for make_rows in FORMATS]
    np.testing.assert_allclose(trained[0], dense.predict_proba(X), atol=1e-5)
    for proba in trained[1:]:
        np.testing.assert_array_equal(proba, trained[0])


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.float64])
def test_sparse_rows_of_other_types(dtype):
    rows = sparse.csr_array((X > 2).astype(dtype))
    clf = binary().fit(rows, CODES)
    expected = binary().fit(rows.astype(np.float32), CODES)
    np.testing.assert_array_equal(clf.predict_proba(rows), expected.predict_proba(rows))


def test_sparse_rows_need_be_neither_sorted_nor_summed():
    columns, values = np.array([2, 0, 2, 1, 3]), np.array([1, 4, 2, 5, 1], dtype=np.float32)
    untidy = sparse.csr_array((values, columns, [0, 3, 4, 5]), shape=(3, 4))
    tidy = untidy.copy()
    tidy.sum_duplicates()
    y, many = np.array([0, 1, 1] * 5), [0, 1, 2] * 5
    fits = [binary(batch_size=4).fit(rows[many], y) for rows in (untidy, tidy)]
    np.testing.assert_allclose(*(clf.predict_proba(tidy) for clf in fits), rtol=1e-5)
    np.testing.assert_allclose(
        fits[0].predict_proba(untidy), fits[0].predict_proba(tidy), rtol=1e-12
    )
    assert untidy.nnz == 5


def test_sparse_rows_with_wide_indices():
    rows = sparse.csr_array(X)
    rows.indices, rows.indptr = rows.indices.astype(np.int64), rows.indptr.astype(np.int64)
    expected = binary().fit(sparse.csr_array(X), CODES)
    np.testing.assert_array_equal(
        binary().fit(rows, CODES).predict_proba(rows), expected.predict_proba(rows)
    )
    frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X))
    np.testing.assert_array_equal(
        binary().fit(frame, CODES).predict_proba(rows), expected.predict_proba(rows)
    )


def test_an_empty_sparse_row():
    rows = sparse.csr_array(X * (np.arange(40) % 3 > 0)[:, None])
    clf = binary(batch_size=7).fit(rows, CODES)
    np.testing.assert_array_equal(
        clf.predict_proba(rows)[0], clf.predict_proba(np.zeros((1, 4)))[0]
    )


def test_rows_too_wide_to_be_dense(monkeypatch):
    def refuse(self, *args, **kwargs):
        raise AssertionError("sparse rows were made dense")

    for sparse_class in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        for method in ("toarray", "todense", "__array__"):
            monkeypatch.setattr(sparse_class, method, refuse, raising=False)
    # As float32 the rows would take 160 GB, one batch of them 8 GB.
    n_rows, n_columns = 20_000, 2_000_000
    y = np.arange(n_rows) % 2
    columns = np.column_stack(
        [np.random.RandomState(1).randint(2, n_columns, (n_rows, 2)), y]
    ).ravel()
    rows = sparse.csr_array(
        (np.ones(3 * n_rows, np.float32), columns, np.arange(0, 3 * n_rows + 1, 3)),
        shape=(n_rows, n_columns),
    )
    clf = binary(
        hidden_layer_sizes=(), optimizer="sgd", learning_rate=0.5, batch_size=1000, epochs=5
    ).fit(rows, y)
    assert clf.score(rows, y) > 0.99
    assert clf.evaluate(rows[:100], y[:100])["accuracy"] > 0.99
    clf.partial_fit(rows[:2000], y[:2000])
    assert clf.predict_proba(rows[:1]).shape == (1, 2)


# ----------------------------------------------------------------------------------- predictions


def test_predictions_agree_with_each_other(fitted):
    rows = np.random.RandomState(1).normal(size=(300, 4)) * 4
    proba, decision = fitted.predict_proba(rows), fitted.decision_function(rows)
    predicted = fitted.predict(rows)
    assert proba.dtype == decision.dtype == np.float64
    assert proba.shape == (300, len(fitted.classes_))
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    # Where the probabilities differ by a rounding error, either class may be predicted.
    clear = np.ptp(proba, axis=1) > 1e-12
    np.testing.assert_array_equal(predicted[clear], fitted.classes_[proba.argmax(axis=1)][clear])
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(rows)), proba, rtol=1e-12)
    if len(fitted.classes_) == 2:
        assert decision.shape == (300,)
        assert ((decision > 0) & (decision < 0.5)).any()
        assert ((decision < 0) & (decision > -0.5)).any()
        np.testing.assert_array_equal(predicted == fitted.classes_[1], decision > 0)
        np.testing.assert_allclose(np.log(proba[:, 1] / proba[:, 0]), decision, atol=1e-9)
    else:
        assert decision.shape == (300, 3)
        odds = np.exp(decision - decision.max(axis=1, keepdims=True))
        np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), proba, rtol=1e-12)


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array, pd.DataFrame, np.ndarray.tolist])
def test_one_row(fitted, as_rows):
    n_classes = len(fitted.classes_)
    for i in range(3):
        row = as_rows(X[i : i + 1])
        assert fitted.predict(row).tolist() == [fitted.predict(X)[i]]
        assert fitted.predict_proba(row).shape == (1, n_classes)
        assert fitted.predict_log_proba(row).shape == (1, n_classes)
        assert fitted.decision_function(row).shape == ((1,) if n_classes == 2 else (1, 3))
        np.testing.assert_allclose(
            fitted.predict_proba(row)[0], fitted.predict_proba(X)[i], rtol=1e-12
        )


def test_probabilities_of_rows_far_out(fitted):
    far = X * 1e6
    proba, log_proba = fitted.predict_proba(far), fitted.predict_log_proba(far)
    assert np.isfinite(proba).all()
    assert np.isfinite(log_proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    assert log_proba.min() < -700  # where the probability itself is 0


PREDICTIONS = ["decision_function", "predict", "predict_proba", "predict_log_proba"]


@pytest.mark.parametrize("scale", [1e6, 1e30, 1e300])
@pytest.mark.parametrize("activation", ["relu", "softplus", "squareplus", "softmax"])
@pytest.mark.parametrize("make", [binary, multiclass])
def test_rows_far_out_are_no_error_where_numpy_raises(make, activation, scale):
    # Terms of these activations overflow or underflow there, and of the softmax of three classes.
    y = CODES if make is binary else CODES3
    clf = make(activation=activation, epochs=1, keep_epochs=True).fit(X, y)
    far = (X - 2.5) * scale
    expected = [getattr(clf, name)(far) for name in PREDICTIONS]
    with np.errstate(all="raise"):
        found = [getattr(clf, name)(far) for name in PREDICTIONS]
        staged = list(clf.staged_predict_proba(far))
    for values, at_numpys_defaults in zip(found, expected, strict=True):
        np.testing.assert_array_equal(values, at_numpys_defaults)
    np.testing.assert_array_equal(staged[-1], found[2])
    assert np.isfinite(staged[-1]).all()


def test_rows_whose_logits_are_not_numbers_are_an_error_where_numpy_raises(two):
    clf = clone(two).fit(X, CODES)
    clf._weights[-2][:] = np.array([[np.inf], [-np.inf], [1.0]])
    clf._weights[0][:] = 1.0
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="invalid value"):
        clf.predict_proba(X + 1)


def test_many_rows_equal_few(fitted):
    many = np.tile(X, (250, 1))
    np.testing.assert_allclose(
        fitted.decision_function(many), np.tile(fitted.decision_function(X).T, 250).T, rtol=1e-9
    )


# -------------------------------------------------------------------------------------- evaluate


def test_evaluate_is_keras_and_scikit_learns(fitted):
    y = fitted.classes_[CODES3] if len(fitted.classes_) == 3 else CODES
    codes = np.searchsorted(fitted.classes_, y)
    found = fitted.evaluate(X, y)
    assert list(found) == ["loss", "accuracy"]
    assert all(type(value) is float for value in found.values())
    kerass = fitted.model_.evaluate(X, codes[:, None], verbose=0, return_dict=True)
    np.testing.assert_allclose(found["loss"], kerass["loss"], rtol=1e-5)
    np.testing.assert_allclose(found["accuracy"], kerass["accuracy"], rtol=1e-6)
    np.testing.assert_allclose(found["loss"], log_loss(y, fitted.predict_proba(X)), rtol=1e-5)
    np.testing.assert_allclose(found["accuracy"], fitted.score(X, y), rtol=1e-6)


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
@pytest.mark.parametrize("batch_size", [7, 100])
def test_evaluate_with_weights(three, as_rows, batch_size):
    clf, y = clone_of_fitted(three).set_params(batch_size=batch_size), NAMES3[CODES3]
    weights = np.random.RandomState(1).randint(0, 4, 40)
    found = clf.evaluate(as_rows(X), y, weights)
    loss = log_loss(y, clf.predict_proba(X), sample_weight=weights)
    np.testing.assert_allclose(found["loss"], loss, rtol=1e-5)
    score = accuracy_score(y, clf.predict(X), sample_weight=weights)
    np.testing.assert_allclose(found["accuracy"], score, rtol=1e-6)
    assert clf.score(X, y, weights) == score
    repeated = clf.evaluate(as_rows(X.repeat(weights, axis=0)), y.repeat(weights))
    np.testing.assert_allclose(list(found.values()), list(repeated.values()), rtol=1e-5)


def clone_of_fitted(estimator):
    copied = clone(estimator)
    vars(copied).update(vars(estimator))
    return copied


def test_evaluate_some_classes_alone(three):
    y = NAMES3[CODES3]
    kept = y == "bee"
    loss = -np.log(three.predict_proba(X[kept])[:, 1]).mean()
    np.testing.assert_allclose(three.evaluate(X[kept], y[kept])["loss"], loss, rtol=1e-5)


# ------------------------------------------------------------------------------------ parameters


@pytest.mark.parametrize(
    ("sizes", "shapes"),
    [
        (3, [(4, 3), (3,), (3, 1), (1,)]),
        ((3,), [(4, 3), (3,), (3, 1), (1,)]),
        ([3, 2], [(4, 3), (3,), (3, 2), (2,), (2, 1), (1,)]),
        (np.array([3, 2]), [(4, 3), (3,), (3, 2), (2,), (2, 1), (1,)]),
        ((), [(4, 1), (1,)]),
    ],
)
def test_hidden_layer_sizes(sizes, shapes):
    clf = binary(hidden_layer_sizes=sizes, epochs=1).fit(X, CODES)
    assert [weights.shape for weights in clf.model_.get_weights()] == shapes


def test_the_net_is_what_the_parameters_say():
    clf = multiclass(
        hidden_layer_sizes=(5, 2), activation="tanh", dropout=0.25, l2=0.5, epochs=1
    ).fit(X, CODES3)
    dense = [layer for layer in clf.model_.layers if isinstance(layer, keras.layers.Dense)]
    dropout = [layer for layer in clf.model_.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.units for layer in dense] == [5, 2, 3]
    assert [layer.activation.__name__ for layer in dense] == ["tanh", "tanh", "softmax"]
    assert [float(layer.kernel_regularizer.l2) for layer in dense] == [0.5] * 3
    assert [layer.bias_regularizer for layer in dense] == [None] * 3
    assert [layer.rate for layer in dropout] == [0.25, 0.25]
    assert clf.model_.layers[-1].units == 3
    head = binary(epochs=1).fit(X, CODES).model_.layers[-1]
    assert (head.units, head.activation.__name__) == (1, "sigmoid")


@pytest.mark.parametrize("activation", ["tanh", "sparsemax"])
def test_activations(two, activation):
    # NumPy computes the first of them, Keras the second.
    clf = binary(activation=activation).fit(X, CODES)
    assert not np.allclose(clf.predict_proba(X), two.predict_proba(X))
    kerass = clf.model_.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], kerass, atol=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X[:1])[0, 1], kerass[0], atol=1e-6)
    rows = sparse.csr_array(X)
    np.testing.assert_allclose(clf.predict_proba(rows)[:, 1], kerass, atol=1e-6)
    sparsely = binary(activation=activation).fit(rows, CODES)
    np.testing.assert_allclose(sparsely.predict_proba(X)[:, 1], kerass, atol=1e-5)


def test_dropout_is_for_training_alone(two):
    clf = binary(dropout=0.5).fit(X, CODES)
    assert not np.allclose(clf.predict_proba(X), two.predict_proba(X))
    np.testing.assert_array_equal(clf.predict_proba(X), clf.predict_proba(X))
    kerass = clf.model_.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], kerass, atol=1e-6)


def test_l2_is_in_the_loss_and_shrinks_the_kernels(two):
    clf = binary(l2=0.1, epochs=2).fit(X, CODES)
    kernels = clf.model_.get_weights()[::2]
    penalty = 0.1 * sum((kernel**2).sum() for kernel in kernels)
    loss = log_loss(CODES, clf.predict_proba(X))
    np.testing.assert_allclose(clf.evaluate(X, CODES)["loss"], loss + penalty, rtol=1e-5)
    long = {"epochs": 30, "learning_rate": 0.05}
    sizes = [
        sum(
            (kernel**2).sum() for kernel in binary(l2=l2, **long).fit(X, CODES).model_.get_weights()
        )
        for l2 in (0, 0.1)
    ]
    assert sizes[1] < sizes[0] / 2


def test_the_two_losses_of_many_classes_are_one(three):
    clf = multiclass(loss="categorical_crossentropy").fit(X, NAMES3[CODES3])
    np.testing.assert_allclose(clf.predict_proba(X), three.predict_proba(X), atol=1e-6)
    found, expected = (c.evaluate(X, NAMES3[CODES3]) for c in (clf, three))
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-5)
    np.testing.assert_allclose(clf.history_, three.history_, rtol=1e-4)


def test_sizes_of_batches_matter_and_epochs_count_passes():
    steps = []

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append(batch)

    binary(batch_size=15, epochs=2, callbacks=[Count()]).fit(X, CODES)
    assert steps == [0, 1, 2] * 2


def test_a_batch_larger_than_any_number_of_rows():
    small, huge = (binary(batch_size=size).fit(X, CODES) for size in (40, 10**12))
    np.testing.assert_array_equal(small.predict_proba(X), huge.predict_proba(X))
    assert huge.evaluate(X, CODES) == small.evaluate(X, CODES)


@pytest.mark.parametrize(
    ("metrics", "columns"),
    [
        (None, ["loss"]),
        ((), ["loss"]),
        (["auc"], ["loss", "auc"]),
        (("accuracy", "auc"), ["loss", "accuracy", "auc"]),
        ([keras.metrics.Precision(name="hits")], ["loss", "hits"]),
        (["binary_accuracy", keras.metrics.Recall()], ["loss", "binary_accuracy", "recall"]),
    ],
)
def test_metrics(metrics, columns):
    clf = binary(metrics=metrics).fit(X, CODES)
    assert set(clf.history_.columns) == set(columns)
    assert clf.history_.columns[0] == "loss"
    assert set(clf.evaluate(X, CODES)) == set(columns)


@pytest.mark.parametrize("make", [binary, multiclass])
def test_tags(make):
    tags = get_tags(make())
    assert is_classifier(make())
    assert tags.input_tags.sparse
    assert tags.classifier_tags.multi_class == (make is multiclass)
    assert tags.target_tags.required
    assert not tags.input_tags.allow_nan


# ---------------------------------------------------------------------------------------- model_


def test_model_is_a_compiled_keras_model(fitted):
    model, y = fitted.model_, CODES3 if len(fitted.classes_) == 3 else CODES
    assert isinstance(model, keras.Model)
    assert type(model).__module__.startswith("keras.")
    assert model.compiled
    outputs = model.predict(X, verbose=0)
    wanted = fitted.predict_proba(X)
    np.testing.assert_allclose(
        outputs, wanted[:, 1:] if outputs.shape[1] == 1 else wanted, atol=1e-6
    )
    before = fitted.predict_proba(X)
    history = model.fit(X, y[:, None], epochs=2, verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    assert not np.allclose(model.predict(X, verbose=0), outputs)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert fitted.model_ is not model


def test_model_of_sparse_rows():
    rows = sparse.csr_array(X)
    clf = binary().fit(rows, CODES)
    outputs = clf.model_.predict(rows, verbose=0)
    np.testing.assert_allclose(outputs[:, 0], clf.predict_proba(X)[:, 1], atol=1e-6)
    logs = clf.model_.evaluate(rows, CODES[:, None], verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["loss"], clf.evaluate(rows, CODES)["loss"], rtol=1e-5)


def test_model_can_be_saved_by_keras(two, tmp_path):
    two.model_.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(
        loaded.predict(X, verbose=0)[:, 0], two.predict_proba(X)[:, 1], atol=1e-6
    )


def at_the_start(clf, y):
    """A classifier that has its initial weights yet: all but untrained."""
    start = clone(clf).set_params(learning_rate=1e-30, optimizer="sgd", epochs=1).fit(X, y)
    return start.set_params(optimizer=clf.optimizer, learning_rate=clf.learning_rate)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw", "nadam", "lion"])
def test_training_is_kerass_own(optimizer):
    # In whole-data batches the order of the rows can't matter, so Keras takes the same steps.
    clf = binary(optimizer=optimizer, learning_rate=0.02, epochs=3, batch_size=40, l2=0.01)
    model = at_the_start(clf, CODES).model_
    model.fit(X, CODES[:, None], batch_size=40, epochs=3, verbose=0)
    trained = clf.fit(X, CODES).model_.get_weights()
    for found, expected in zip(trained, model.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_step_of_gradient_descent_by_hand():
    weights = np.random.RandomState(1).randint(1, 4, 40).astype(float)
    clf = multiclass(
        hidden_layer_sizes=(),
        optimizer="sgd",
        learning_rate=0.1,
        epochs=1,
        batch_size=40,
        l2=0.05,
        class_weight={0: 1, 1: 3, 2: 0.5},
    )
    kernel, bias = at_the_start(clf, CODES3).model_.get_weights()
    values = np.exp(X @ kernel.astype(float) + bias)
    errors = values / values.sum(axis=1, keepdims=True) - np.eye(3)[CODES3]
    factors = weights * np.array([1, 3, 0.5])[CODES3]
    errors *= (factors / factors.mean())[:, None] / 40
    found = clf.fit(X, CODES3, weights).model_.get_weights()
    np.testing.assert_allclose(found[0], kernel - 0.1 * (X.T @ errors + 0.1 * kernel), atol=1e-6)
    np.testing.assert_allclose(found[1], bias - 0.1 * errors.sum(axis=0), atol=1e-6)


# ------------------------------------------------------------------------------------ optimizers


def test_an_optimizer_instance_is_a_template():
    optimizer = keras.optimizers.Adam(0.02, beta_1=0.8)
    config = optimizer.get_config()
    clf = binary(optimizer=optimizer)
    first = clf.fit(X, CODES).predict_proba(X)
    np.testing.assert_array_equal(clf.fit(X, CODES).predict_proba(X), first)
    np.testing.assert_array_equal(clone(clf).fit(X, CODES).predict_proba(X), first)
    assert clf.optimizer is optimizer
    assert optimizer.get_config() == config
    assert not optimizer.built
    assert clf.model_.optimizer.get_config()["beta_1"] == 0.8
    np.testing.assert_allclose(float(clf.model_.optimizer.learning_rate), 0.02, rtol=1e-6)
    other = binary(optimizer="adam", learning_rate=0.02).fit(X, CODES).predict_proba(X)
    assert not np.allclose(first, other, atol=1e-6)


def test_an_optimizer_that_has_trained_elsewhere_is_a_template_too(two):
    optimizer = keras.optimizers.RMSprop()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=optimizer, loss="mse")
    model.fit(X[:, :2], X[:, :1], verbose=0)
    variables = [keras.ops.convert_to_numpy(v).copy() for v in optimizer.variables]
    clf = binary(optimizer=optimizer).fit(X, CODES)
    np.testing.assert_array_equal(clf.predict_proba(X), two.predict_proba(X))
    for before, after in zip(variables, optimizer.variables, strict=True):
        np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(after))


@pytest.mark.parametrize("name", ["rmsprop", "RMSprop"])
def test_names_and_instances_of_optimizers_are_the_same(two, name):
    np.testing.assert_array_equal(
        binary(optimizer=name).fit(X, CODES).predict_proba(X), two.predict_proba(X)
    )


@pytest.mark.parametrize("rate", [0.25, np.float32(0.25), np.float16(0.25), 1, np.int64(1)])
def test_learning_rate_overrides_the_optimizers_own(rate):
    own = keras.optimizers.SGD(float(rate), momentum=0.5)
    expected = binary(optimizer=own).fit(X, CODES)
    clf = binary(optimizer=keras.optimizers.SGD(3.0, momentum=0.5), learning_rate=rate)
    np.testing.assert_array_equal(clf.fit(X, CODES).predict_proba(X), expected.predict_proba(X))
    assert float(clf.model_.optimizer.learning_rate) == float(rate)


@pytest.mark.parametrize("where", ["learning_rate", "optimizer"])
def test_a_schedule_is_followed(where):
    # 0.05 for the steps 0 and 1, then nothing: two epochs of whole-data batches, not four.
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.05, 0.0])
    parameters = (
        {"optimizer": "sgd", "learning_rate": schedule}
        if where == "learning_rate"
        else {"optimizer": keras.optimizers.SGD(schedule)}
    )
    clf = binary(epochs=4, batch_size=40, **parameters).fit(X, CODES)
    constant = binary(epochs=2, batch_size=40, optimizer="sgd", learning_rate=0.05)
    np.testing.assert_allclose(
        clf.predict_proba(X), constant.fit(X, CODES).predict_proba(X), rtol=1e-6
    )
    constant.set_params(epochs=4).fit(X, CODES)
    assert not np.allclose(clf.predict_proba(X), constant.predict_proba(X))
