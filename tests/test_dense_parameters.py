"""Parameters of the dense classifiers: layers, loss, batches and metrics; estimator tags."""

import keras
import numpy as np
import pytest
from dense_nets import CODES, CODES3, NAMES3, X, binary, fitted_net, multiclass
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.metrics import log_loss
from sklearn.utils import get_tags


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
def test_hidden_layer_sizes_are_those_of_the_weights(sizes, shapes):
    clf = binary(hidden_layer_sizes=sizes, epochs=1).fit(X, CODES)
    assert [weights.shape for weights in clf.model_.get_weights()] == shapes


def test_layers_have_the_options_set_by_parameters():
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
def test_predictions_of_activations_match_keras(activation):
    # NumPy computes tanh; Keras computes sparsemax.
    clf = binary(activation=activation).fit(X, CODES)
    assert not np.allclose(clf.predict_proba(X), fitted_net("two").predict_proba(X))
    by_keras = clf.model_.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], by_keras, atol=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X[:1])[0, 1], by_keras[0], atol=1e-6)
    rows = sparse.csr_array(X)
    np.testing.assert_allclose(clf.predict_proba(rows)[:, 1], by_keras, atol=1e-6)
    sparsely = binary(activation=activation).fit(rows, CODES)
    np.testing.assert_allclose(sparsely.predict_proba(X)[:, 1], by_keras, atol=1e-5)


def test_dropout_is_active_in_training_only():
    clf = binary(dropout=0.5).fit(X, CODES)
    assert not np.allclose(clf.predict_proba(X), fitted_net("two").predict_proba(X))
    np.testing.assert_array_equal(clf.predict_proba(X), clf.predict_proba(X))
    by_keras = clf.model_.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], by_keras, atol=1e-6)


def test_l2_is_added_to_the_loss_and_shrinks_the_kernels():
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


def test_sparse_and_one_hot_crossentropy_give_the_same_net():
    three = fitted_net("three")
    clf = multiclass(loss="categorical_crossentropy").fit(X, NAMES3[CODES3])
    np.testing.assert_allclose(clf.predict_proba(X), three.predict_proba(X), atol=1e-6)
    found, expected = (c.evaluate(X, NAMES3[CODES3]) for c in (clf, three))
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-5)
    np.testing.assert_allclose(clf.history_, three.history_, rtol=1e-4)


def test_each_epoch_trains_on_all_batches():
    steps = []

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append(batch)

    binary(batch_size=15, epochs=2, callbacks=[Count()]).fit(X, CODES)
    assert steps == [0, 1, 2] * 2


def test_a_batch_size_beyond_the_rows_gives_one_batch():
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
def test_metrics_are_the_columns_of_the_history(metrics, columns):
    clf = binary(metrics=metrics).fit(X, CODES)
    assert set(clf.history_.columns) == set(columns)
    assert clf.history_.columns[0] == "loss"
    assert set(clf.evaluate(X, CODES)) == set(columns)


@pytest.mark.parametrize("make", [binary, multiclass])
def test_tags_declare_sparse_rows_and_classes(make):
    tags = get_tags(make())
    assert is_classifier(make())
    assert tags.input_tags.sparse
    assert tags.classifier_tags.multi_class == (make is multiclass)
    assert tags.target_tags.required
    assert not tags.input_tags.allow_nan
