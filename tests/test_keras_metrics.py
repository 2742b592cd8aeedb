"""Keras's metrics as parameters: names, instances as templates, functions, and errors."""

import keras
import numpy as np
import pytest
from batch_callback import BatchCallback
from own_keras_objects import BINARY, Y3, Above, CategoricalAgain, SparseAgain, X, Y, net, share

from skclf import MulticlassDenseClassifier, _keras_objects


def f1(y_true, y_pred):
    both = keras.ops.sum(y_true * y_pred)
    return 2 * both / keras.ops.sum(y_true + y_pred)


# -------------------------------------------------------------------------------------------- names


def names_of(metrics):
    return [metric if isinstance(metric, str) else metric.name for metric in metrics]


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        (None, []),
        ((), []),
        (["accuracy"], ["accuracy"]),
        (["auc"], ["auc"]),
        (["AUC", "mae"], ["AUC", "mae"]),
        (["accuracy", keras.metrics.AUC(name="accuracy")], ["accuracy", "accuracy_1"]),
        ([keras.metrics.AUC(name="accuracy"), "accuracy"], ["accuracy", "accuracy_1"]),
        ([share, share], ["share", "share_1"]),
        (["auc", "auc", "auc"], ["auc", "auc_1", "auc_2"]),
        ([keras.metrics.AUC(), "auc"], ["auc", "auc_1"]),
        ([keras.metrics.AUC(name="area")], ["area"]),
        ([keras.metrics.AUC(name="auc_of_2")], ["auc_of_2"]),
        ([keras.metrics.F1Score(threshold=0.5)], ["f1_score"]),
        (["binary_accuracy", "recall"], ["binary_accuracy", "recall"]),
    ],
)
def test_metric_names_are_the_same_each_time(metrics, names):
    for _ in range(3):
        assert names_of(_keras_objects.new_metrics(metrics, BINARY)) == names
        keras.metrics.AUC()  # increases the number in Keras's next default name


def test_metrics_given_as_instances_are_templates():
    template = keras.metrics.Precision(thresholds=0.25)
    made = _keras_objects.new_metrics([template], BINARY)[0]
    assert made is not template
    assert made.thresholds == [0.25]
    clf = net(metrics=[template]).fit(X, Y)
    assert clf.metrics == [template]
    assert float(keras.ops.sum(template.true_positives)) == 0
    assert clf.history_.columns.tolist() == ["loss", "precision"]


@pytest.mark.parametrize("metrics", [["auc"], [keras.metrics.AUC()], ["auc", "auc"]], ids=len)
def test_history_columns_are_the_same_in_each_fit(metrics):
    columns = [net(metrics=metrics).fit(X, Y).history_.columns.tolist() for _ in range(3)]
    assert columns[0] == columns[1] == columns[2]
    assert columns[0][:2] == ["loss", "auc"]
    clf = net(
        metrics=metrics, epochs=5, callbacks=[keras.callbacks.EarlyStopping("auc", mode="min")]
    )
    for _ in range(2):
        clf.fit(X, Y)
        assert set(clf.evaluate(X, Y)) == set(columns[0])


def test_early_stopping_on_a_metric_works_in_each_fit():
    # No epoch is better by 1, so each fit stops one epoch after the first.
    stop = keras.callbacks.EarlyStopping("val_auc", mode="max", min_delta=1, patience=1)
    clf = net(metrics=["auc"], epochs=5, callbacks=[stop])
    for _ in range(3):
        assert len(clf.fit(X, Y, X_val=X, y_val=Y).history_) == 2


# ------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("name", ["accuracy", "acc", "auc", "sparse_categorical_accuracy"])
def test_metrics_of_a_multiclass_net(name):
    y = np.arange(30) % 3
    if name == "auc":
        clf = MulticlassDenseClassifier(
            2, epochs=1, metrics=[name], loss="categorical_crossentropy", random_state=0
        )
    else:
        clf = MulticlassDenseClassifier(2, epochs=1, metrics=[name], random_state=0)
    assert clf.fit(X, y).history_.columns.tolist() == ["loss", name]
    if name != "auc":
        np.testing.assert_allclose(clf.evaluate(X, y)[name], clf.score(X, y), rtol=1e-6)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize(
    "metric",
    [
        "categorical_accuracy",
        "sparse_categorical_accuracy",
        keras.metrics.categorical_accuracy,
        keras.metrics.sparse_categorical_accuracy,
        CategoricalAgain(name="accuracy"),
        SparseAgain(name="accuracy"),
        keras.metrics.MeanMetricWrapper(keras.metrics.categorical_accuracy, name="accuracy"),
    ],
    ids=lambda metric: getattr(metric, "__name__", str(metric)),
)
def test_each_metric_gets_targets_in_its_format(metric, loss):
    clf = MulticlassDenseClassifier(4, metrics=[metric], loss=loss, epochs=2, random_state=0)
    clf.fit(X, Y3)
    (found,) = (value for name, value in clf.evaluate(X, Y3).items() if name != "loss")
    assert found == pytest.approx(clf.score(X, Y3))


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.metrics.MeanIoU(3, sparse_y_pred=False),
        lambda: keras.metrics.OneHotMeanIoU(3),
        lambda: keras.metrics.OneHotIoU(3, target_class_ids=[0, 1, 2]),
    ],
)
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_intersection_over_union_matches_numpy(make, loss):
    clf = MulticlassDenseClassifier(4, metrics=[make()], loss=loss, epochs=2, random_state=0)
    predicted = clf.fit(X, Y3).predict(X)
    expected = np.mean(
        [((predicted == c) & (c == Y3)).sum() / ((predicted == c) | (c == Y3)).sum() for c in "abc"]
    )
    (found,) = (value for name, value in clf.evaluate(X, Y3).items() if name != "loss")
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "metric",
    [
        keras.metrics.PrecisionAtRecall(0.5),
        keras.metrics.RecallAtPrecision(0.5),
        keras.metrics.SensitivityAtSpecificity(0.5),
        keras.metrics.SpecificityAtSensitivity(0.5),
        keras.metrics.MeanMetricWrapper(f1, name="f1"),
        Above(0.25),
        f1,
    ],
    ids=lambda metric: getattr(metric, "__name__", str(metric)),
)
@pytest.mark.parametrize("callbacks", [None, [BatchCallback()]])
def test_history_and_evaluate_agree_on_metric_instances_and_functions(metric, callbacks):
    clf = net(metrics=[metric], batch_size=30, epochs=2, callbacks=callbacks).fit(X, Y)
    after_one = clf.evaluate(X, Y)
    (name,) = set(after_one) - {"loss"}
    again = clf.fit(X, Y, X_val=X, y_val=Y)
    assert again.history_[f"val_{name}"].iloc[-1] == pytest.approx(after_one[name], abs=1e-6)


def test_settings_of_a_metric_outside_its_config_are_kept():
    assert net(metrics=[Above(threshold=0.0)], epochs=3).fit(X, Y).history_["above"].tolist() == [
        1.0,
        1.0,
        1.0,
    ]
    assert net(metrics=[Above(threshold=1.0)]).fit(X, Y).history_["above"].tolist() == [0.0]


def test_each_row_is_passed_to_a_metric_once():
    rows, y = np.repeat([[0.0, 1], [1, 0]], [25, 3], axis=0), np.repeat([0, 1], [25, 3])
    seen = []

    class Rows(keras.metrics.Sum):
        def update_state(self, y_true, y_pred, sample_weight=None):
            seen.append(sample_weight)
            super().update_state(keras.ops.ones_like(y_pred))

    clf = net(metrics=[Rows(name="rows"), share], batch_size=28).fit(rows, y)
    assert clf.history_["rows"].tolist() == [28.0]
    assert clf.evaluate(rows, y)["rows"] == 28
    assert set(seen) == {None}


# ------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (
            ["acuracy"],
            r"Got 'acuracy' in metrics; expected the name of a Keras metric: accuracy.*\. Did you "
            r"mean 'accuracy'\?$",
        ),
        (["f1"], r"\. Did you mean 'F1Score'\?$"),
        (["spam"], r"expected the name of a Keras metric: accuracy.*[a-z]\.$"),
        (["Mean"], "Got 'Mean' in metrics; expected the name of a Keras metric"),
        ([keras.metrics.Sum()], "Got a Sum in metrics, which doesn't compare labels"),
        ([5], "of type int in metrics; expected names of Keras metrics, instances"),
        ([None], "of type NoneType in metrics; expected names"),
        ([["accuracy"]], "of type list in metrics; expected names"),
        ([{"accuracy": 1}], "of type dict in metrics; expected names"),
        ([keras.metrics.AUC], "in metrics; expected names of Keras metrics, instances"),
    ],
)
def test_invalid_metrics_are_an_error(metrics, message):
    with pytest.raises((ValueError, TypeError), match=message):
        _keras_objects.new_metrics(metrics, BINARY)
    with pytest.raises((ValueError, TypeError), match=message):
        net(metrics=metrics).fit(X, Y)


def test_error_names_a_metric_with_several_values():
    # Without an average, F1Score has one value per class.
    with pytest.raises((ValueError, TypeError), match="f1_score"):
        net(metrics=["f1_score"]).fit(X, Y)
    clf = net(metrics=[keras.metrics.F1Score(average="macro", threshold=0.5)]).fit(X, Y)
    assert clf.history_.columns.tolist() == ["loss", "f1_score"]


@pytest.mark.parametrize("name", ["crossentropy", "ce"])
def test_crossentropy_and_ce_are_not_names_of_metrics(name):
    with pytest.raises(ValueError, match=f"Got '{name}' in metrics; expected the name of a"):
        net(metrics=[name]).fit(X, Y)


def test_error_for_a_metric_name_that_needs_arguments_names_the_fix():
    with pytest.raises(
        ValueError, match=r"can't be created from its name alone.*expected an instance"
    ):
        net(metrics=["MeanIoU"]).fit(X, Y)
