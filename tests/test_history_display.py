"""HistoryDisplay: its curves and best epoch, the estimators that it accepts, its errors."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from plot_data import LEVELS, ROWS, curve, legend_texts
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skclf import BinaryDenseClassifier
from skclf.plots import HistoryDisplay

pytestmark = pytest.mark.usefixtures("closed_figures")


@pytest.fixture(scope="module")
def net():
    net = BinaryDenseClassifier(
        4, learning_rate=0.05, epochs=6, validation_split=0.3, random_state=0
    )
    return net.fit(ROWS / 100, LEVELS)


# ------------------------------------------------------------------------------------------- curves


@pytest.mark.parametrize(("metric", "label"), [("loss", "Loss"), ("accuracy", "Accuracy")])
def test_curves_are_the_columns_of_the_history(net, metric, label):
    display = HistoryDisplay.from_estimator(net, metric)
    table = net.history_
    np.testing.assert_array_equal(display.line_.get_xdata(), range(1, 7))
    np.testing.assert_array_equal(display.line_.get_ydata(), table[metric])
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), table[f"val_{metric}"])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("Epoch", label)
    pd.testing.assert_frame_equal(display.frame(), table[[metric, f"val_{metric}"]])


def test_curves_differ_in_more_than_colour(net):
    display = HistoryDisplay.from_estimator(net)
    lines = display.line_, display.validation_line_
    for look in ("get_color", "get_linestyle", "get_marker"):
        first, second = (getattr(line, look)() for line in lines)
        assert first != second


def test_without_validation_rows_there_is_one_curve():
    display = HistoryDisplay(epochs=[1, 2], training=[0.5, 0.4]).plot()
    assert display.validation_line_ is display.best_line_ is display.best_marker_ is None
    assert legend_texts(display) == ["training"]
    assert list(display.frame()) == ["loss"]


def test_epochs_without_validation_rows_leave_a_gap():
    net = BinaryDenseClassifier(2, epochs=2, warm_start=True, random_state=0)
    net.fit(ROWS / 100, LEVELS)
    net.set_params(validation_split=0.3).fit(ROWS / 100, LEVELS)
    display = HistoryDisplay.from_estimator(net)
    known = np.isfinite(display.validation_line_.get_ydata())
    assert known.tolist() == [False, False, True, True]
    assert np.isfinite(display.ax_.get_ylim()).all()
    assert display.best_marker_.get_xdata()[0] == net.best_epoch_ > 2
    # Without validation rows in the last run, its last epoch is the best one, of unknown value.
    net.set_params(validation_split=0.0).fit(ROWS / 100, LEVELS)
    display = HistoryDisplay.from_estimator(net)
    assert len(display.validation_line_.get_xdata()) == 6
    assert display.best_line_ is display.best_marker_ is None


def test_legend_starts_with_the_given_name(net):
    display = HistoryDisplay.from_estimator(net, name="small")
    assert [text.split(",")[0] for text in legend_texts(display)] == ["small"] * 3


def test_keyword_arguments_override_the_default_styles(net):
    display = HistoryDisplay.from_estimator(
        net, train_kwargs={"c": "black", "ls": "-."}, validation_kwargs={"label": "held out"}
    )
    assert display.line_.get_color() == "black"
    assert display.line_.get_linestyle() == "-."
    assert legend_texts(display)[:2] == ["training", "held out"]


# --------------------------------------------------------------------------------------- best epoch


MONITORED = [
    ({"validation_split": 0.3}, "lowest val_loss"),
    ({"validation_split": 0.3, "refit_epoch": "val_accuracy"}, "highest val_accuracy"),
    ({"validation_split": 0.3, "patience": 9, "monitor": "val_acc"}, "highest val_accuracy"),
    ({"validation_split": 0.3, "patience": 9, "monitor": ("val_loss", "max")}, "highest val_loss"),
    (
        {"validation_split": 0.3, "patience": 9, "monitor": "val_accuracy"}
        | {"refit_epoch": "val_loss"},
        "lowest val_loss",
    ),
]


@pytest.mark.filterwarnings("ignore:The best epoch by")
@pytest.mark.parametrize(("parameters", "wanted"), MONITORED)
def test_legend_names_the_value_that_chose_the_best_epoch(parameters, wanted):
    net = BinaryDenseClassifier(4, learning_rate=0.05, epochs=5, random_state=0, **parameters)
    net.fit(ROWS / 100, LEVELS)
    which, column = wanted.split()
    values = net.history_[column]
    assert values[net.best_epoch_] == (values.min() if which == "lowest" else values.max())
    for metric in ("loss", "accuracy"):
        found = legend_texts(HistoryDisplay.from_estimator(net, metric))[-1]
        assert found == f"{wanted}: epoch {net.best_epoch_} ({values[net.best_epoch_]:.3f})"


def test_legend_of_a_best_epoch_without_a_known_criterion():
    values = curve(5)
    display = HistoryDisplay(**values, metric="auc", best_epoch=2).plot()
    assert legend_texts(display)[-1] == f"best epoch: 2 (val_auc {values['validation'][1]:.3f})"


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_best_epoch_is_marked(net, metric):
    display = HistoryDisplay.from_estimator(net, metric)
    best = net.best_epoch_
    value = net.history_.loc[best, f"val_{metric}"]
    assert list(display.best_line_.get_xdata()) == [best, best]
    assert display.best_line_.get_linestyle() == ":"
    assert display.best_marker_.get_xydata().tolist() == [[best, value]]
    loss = net.history_.loc[best, "val_loss"]
    assert legend_texts(display)[-1] == f"lowest val_loss: epoch {best} ({loss:.3f})"


@pytest.mark.parametrize(
    ("style", "room"), [("default", None), ("dark_background", None), ("default", 1)]
)
@pytest.mark.parametrize("best_epoch", [1, 20, 40])
def test_ring_at_the_best_epoch_is_drawn_whole_and_visible(style, room, best_epoch):
    with plt.style.context(style):
        display = HistoryDisplay(**curve(40), best_epoch=best_epoch).plot()
        if room:
            # Outside the limits of axes that are zoomed in, no ring is drawn.
            display.ax_.set_xlim(best_epoch + room, best_epoch + 9)
        display.figure_.canvas.draw()
        # The layout makes room for the ring and must stay the same when the ring is hidden.
        display.figure_.set_layout_engine("none")
        found = []
        for visible in (False, True):
            display.best_marker_.set_visible(visible)
            display.figure_.canvas.draw()
            found.append(np.asarray(display.figure_.canvas.buffer_rgba())[..., :3].astype(int))
    differ = np.abs(found[1] - found[0]).max(axis=2)
    if room:
        assert not differ.any()
        return
    rows, columns = np.nonzero(differ)
    wanted = (12 + 1.6) / 72 * display.figure_.dpi
    assert np.ptp(rows) + 1 == pytest.approx(wanted, abs=2)
    assert np.ptp(columns) + 1 == pytest.approx(wanted, abs=2)
    assert differ.max() > 200


# --------------------------------------------------------------------------------------- estimators


def wrappers(net):
    pipeline = make_pipeline(MinMaxScaler(), net)
    grid = {"binarydenseclassifier__batch_size": [32]}
    return {
        "pipeline": pipeline,
        "nested": make_pipeline(StandardScaler(), pipeline),
        "search": GridSearchCV(net, {"batch_size": [32]}, cv=2),
        "search over a pipeline": GridSearchCV(pipeline, grid, cv=2),
        "pipeline with a search": make_pipeline(
            MinMaxScaler(), GridSearchCV(net, {"batch_size": [32]}, cv=2)
        ),
    }


WRAPPERS = list(wrappers(BinaryDenseClassifier()))


@pytest.mark.parametrize("name", WRAPPERS)
def test_history_of_a_wrapped_net_is_drawn(net, name):
    wrapper = wrappers(BinaryDenseClassifier(2, epochs=2, random_state=0))[name]
    wrapper.fit(ROWS, LEVELS)
    inside = wrapper
    while not isinstance(inside, BinaryDenseClassifier):
        inside = getattr(inside, "best_estimator_", None) or inside.steps[-1][1]
    display = HistoryDisplay.from_estimator(wrapper)
    pd.testing.assert_frame_equal(display.frame(), inside.history_[["loss"]])


@pytest.mark.parametrize("name", WRAPPERS)
def test_unfitted_wrappers_raise_not_fitted_error(name):
    wrapper = wrappers(BinaryDenseClassifier())[name]
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        HistoryDisplay.from_estimator(wrapper)


@pytest.mark.parametrize("metric", ["auc", "val_loss", "", None])
def test_a_metric_missing_from_the_history_is_an_error(net, metric):
    expected = (
        rf"Got metric={metric!r}; expected one of \['loss', 'accuracy'\]\. history_ has the "
        r"columns \['loss', 'accuracy', 'val_loss', 'val_accuracy'\]"
    )
    with pytest.raises(ValueError, match=expected):
        HistoryDisplay.from_estimator(net, metric)


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (BinaryDenseClassifier(), NotFittedError, "This BinaryDenseClassifier .* is not fitted"),
        (BinaryDenseClassifier, TypeError, "Got the class BinaryDenseClassifier; expected a"),
        (RidgeClassifier(), TypeError, r"Got RidgeClassifier\(\), which has no history_; expected"),
        ("net", TypeError, "Got 'net', which has no history_"),
        (make_pipeline(None), TypeError, "Got None, which has no history_"),
    ],
)
def test_estimators_without_a_history_are_an_error(estimator, error, message):
    with pytest.raises(error, match=message):
        HistoryDisplay.from_estimator(estimator)
