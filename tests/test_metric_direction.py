"""Whether lower or higher values of a metric are better, for monitor and refit_epoch."""

import keras
import numpy as np
import pytest
from own_keras_objects import BINARY, Above, CategoricalAgain, X, Y, net, share

from skclf import BinaryDenseClassifier, _keras_objects


@pytest.mark.parametrize(
    ("metric", "lower"),
    [
        (keras.metrics.FalseNegatives(name="m"), True),
        (keras.metrics.FalsePositives(name="m"), True),
        (keras.metrics.TruePositives(name="m"), False),
        (keras.metrics.TrueNegatives(name="m"), False),
        (keras.metrics.MeanSquaredError(name="m"), True),
        (keras.metrics.MeanMetricWrapper(keras.metrics.mean_absolute_error, name="m"), True),
        (keras.metrics.MeanMetricWrapper(keras.metrics.binary_accuracy, name="m"), False),
        (keras.metrics.PrecisionAtRecall(0.5, name="m"), False),
        (keras.metrics.MeanIoU(2, name="m"), False),
        (keras.metrics.KLDivergence(name="m"), True),
        (keras.metrics.AUC(name="m"), False),
        (CategoricalAgain(name="m"), False),
        (Above(name="m"), None),
        (keras.metrics.MeanMetricWrapper(share, name="m"), None),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_direction_of_a_metric_is_inferred(metric, lower):
    assert _keras_objects.lower_is_better([metric], BINARY, "m") is lower


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (keras.metrics.FalseNegatives(), "val_false_negatives"),
        (keras.metrics.mean_absolute_error, "val_mean_absolute_error"),
    ],
)
def test_best_epoch_has_the_lowest_value_of_an_error_metric(metric, name):
    rng = np.random.RandomState(0)
    rows = rng.rand(200, 4)
    y = (rows.mean(axis=1) + rng.normal(0, 0.2, 200) > 0.5).astype(int)
    clf = BinaryDenseClassifier(
        32,
        optimizer="adam",
        learning_rate=0.01,
        epochs=15,
        validation_split=0.25,
        patience=15,
        metrics=[metric],
        monitor=name,
        random_state=0,
    ).fit(rows, y)
    assert clf.history_[name][clf.best_epoch_] == clf.history_[name].min()
    assert clf.history_[name].nunique() > 1


@pytest.mark.parametrize("parameter", ["monitor", "refit_epoch"])
def test_a_direction_that_cannot_be_inferred_must_be_passed(parameter):
    fitted = {}
    for mode in ("min", "max"):
        clf = net(metrics=[share], epochs=4, validation_split=0.3, learning_rate=0.1)
        clf.set_params(**{parameter: ("val_share", mode)}).fit(X, Y)
        values = clf.history_["val_share"]
        fitted[mode] = values[clf.best_epoch_]
        assert fitted[mode] == getattr(values, mode)()
    assert fitted["min"] < fitted["max"]
    message = rf"Got {parameter}='val_share'.*{parameter}=\('val_share', 'min'\)"
    with pytest.raises(ValueError, match=message):
        net(metrics=[share], validation_split=0.3, **{parameter: "val_share"}).fit(X, Y)
    with pytest.raises(ValueError, match=rf"Got {parameter}=\('val_loss', 'up'\); expected"):
        net(validation_split=0.3, **{parameter: ("val_loss", "up")}).fit(X, Y)


@pytest.mark.parametrize("asked", ["val_acc", "val_accuracy"])
@pytest.mark.parametrize("name", ["acc", "accuracy"])
@pytest.mark.parametrize("parameter", ["monitor", "refit_epoch"])
def test_acc_and_accuracy_name_the_same_metric(asked, name, parameter):
    settings = {"metrics": [name], "validation_split": 0.3, "epochs": 3, "learning_rate": 0.1}
    clf = net(**settings, **{parameter: asked}).fit(X, Y)
    assert clf.best_epoch_ == clf.history_[f"val_{name}"].argmax() + 1


def test_refit_epoch_accepts_any_metric():
    clf = net(metrics=["auc"], validation_split=0.3, epochs=4, refit_epoch="val_auc").fit(X, Y)
    assert clf.n_epochs_ == clf.best_epoch_ == clf.history_["val_auc"].argmax() + 1
