"""random_state: the same seed gives bitwise equal fits, in any process and at any time."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.base import clone

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(40, 4).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)
RANDOM = {"hidden_layer_sizes": 3, "epochs": 2, "dropout": 0.3, "batch_size": 16}


def net(estimator_class=BinaryDenseClassifier, **parameters):
    return estimator_class(**RANDOM | {"random_state": 0, "validation_split": 0.2} | parameters)


def conv(**parameters):
    return net(ShapeConvClassifier, filters=2, **parameters)


def multiclass(**parameters):
    return net(MulticlassDenseClassifier, **parameters)


@pytest.fixture(scope="module")
def proba():
    return net().fit(X, Y).predict_proba(X)


@pytest.mark.parametrize("make", [net, multiclass, conv])
def test_same_seed_gives_bitwise_equal_fits(make):
    first, second = make().fit(X, Y), make().fit(X, Y)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    np.testing.assert_array_equal(first.history_, second.history_)
    np.testing.assert_array_equal(
        first.fit(X, Y).predict_proba(X), clone(second).fit(X, Y).predict_proba(X)
    )


def test_seeded_fit_does_not_depend_on_earlier_fits(proba):
    multiclass(random_state=1).fit(X, Y)
    net(random_state=None, hidden_layer_sizes=(5, 2), optimizer="adam").fit(X, Y)
    conv().fit(X, Y)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(net().fit(X, Y).predict_proba(X), proba)


@pytest.mark.slow
def test_seeded_fit_is_equal_in_another_process(proba):
    code = f"""
import numpy as np
from skclf import BinaryDenseClassifier
X = np.random.RandomState(0).rand(40, 4).astype(np.float32)
y = (X[:, 0] > 0.5).astype(int)
clf = BinaryDenseClassifier(**{RANDOM}, random_state=0, validation_split=0.2).fit(X, y)
print(clf.predict_proba(X).tobytes().hex())
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert bytes.fromhex(result.stdout.split()[-1]) == proba.tobytes()


@pytest.mark.parametrize("as_seed", [np.int64, np.uint8, np.random.RandomState])
def test_equal_seeds_of_other_types(proba, as_seed):
    np.testing.assert_array_equal(net(random_state=as_seed(0)).fit(X, Y).predict_proba(X), proba)


def test_different_seeds_give_different_fits(proba):
    for seed in (1, 2**32 - 1):
        other = net(random_state=seed).fit(X, Y).predict_proba(X)
        assert not np.allclose(other, proba)


def test_random_state_instance_advances():
    clf = net(random_state=np.random.RandomState(0))
    probas = [clf.fit(X, Y).predict_proba(X) for _ in range(3)]
    again = net(random_state=np.random.RandomState(0))
    for proba in probas:
        np.testing.assert_array_equal(again.fit(X, Y).predict_proba(X), proba)
    assert not np.allclose(probas[0], probas[1])
    assert not np.allclose(probas[1], probas[2])


def test_clones_copy_random_state_instance():
    clf = net(random_state=np.random.RandomState(0))
    copied = clone(clf)
    np.testing.assert_array_equal(clf.fit(X, Y).predict_proba(X), copied.fit(X, Y).predict_proba(X))


def test_unseeded_fits_differ_despite_global_seeds():
    probas = []
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002
        keras.utils.set_random_seed(0)
        probas.append(net(random_state=None).fit(X, Y).predict_proba(X))
    assert not np.allclose(*probas)


def test_longer_fit_starts_like_shorter_fit():
    short = net(epochs=2, validation_split=0.2).fit(X, Y).history_
    long = net(epochs=4, validation_split=0.2).fit(X, Y).history_
    np.testing.assert_array_equal(long.iloc[:2], short)


def test_shuffling_and_dropout_differ_between_epochs():
    # With a tiny learning rate, the losses of epochs differ only through dropout. Without dropout,
    # the losses of their first batches differ only through the order of the rows.
    barely_trained = {"learning_rate": 1e-30, "epochs": 4, "validation_split": 0.0}
    losses = net(**barely_trained).fit(X, Y).history_["loss"]
    assert losses.nunique() == 4
    outputs = []

    class FirstLoss(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 0:
                outputs.append(logs["loss"])

    net(**barely_trained | {"dropout": 0.0}, callbacks=[FirstLoss()]).fit(X, Y)
    assert len(set(outputs)) == 4


def test_initial_weights_do_not_depend_on_validation_split():
    start = {"learning_rate": 1e-30, "dropout": 0}
    first = net(validation_split=0.0, **start).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(net(**start).fit(X, Y).predict_proba(X), first)
