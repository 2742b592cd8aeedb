"""Exhausted memory and other errors in compiled graphs: they are raised as they are."""

import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from interrupted_fits import CSR, X, Y, net

from skclf import engine
from skclf.engine import _compat
from skclf.engine._sparse import SparseProduct

pytestmark = pytest.mark.usefixtures("ctrl_c")


class TooLarge(keras.metrics.Metric):
    """Raises the error when an epoch's graph is traced, but not in Keras's eager ``fit``."""

    is_trained = False

    def __init__(self, error, name="too_large"):
        super().__init__(name=name)
        self.error = error

    def get_config(self):
        return {"error": self.error, "name": self.name}

    def update_state(self, y_true, y_pred, sample_weight=None):
        if TooLarge.is_trained and not tf.executing_eagerly():
            raise self.error

    def result(self):
        return keras.ops.zeros(())


@pytest.mark.parametrize(
    "error", [MemoryError("spam"), tf.errors.ResourceExhaustedError(None, None, "spam")], ids=repr
)
@pytest.mark.parametrize("rows", [X, CSR], ids=["dense", "sparse"])
def test_out_of_memory_in_compilation_is_not_retried_eagerly(monkeypatch, error, rows):
    nets, begin = [], engine.Net.begin

    def note(self, *arguments, **options):
        nets.append(self)
        monkeypatch.setattr(TooLarge, "is_trained", True)
        return begin(self, *arguments, **options)

    monkeypatch.setattr(engine.Net, "begin", note)
    with pytest.raises(type(error), match="spam"):
        net(metrics=[TooLarge(error)]).fit(rows, Y)
    assert [each.run_eagerly for each in nets] == [False]


def fail(error):
    raise error


@pytest.mark.parametrize("error", [MemoryError("spam"), TimeoutError("spam"), SystemExit(3)])
def test_errors_in_scipy_inside_a_graph_are_raised_unchanged(error, monkeypatch):
    product, order = SparseProduct(4, 2), np.array([0, 1])
    graph = tf.function(lambda chosen, kernel: product(chosen, kernel), autograph=False)
    rows = CSR[:, :4]
    with monkeypatch.context() as patch:
        patch.setattr(_compat, "sparse_tools", lambda: fail(error))
        with pytest.raises(type(error), match=str(error)), product.of(rows, order, 2):
            graph(tf.constant([0, 1]), tf.ones((4, 2)))
    with product.of(rows, order, 2):
        found = graph(tf.constant([0, 1]), tf.ones((4, 2)))
    np.testing.assert_allclose(found, rows[:2] @ np.ones((4, 2)), rtol=1e-6)


def test_errors_in_tensorflow_beside_scipy_are_raised():
    product = SparseProduct(4, 2)
    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="spam"),
        product.of(CSR[:, :4], np.array([0, 1]), 2),
    ):
        tf.debugging.Assert(False, ["spam"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_too_many_sparse_rows_raise_memory_error_and_keep_the_earlier_fit():
    code = """
    import resource
    import numpy as np
    from scipy import sparse
    from skclf import MulticlassDenseClassifier
    rng = np.random.RandomState(0)
    X = sparse.csr_array(rng.rand(60, 400).astype(np.float32))
    many = X[np.arange(60_000) % 60]
    y, labels = np.arange(60) % 3, np.arange(60_000) % 3
    clf = MulticlassDenseClassifier(3, epochs=2, random_state=0).fit(X, y)
    kept = clf.predict_proba(X)
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2**26, resource.RLIM_INFINITY))
    try:
        clf.set_params(batch_size=50_000).fit(many, labels)
    except MemoryError:
        print("caught")
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    assert np.array_equal(clf.predict_proba(X), kept)
    again = MulticlassDenseClassifier(3, epochs=2, random_state=0).fit(X, y)
    assert np.array_equal(again.predict_proba(X), kept)
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["caught"]
