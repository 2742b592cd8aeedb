"""The training engine: results equal Keras's, and each kind of net is compiled once."""

import gc
import subprocess
import sys
import weakref
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from packaging.version import Version
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    ShapeConvClassifier,
    _bridge,
    engine,
    nets,
)
from skclf.engine import _cache
from skclf.engine._fused import fuse_updates

OPTIMIZERS = ["rmsprop", "adam", "sgd", "adamw", "nadam", "adamax", "adagrad", "adadelta", "ftrl"]
OPTIMIZERS += ["lion", "adafactor", "lamb"]
if Version(keras.__version__) >= Version("3.13"):
    OPTIMIZERS += ["muon"]  # can't train in older versions of Keras


class BatchCallback(keras.callbacks.Callback):
    """Has a batch hook, which makes training use Keras's own ``fit``."""

    batches = 0

    def on_train_batch_end(self, batch, logs=None):
        BatchCallback.batches += 1


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 12)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int) + (X[:, 3] > 1)
    return X, y, rng.uniform(0.5, 2, size=150)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(90, 8, 7)).astype(np.float32)
    return X, X[:, :4].sum((1, 2)) > X[:, 4:].sum((1, 2))


def train_by_hand(classifier, X, codes, sample_weight=None):
    """Repeat a classifier's fit, without validation rows, with only Keras's train_on_batch."""
    seeds = classifier._seeds
    model = _bridge.keras_model(
        classifier._net, classifier._weights, classifier._compile_with(classifier._net)
    )
    shapes = [weight.shape for weight in model.weights]
    model.set_weights(nets.initial_weights(shapes, seeds["weights"]))
    targets = classifier._target.for_keras(codes, model.loss)
    losses = []
    for epoch in range(classifier.epochs):
        order, total = engine.batch_order(len(codes), seeds["order"], epoch), 0
        for start in range(0, len(codes), classifier.batch_size):
            batch = order[start : start + classifier.batch_size]
            weights = None if sample_weight is None else sample_weight[batch]
            model.reset_metrics()
            loss = model.train_on_batch(X[batch], targets[batch], weights, return_dict=True)["loss"]
            total += float(loss) * len(batch)
        losses.append(total / len(codes))
    return losses, model.get_weights()


def assert_trained_by_hand(classifier, X, codes, sample_weight=None):
    losses, weights = train_by_hand(classifier, X, codes, sample_weight)
    assert_allclose(classifier.history_["loss"], losses, rtol=1e-5)
    for ours, theirs in zip(classifier._weights, weights, strict=True):
        assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_equals_keras(rows, optimizer):
    X, y, _ = rows
    traces = engine.trace_count()
    classifier = MulticlassDenseClassifier(
        hidden_layer_sizes=(6, 5), optimizer=optimizer, l2=0.01, epochs=3, random_state=0
    ).fit(X, y)
    assert engine.trace_count() == traces + 1
    assert_trained_by_hand(classifier, X, y)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.RMSprop(0.01, rho=0.8, momentum=0.5),
        keras.optimizers.RMSprop(0.01, centered=True),
        keras.optimizers.Adam(0.01, beta_1=0.8, clipnorm=0.1, weight_decay=0.01),
        keras.optimizers.Adam(0.01, amsgrad=True),
        keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
        keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5), 0.9),
    ],
    ids=["rmsprop-momentum", "centered", "clip-decay", "amsgrad", "accumulation", "schedule"],
)
def test_optimizer_variants_equal_keras(rows, optimizer):
    X, y, _ = rows
    classifier = BinaryDenseClassifier(5, optimizer=optimizer, epochs=3, random_state=0)
    assert_trained_by_hand(classifier.fit(X, y > 0), X, (y > 0).astype(int))


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize("class_weight", [None, {0: 3.0}, "balanced"])
def test_sample_and_class_weights_equal_keras(rows, loss, class_weight):
    X, y, sample_weight = rows
    classifier = MulticlassDenseClassifier(
        5, loss=loss, class_weight=class_weight, epochs=3, random_state=0
    ).fit(X, y, sample_weight=sample_weight)
    of_class = np.ones(3)
    if class_weight == "balanced":
        of_class = sample_weight.sum() / (3 * np.bincount(y, sample_weight))
    elif class_weight:
        of_class[0] = class_weight[0]
    weights = sample_weight * of_class[y]
    assert_trained_by_hand(classifier, X, y, weights / weights.mean())


@pytest.mark.parametrize("hidden_layer_sizes", [(), 5, (6, 5)])
def test_sparse_training_equals_dense_training(rows, hidden_layer_sizes):
    X, y, sample_weight = rows
    X = np.where(X > 0.5, X, 0)
    dense = MulticlassDenseClassifier(
        hidden_layer_sizes, l2=0.01, validation_split=0.2, epochs=3, random_state=0
    ).fit(X, y, sample_weight=sample_weight)
    from_sparse = clone(dense).fit(sparse.csr_array(X), y, sample_weight=sample_weight)
    assert_allclose(from_sparse.history_, dense.history_, rtol=1e-4)
    for ours, theirs in zip(from_sparse._weights, dense._weights, strict=True):
        assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)


def test_convolution_equals_keras(images):
    X, y = images
    classifier = ShapeConvClassifier(filters=(4, 3), epochs=3, random_state=0).fit(X, y)
    assert_trained_by_hand(classifier, X[..., None], y.astype(int))


@pytest.mark.parametrize("kind", ["dense", "sparse", "images"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_compiled_epochs_equal_keras_fit(rows, images, kind, dropout):
    X, y, sample_weight = rows
    y, Classifier = y > 0, BinaryDenseClassifier
    if kind == "sparse":
        X = sparse.csr_array(np.where(X > 0.5, X, 0))
    elif kind == "images":
        (X, y), sample_weight, Classifier = images, np.linspace(1, 2, 90), ShapeConvClassifier
    settings = {
        "dropout": dropout,
        "l2": 0.01,
        "validation_split": 0.2,
        "class_weight": {True: 2.0},
        "metrics": ("accuracy", "AUC"),
        "epochs": 3,
        "random_state": 0,
    }
    fast = Classifier(**settings).fit(X, y, sample_weight=sample_weight)
    BatchCallback.batches = 0
    slow = Classifier(**settings, callbacks=[BatchCallback()]).fit(X, y, sample_weight)
    assert BatchCallback.batches > 0
    assert_allclose(fast.history_, slow.history_, rtol=1e-5, atol=1e-7)
    for ours, theirs in zip(fast._weights, slow._weights, strict=True):
        assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


class LargestBatch(keras.metrics.Metric):
    """The largest number of rows in one update, which shows if batches are merged."""

    def __init__(self, name="most", **kwargs):
        super().__init__(name=name, **kwargs)
        self.most = self.add_variable((), "zeros", name="most")

    def update_state(self, y_true, y_pred, sample_weight=None):
        size = keras.ops.cast(keras.ops.shape(y_true)[0], "float32")
        self.most.assign(keras.ops.maximum(self.most, size))

    def result(self):
        return self.most.value


def test_custom_metrics_are_updated_per_batch(rows):
    X, y, _ = rows
    classifier = MulticlassDenseClassifier(metrics=[LargestBatch()], epochs=2, random_state=0)
    assert classifier.fit(X, y).history_["most"].tolist() == [32, 32]


def numpy_accuracy(y_true, y_pred):
    return np.mean(y_true.numpy() == (y_pred.numpy() > 0.5))


def test_metric_without_graph_uses_keras_fit(rows):
    X, y, _ = rows
    settings = {"epochs": 2, "random_state": 0, "batch_size": 150}
    plain = BinaryDenseClassifier(**settings).fit(X, y > 0)
    with_metric = BinaryDenseClassifier(**settings, metrics=["accuracy", numpy_accuracy]).fit(
        X, y > 0
    )
    assert_allclose(
        with_metric.history_["numpy_accuracy"], with_metric.history_["accuracy"], rtol=1e-6
    )
    assert_allclose(with_metric.history_["loss"], plain.history_["loss"], rtol=1e-5)


def test_search_compiles_once_per_architecture(rows):
    X, y, _ = rows
    engine.clear_cache()
    traces = engine.trace_count()
    grid = {
        "hidden_layer_sizes": [(7,), (8, 3)],
        "learning_rate": [0.001, 0.01],
        "batch_size": [16, 50],
        "epochs": [1, 2],
        "random_state": [0, 1],
    }
    GridSearchCV(BinaryDenseClassifier(), grid, cv=3).fit(X, y > 0)
    assert engine.trace_count() == traces + 2


def test_reused_net_equals_new_net(rows):
    X, y, sample_weight = rows
    settings = {"hidden_layer_sizes": 9, "dropout": 0.2, "epochs": 2, "random_state": 3}
    engine.clear_cache()
    new = MulticlassDenseClassifier(**settings).fit(X, y)
    MulticlassDenseClassifier(
        **{**settings, "random_state": 4}, learning_rate=0.1, class_weight="balanced"
    ).fit(X, y, sample_weight=sample_weight)
    used = MulticlassDenseClassifier(**settings).fit(X, y)
    assert_array_equal(used.decision_function(X), new.decision_function(X))
    assert used.history_.equals(new.history_)


def test_cache_is_bounded_and_can_be_cleared(monkeypatch):
    monkeypatch.setattr(_cache, "MOST_IDLE_NETS", 3)
    engine.clear_cache()
    made = []

    def make():
        made.append(object())
        return made[-1]

    for kind in "abcda":  # d evicts a, then a evicts b
        with engine.borrow(kind, make):
            pass
    assert len(made) == 5
    for kind in "cda":
        with engine.borrow(kind, make) as net:
            assert net in made[2:]
    assert len(made) == 5
    engine.clear_cache()
    with engine.borrow("a", make):
        assert len(made) == 6
        with engine.borrow("a", make):
            assert len(made) == 7
    engine.clear_cache()


def method_requiring_lock(name):
    def method(self, *arguments):
        assert _cache._lock.locked(), name
        return getattr(OrderedDict, name)(self, *arguments)

    return method


ACCESSES = ["__contains__", "__getitem__", "__setitem__", "__delitem__", "__iter__"]
ACCESSES += ["clear", "get", "move_to_end", "pop", "popitem", "setdefault", "values"]
Guarded = type("Guarded", (OrderedDict,), {name: method_requiring_lock(name) for name in ACCESSES})


def test_cache_is_accessed_only_under_its_lock(monkeypatch):
    monkeypatch.setattr(_cache, "_idle", Guarded())
    monkeypatch.setattr(_cache, "MOST_IDLE_NETS", 2)
    for kind in "abbca":
        with engine.borrow(kind, object), engine.borrow(kind, object):
            pass
    engine.clear_cache()


@pytest.mark.parametrize("optimizer", [keras.optimizers.RMSprop, keras.optimizers.Adam])
def test_fused_updates_keep_only_last_graph(optimizer):
    optimizer, variable = optimizer(), keras.Variable(np.ones(3, np.float32))
    optimizer.build([variable])
    fuse_updates(optimizer)

    def step():
        optimizer.update_step(tf.ones(3), variable, 0.1)

    graphs = []
    for _ in range(3):
        function = tf.function(step, autograph=False).get_concrete_function()
        graphs.append(weakref.ref(function.graph))
    del function
    gc.collect()
    assert [graph() is None for graph in graphs[:2]] == [True, True]


@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array])
def test_discarded_nets_leave_no_graphs(rows, as_rows):
    def n_graphs():
        engine.clear_cache()
        gc.collect()
        return sum(isinstance(value, tf.Graph) for value in gc.get_objects())

    X, y, _ = rows
    net = MulticlassDenseClassifier(6, dropout=0.1, l2=0.1, epochs=1, validation_split=0.2)
    net.fit(as_rows(X), y)
    before = n_graphs()
    for optimizer in ("rmsprop", "adam", "sgd"):
        net.set_params(optimizer=optimizer).fit(as_rows(X), y)
    assert n_graphs() == before


def test_net_of_kind_none_is_not_shared():
    nets = []
    for _ in range(2):
        with engine.borrow(None, object) as net:
            nets.append(net)
    assert nets[0] is not nets[1]


def test_fits_in_threads_equal_serial_fits(rows):
    X, y, _ = rows
    nets = [
        MulticlassDenseClassifier(6, dropout=0.1, epochs=3, random_state=seed) for seed in range(8)
    ]
    serial = [clone(net).fit(X, y).decision_function(X) for net in nets]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda net: clone(net).fit(X, y).decision_function(X), nets))
    for alone, in_thread in zip(serial, together, strict=True):
        assert_array_equal(in_thread, alone)


def test_fit_inside_callback_uses_another_net(rows):
    X, y, _ = rows
    net = MulticlassDenseClassifier(6, epochs=2, random_state=0)
    alone = clone(net).fit(X, y).decision_function(X)
    inner = []

    def fit_another(epoch, logs):
        inner.append(clone(net).set_params(random_state=1).fit(X, y))

    outer = clone(net).set_params(
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=fit_another)]
    )
    assert_array_equal(outer.fit(X, y).decision_function(X), alone)
    assert len(inner) == 2


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failed_fit_does_not_affect_next_fit(rows, error):
    X, y, _ = rows
    net = MulticlassDenseClassifier(6, dropout=0.1, epochs=3, random_state=0)
    alone = clone(net).fit(X, y).decision_function(X)

    def fail(epoch, logs):
        if epoch == 1:
            raise error("enough")

    failing = clone(net).set_params(callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=fail)])
    with pytest.raises(error, match="enough"):
        failing.fit(X, y)
    assert_array_equal(clone(net).fit(X, y).decision_function(X), alone)


@pytest.mark.parametrize(
    "optimizer",
    [*OPTIMIZERS, pytest.param(keras.optimizers.RMSprop(momentum=0.5), id="rmsprop-momentum")],
)
def test_diverged_fit_does_not_affect_next_fit(rows, optimizer):
    X, y, _ = rows
    net = MulticlassDenseClassifier(6, dropout=0.1, epochs=2, optimizer=optimizer, random_state=0)
    alone = clone(net).fit(X, y)
    traces = engine.trace_count()
    # With NaN in a weight, nothing that this fit computes is finite.
    diverging = clone(alone).fit(X, y)
    diverging._weights[0][:] = np.nan
    with pytest.raises(ValueError, match="Training diverged: after epoch 3 the loss or a weight"):
        diverging.partial_fit(X, y)
    again = clone(net).fit(X, y)
    assert engine.trace_count() == traces
    assert_array_equal(again.decision_function(X), alone.decision_function(X))
    assert again.history_.equals(alone.history_)


STRATEGIES = """
import numpy as np, tensorflow as tf
from skclf import BinaryDenseClassifier, engine
from skclf.engine import _cache

cpu, = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
X = np.random.RandomState(0).rand(40, 4)
y = X[:, 0] > 0.5
clf = BinaryDenseClassifier(3, dropout=0.1, epochs=2, random_state=0)
first, second = (tf.distribute.OneDeviceStrategy(f"/cpu:{number}") for number in range(2))

def fit(strategy):
    if strategy is None:
        clf.fit(X, y)
    else:
        with strategy.scope():
            clf.fit(X, y), clf.evaluate(X, y), clf.model_
    return clf.predict_proba(X)

alone = fit(None)
for strategy in (second, first, None, second, first):
    np.testing.assert_allclose(fit(strategy), alone, rtol=1e-6)
np.testing.assert_array_equal(fit(None), alone)
# One net per strategy, the most recently used one last.
devices = [{w.value.device[-5:] for w in net.weights} for net, in _cache._idle.values()]
assert devices == [{"CPU:1"}, {"CPU:0"}, {"CPU:0"}], devices
assert engine.trace_count() == 3

for strategy in (
    tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]), tf.distribute.MirroredStrategy(["/cpu:0"])
):
    try:
        fit(strategy)
    except RuntimeError as error:
        print(error)
np.testing.assert_array_equal(clf.predict_proba(X), alone)
"""


@pytest.mark.slow
def test_one_device_strategies_share_no_nets_and_others_raise():
    # Timeout, because an epoch on two devices may also deadlock.
    found = subprocess.run(
        [sys.executable, "-c", STRATEGIES], capture_output=True, text=True, timeout=120
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines() == [
        f"Got a MirroredStrategy with {n} replicas as the current tf.distribute strategy; expected "
        "none or a tf.distribute.OneDeviceStrategy, since a net is trained on one device. Leave "
        "the strategy's scope before you train."
        for n in (2, 1)
    ]
