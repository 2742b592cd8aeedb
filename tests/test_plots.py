"""Displays: what they draw, on which axes, and of whom."""

import io
import subprocess
import sys

import joblib
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skclf import BinaryDenseClassifier, ShapeConvClassifier
from skclf.datasets import make_low_high, make_shapes
from skclf.plots import HistoryDisplay, ImagePredictionsDisplay, _titles
from skclf.plots import _history as history
from skclf.plots import _image_predictions as pictures

matplotlib.use("Agg")

ROWS, LEVELS = make_low_high(120, random_state=0, return_X_y=True)
SHAPES = make_shapes(60, image_shape=(12, 10), radius=(2, 4), random_state=0)
IMAGES, NAMES = SHAPES.images, SHAPES.target_names[SHAPES.target]
DIGITS, FIGURES = load_digits(n_class=4, return_X_y=True)
RNG = np.random.RandomState(0)


@pytest.fixture(autouse=True)
def no_figure_left_open():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def net():
    net = BinaryDenseClassifier(
        4, learning_rate=0.05, epochs=6, validation_split=0.3, random_state=0
    )
    return net.fit(ROWS / 100, LEVELS)


@pytest.fixture(scope="module")
def conv():
    # So little trained that it gets some images wrong.
    return ShapeConvClassifier(3, filters=2, epochs=2, random_state=0).fit(IMAGES, NAMES)


@pytest.fixture(scope="module")
def logistic():
    return LogisticRegression(max_iter=50, C=1e-4).fit(DIGITS, FIGURES)


def curve(n_epochs, *, rising=False, seed=0):
    """A learning curve with its epochs, for displays that need no net."""
    random_state = np.random.RandomState(seed)
    epochs = np.arange(1, n_epochs + 1)
    falling = 0.6 * np.exp(-3 * epochs / n_epochs)
    values = {
        "epochs": epochs,
        "training": falling + 0.02 * random_state.rand(n_epochs),
        "validation": falling + 0.2 * epochs / n_epochs + 0.1 * random_state.rand(n_epochs),
    }
    if rising:
        values |= {name: 1 - values[name] for name in ("training", "validation")}
    return values


def legend_texts(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def titles(display):
    return [ax.get_title() for ax in display.axes_]


# --------------------------------------------------------------------------- arithmetic of curves


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        ("loss", "Loss"),
        ("accuracy", "Accuracy"),
        ("auc", "AUC"),
        ("top_k_categorical_accuracy", "Top k categorical accuracy"),
        ("F1", "F1"),
    ],
)
def test_readable_names_of_metrics(metric, label):
    assert history.readable(metric) == label


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.28351, "0.284"), (1, "1.000"), (12.3456, "12.346"), (0.000123, "0.00012"), (0, "0")],
)
def test_numbers_are_short(value, text):
    assert history.number(value) == text


@pytest.mark.parametrize(
    ("values", "most", "places"),
    [
        ([1, 2, 3], 20, [0, 1, 2]),
        ([1], 20, [0]),
        ([1, 2, 3, 4, 5], 3, [0, 2, 4]),
        ([1, np.nan, 3, np.nan, 5, 6, 7], 1, [0, 2]),
        ([np.nan, 2, 3, 4, np.nan, 6], 1, [0, 5]),
        ([np.nan, np.nan], 20, [0, 1]),
    ],
)
def test_lone_points_are_always_marked(values, most, places):
    assert history.marked_places(np.array(values, dtype=float), most) == places


@pytest.mark.parametrize(
    ("points", "at_top", "limits"),
    [
        ([0.5], True, (0, 1)),
        ([0.9], True, (0, 1.2)),
        ([0.1, 0.9], False, (-0.2, 1)),
        ([0.25], False, (0, 1)),
        ([], True, (0, 1)),
    ],
)
def test_limits_leave_a_quarter_free(points, at_top, limits):
    found = history.limits_with_room((0, 1), np.array(points), 0.25, at_top)
    assert found == pytest.approx(limits)


@pytest.mark.parametrize(
    ("values", "best_epoch", "corner", "limits"),
    [
        ([9, 5, 3, 2, 1], None, "upper right", (0, 10)),
        ([1, 5, 7, 8, 9], None, "lower right", (0, 10)),
        ([9, 9, 9, 9, 4], None, "lower right", (0, 10)),
        ([5, 5, 5, 9, 1], None, "upper left", (0, 10)),
        # Room in every corner: the one without the best epoch's line is taken.
        ([5, 5, 5, 5, 5], None, "upper right", (0, 10)),
        ([5, 5, 5, 5, 5], 5, "upper left", (0, 10)),
        # No room anywhere: least has to be added at the lower right, where nothing is below 3.
        ([9, 1, 9, 3, 9], None, "lower right", (0, 10)),
        ([10, 0, 10, 0, 10], None, "upper right", (0, 10 / 0.75)),
        ([np.nan] * 5, None, "upper right", (0, 10)),
    ],
)
def test_legend_goes_where_it_needs_least_room(values, best_epoch, corner, limits):
    points = np.arange(1.0, 6.0), np.array(values, dtype=float)
    found = history.emptiest_corner(points, ((1, 5), (0, 10)), (0.25, 0.25), best_epoch)
    assert found[0] == corner
    assert found[1] == pytest.approx(limits)


# ------------------------------------------------------------------------------- learning curves


@pytest.mark.parametrize(("metric", "label"), [("loss", "Loss"), ("accuracy", "Accuracy")])
def test_curves_are_the_columns_of_the_history(net, metric, label):
    display = HistoryDisplay.from_estimator(net, metric)
    table = net.history_
    np.testing.assert_array_equal(display.line_.get_xdata(), range(1, 7))
    np.testing.assert_array_equal(display.line_.get_ydata(), table[metric])
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), table[f"val_{metric}"])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("Epoch", label)
    pd.testing.assert_frame_equal(display.frame(), table[[metric, f"val_{metric}"]])


@pytest.mark.parametrize(
    ("style", "room"), [("default", None), ("dark_background", None), ("default", 1)]
)
@pytest.mark.parametrize("best_epoch", [1, 20, 40])
def test_the_whole_ring_is_drawn_and_seen(style, room, best_epoch):
    with plt.style.context(style):
        display = HistoryDisplay(**curve(40), best_epoch=best_epoch).plot()
        if room:
            # Outside of axes that are zoomed in, there is none.
            display.ax_.set_xlim(best_epoch + room, best_epoch + 9)
        display.figure_.canvas.draw()
        # The layout makes room for the ring, and must not change when it is hidden.
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
def test_the_legend_says_what_the_epoch_is_the_best_of(parameters, wanted):
    net = BinaryDenseClassifier(4, learning_rate=0.05, epochs=5, random_state=0, **parameters)
    net.fit(ROWS / 100, LEVELS)
    which, column = wanted.split()
    values = net.history_[column]
    assert values[net.best_epoch_] == (values.min() if which == "lowest" else values.max())
    for metric in ("loss", "accuracy"):
        found = legend_texts(HistoryDisplay.from_estimator(net, metric))[-1]
        assert found == f"{wanted}: epoch {net.best_epoch_} ({values[net.best_epoch_]:.3f})"


def test_a_best_epoch_of_unknown_reason():
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


def test_curves_differ_by_more_than_colour(net):
    display = HistoryDisplay.from_estimator(net)
    lines = display.line_, display.validation_line_
    for look in ("get_color", "get_linestyle", "get_marker"):
        first, second = (getattr(line, look)() for line in lines)
        assert first != second


def test_axes_are_plain():
    ax = HistoryDisplay(**curve(5)).plot().ax_
    assert [side for side in ax.spines if ax.spines[side].get_visible()] == ["left", "bottom"]
    assert all(line.get_visible() for line in ax.get_xgridlines() + ax.get_ygridlines())


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
def test_the_net_inside_is_found(net, name):
    wrapper = wrappers(BinaryDenseClassifier(2, epochs=2, random_state=0))[name]
    wrapper.fit(ROWS, LEVELS)
    inside = wrapper
    while not isinstance(inside, BinaryDenseClassifier):
        inside = getattr(inside, "best_estimator_", None) or inside.steps[-1][1]
    display = HistoryDisplay.from_estimator(wrapper)
    pd.testing.assert_frame_equal(display.frame(), inside.history_[["loss"]])


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrappers_that_are_not_fitted(name):
    wrapper = wrappers(BinaryDenseClassifier())[name]
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        HistoryDisplay.from_estimator(wrapper)


def test_without_validation_rows_there_is_one_curve():
    display = HistoryDisplay(epochs=[1, 2], training=[0.5, 0.4]).plot()
    assert display.validation_line_ is display.best_line_ is display.best_marker_ is None
    assert legend_texts(display) == ["training"]
    assert list(display.frame()) == ["loss"]


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 11, 40, 200])
def test_ticks_are_epochs(n_epochs):
    display = HistoryDisplay(**curve(n_epochs)).plot()
    left, right = display.ax_.get_xlim()
    ticks = [tick for tick in display.ax_.get_xticks() if left <= tick <= right]
    assert ticks
    assert set(ticks) <= set(range(1, n_epochs + 1))


def test_a_single_epoch_is_seen():
    display = HistoryDisplay(epochs=[1], training=[0.5], validation=[0.6], best_epoch=1).plot()
    for line in (display.line_, display.validation_line_):
        assert line.get_marker() not in ("", " ", "None", None)
        assert line.get_markevery() == [0]
    left, right = display.ax_.get_xlim()
    assert left < 1 < right


def test_joined_runs_leave_gaps():
    net = BinaryDenseClassifier(2, epochs=2, warm_start=True, random_state=0)
    net.fit(ROWS / 100, LEVELS)
    net.set_params(validation_split=0.3).fit(ROWS / 100, LEVELS)
    display = HistoryDisplay.from_estimator(net)
    known = np.isfinite(display.validation_line_.get_ydata())
    assert known.tolist() == [False, False, True, True]
    assert np.isfinite(display.ax_.get_ylim()).all()
    assert display.best_marker_.get_xdata()[0] == net.best_epoch_ > 2
    # A last run without validation rows makes its last epoch the best one, of unknown value.
    net.set_params(validation_split=0.0).fit(ROWS / 100, LEVELS)
    display = HistoryDisplay.from_estimator(net)
    assert len(display.validation_line_.get_xdata()) == 6
    assert display.best_line_ is display.best_marker_ is None


def test_epochs_without_a_number_have_their_place():
    display = HistoryDisplay(epochs=[1, 2, 3, 4], training=[0.5, 0.4, np.nan, np.nan]).plot()
    assert display.ax_.get_xlim()[1] > 4


@pytest.mark.parametrize("values", [[np.nan] * 3, [np.inf, np.nan, np.inf]])
def test_curves_without_any_number(values):
    display = HistoryDisplay(epochs=[1, 2, 3], training=values, validation=values, best_epoch=3)
    display.plot().figure_.canvas.draw()
    assert legend_texts(display) == ["training", "validation"]


@pytest.mark.parametrize("yscale", ["linear", "log"])
@pytest.mark.parametrize("size", [(6.4, 4.8), (4, 3)])
@pytest.mark.parametrize("rising", [False, True])
@pytest.mark.parametrize("n_epochs", [1, 2, 6, 40])
def test_legend_covers_no_point(n_epochs, rising, size, yscale):
    values = curve(n_epochs, rising=rising)
    best_epoch = int(values["validation"].argmin()) + 1
    figure, ax = plt.subplots(figsize=size)
    ax.set_yscale(yscale)
    HistoryDisplay(**values, best_epoch=best_epoch).plot(ax)
    figure.canvas.draw()
    box = ax.get_legend().get_window_extent()
    # All along the lines, not only at the epochs.
    epochs = np.linspace(1, n_epochs, 500)
    for name in ("training", "validation"):
        heights = np.interp(epochs, values["epochs"], values[name])
        places = ax.transData.transform(np.column_stack([epochs, heights]))
        assert not any(box.contains(*place) for place in places)
        assert all(ax.bbox.contains(*place) for place in places)


@pytest.mark.parametrize(("rising", "vertical"), [(False, 1), (True, 0)])
def test_legend_stands_where_curves_leave_room(rising, vertical):
    ax = HistoryDisplay(**curve(20, rising=rising)).plot().ax_
    box = ax.get_legend().get_window_extent().transformed(ax.transAxes.inverted())
    assert box.x1 == pytest.approx(1, abs=0.05)
    assert (box.y0, box.y1)[vertical] == pytest.approx(vertical, abs=0.05)


def test_given_axes_are_drawn_in():
    figure, (ax, other) = plt.subplots(ncols=2)
    display = HistoryDisplay(**curve(3)).plot(ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert not other.lines


@pytest.mark.parametrize("limits", [(None, None), (0.2, 0.8)])
def test_lines_across_the_axes_are_no_curves(limits):
    _, ax = plt.subplots()
    ax.axhline(0.5)
    ax.set_ylim(limits)
    epochs = np.arange(21, 31)
    HistoryDisplay(epochs=epochs, training=np.linspace(0.9, 0.4, 10)).plot(ax)
    assert 20 < ax.get_xlim()[0] <= 21
    assert 30 <= ax.get_xlim()[1] < 31


def test_two_displays_on_the_same_axes():
    ax = HistoryDisplay(epochs=[1, 2], training=[3, 2], estimator_name="small").plot().ax_
    second = HistoryDisplay(epochs=[1, 2, 3], training=[9, 5, 1], estimator_name="large").plot(ax)
    assert legend_texts(second) == ["small, training", "large, training"]
    low, high = ax.get_ylim()
    assert low < 1
    assert high > 9


def test_name_goes_before_the_curves(net):
    display = HistoryDisplay.from_estimator(net, name="small")
    assert [text.split(",")[0] for text in legend_texts(display)] == ["small"] * 3


def test_chosen_styles_replace_the_defaults(net):
    display = HistoryDisplay.from_estimator(
        net, train_kwargs={"c": "black", "ls": "-."}, validation_kwargs={"label": "held out"}
    )
    assert display.line_.get_color() == "black"
    assert display.line_.get_linestyle() == "-."
    assert legend_texts(display)[:2] == ["training", "held out"]


@pytest.mark.parametrize("metric", ["auc", "val_loss", "", None])
def test_metrics_that_the_history_lacks(net, metric):
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
def test_estimators_without_a_history(estimator, error, message):
    with pytest.raises(error, match=message):
        HistoryDisplay.from_estimator(estimator)


def test_a_search_that_keeps_no_estimator():
    search = GridSearchCV(LogisticRegression(), {"C": [1]}, cv=2, refit=False)
    search.fit(DIGITS[:40], FIGURES[:40])
    message = "Got a GridSearchCV with refit=False, which keeps no fitted estimator; expected refit"
    for draw in (HistoryDisplay.from_estimator, ImagePredictionsDisplay.from_estimator):
        with pytest.raises(ValueError, match=message):
            draw(search, DIGITS)


# --------------------------------------------------------------------------- arithmetic of images


@pytest.mark.parametrize(
    ("n_images", "shape"),
    [
        (1, (1, 1)),
        (2, (1, 2)),
        (3, (1, 3)),
        (4, (2, 2)),
        (5, (2, 3)),
        (7, (3, 3)),
        (8, (2, 4)),
        (12, (3, 4)),
        (16, (4, 4)),
        (17, (4, 5)),
        (100, (10, 10)),
    ],
)
def test_grids_are_nearly_square(n_images, shape):
    assert pictures.grid_shape(n_images) == shape


@pytest.mark.parametrize(
    ("shape", "image_shape", "found"),
    [
        ((2, 5, 4), None, (2, 5, 4)),
        ((2, 5, 4, 1), None, (2, 5, 4)),
        ((2, 5, 4, 3), None, (2, 5, 4, 3)),
        ((2, 5, 4, 4), None, (2, 5, 4, 4)),
        ((2, 16), None, (2, 4, 4)),
        ((2, 20), (5, 4), (2, 5, 4)),
        ((2, 20), (5, 4, 1), (2, 5, 4)),
        ((2, 60), np.array([5, 4, 3]), (2, 5, 4, 3)),
        ((2, 20), (1, 20, 1), (2, 1, 20)),
    ],
)
def test_rows_become_images(shape, image_shape, found):
    assert pictures.images_of(np.zeros(shape), image_shape).shape == found


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        ((2, 20), None, r"Got flattened rows of 20 values.* don't form an image of shape \(4, 4\)"),
        ((2, 20), (5, 5), r"rows of 20 values, which don't form an image of shape \(5, 5\)"),
        ((2, 20), (20,), r"images of shape \(20,\); expected \(height, width\) or"),
        ((2, 5, 4, 2), None, r"images of shape \(5, 4, 2\); expected .* 1, 3 or 4 channels"),
        ((2,), None, r"images of shape \(\)"),
        ((2, 3, 8, 9), None, r"images of shape \(3, 8, 9\).*pass np\.moveaxis\(X, 1, -1\)"),
    ],
)
def test_rows_that_are_no_images(shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        pictures.images_of(np.zeros(shape), image_shape)


@pytest.mark.parametrize(
    ("images", "limits"),
    [
        (np.array([[[2.0, 5.0]], [[-1.0, 3.0]]]), (-1, 5)),
        (np.array([[[0.2, 0.4]]]), (0.2, 0.4)),
        (np.array([[[np.nan, 1.0, 3.0]]]), (1, 3)),
        (np.full((2, 2, 2), 0.5), (0, 1)),
        (np.full((2, 2, 2), 7.0), (0, 7)),
        (np.array([[[False, True]]]), (0, 1)),
        (np.array([[[[0.2, 0.4, 0.6]]]]), (0, 1)),
        (np.array([[[[-2.0, 0.4, 3.0]]]]), (-2, 3)),
        (np.array([[[[10, 20, 30]]]], dtype=np.uint8), (0, 255)),
    ],
)
def test_what_is_black_and_what_is_white(images, limits):
    assert pictures.shown_range(images) == limits


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("ant", ["ant"]),
        ("red  ant", ["red ant"]),
        ("red wood ants", ["red wood", "ants"]),
        ("red_wood_ants", ["red_wood_", "ants"]),
        ("hippopotamus", ["hippopotam", "us"]),
        ("a hippopotamus is here", ["a hippopot", "amus is…"]),
        ("three words, and many more", ["three", "words, an…"]),
        ("", [""]),
    ],
)
def test_text_is_broken_into_lines(text, lines):
    found = _titles.wrapped(text, lambda line: len(line) <= 10)
    assert found == lines


# ------------------------------------------------------------------------------------- predictions


def test_images_follow_each_other_row_by_row():
    drawn = ImagePredictionsDisplay(
        images=np.zeros((6, 4, 4)), predicted=list("abcdef"), probability=np.ones(6)
    ).plot()
    places = [ax.get_subplotspec() for ax in drawn.axes_]
    found = [(place.rowspan.start, place.colspan.start) for place in places]
    assert found == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [ax.get_title()[0] for ax in drawn.axes_] == list("abcdef")


def test_labels_that_no_font_can_show():
    drawn = ImagePredictionsDisplay(
        images=np.zeros((1, 4, 4)), predicted=["\udcff"], probability=[1.0], label=["ant"]
    ).plot()
    assert drawn.axes_[0].get_title().startswith("predicted \\udcff")


def test_frame_is_what_the_estimator_says(conv):
    frame = ImagePredictionsDisplay.from_estimator(conv, IMAGES, NAMES, n_images=30).frame()
    assert list(frame) == ["image", "predicted", "probability", "label", "correct"]
    assert frame["image"].tolist() == list(range(30))
    assert frame["predicted"].tolist() == conv.predict(IMAGES[:30]).tolist()
    np.testing.assert_allclose(frame["probability"], conv.predict_proba(IMAGES[:30]).max(axis=1))
    assert frame["label"].tolist() == NAMES[:30].tolist()
    assert frame["correct"].tolist() == (conv.predict(IMAGES[:30]) == NAMES[:30]).tolist()
    assert set(frame["correct"]) == {False, True}


def test_wrong_predictions_are_marked_by_more_than_colour(conv):
    display = ImagePredictionsDisplay.from_estimator(conv, IMAGES, NAMES, n_images=30)
    for ax, row in zip(display.axes_, display.frame().itertuples(), strict=True):
        answer = f"{row.predicted} ({row.probability:.0%})"
        widths = {spine.get_linewidth() for spine in ax.spines.values()}
        if row.correct:
            assert ax.get_title() == answer
            assert max(widths) < 1
        else:
            words = f"predicted {answer} true {row.label}".split()
            assert ax.get_title().split() == words
            assert min(widths) > 3


@pytest.mark.parametrize(
    ("width", "title"),
    [
        (3, "predicted circle (60%), true square"),
        (2, "predicted circle (60%)\ntrue square"),
        (1.3, "predicted\ncircle (60%)\ntrue square"),
    ],
)
def test_titles_are_broken_where_images_are_narrow(width, title):
    display = ImagePredictionsDisplay(
        images=np.zeros((1, 4, 4)), predicted=["circle"], probability=[0.6], label=["square"]
    ).plot(plt.figure(figsize=(width, 3)))
    assert titles(display) == [title]


def test_without_labels_nothing_is_marked(conv):
    display = ImagePredictionsDisplay.from_estimator(conv, IMAGES)
    assert list(display.frame()) == ["image", "predicted", "probability"]
    assert not any("predicted" in title or "\n" in title for title in titles(display))
    assert {ax.spines["top"].get_linewidth() for ax in display.axes_} == {0.8}


@pytest.mark.parametrize(("n_images", "n_drawn"), [(1, 1), (3, 3), (7, 7), (16, 16), (99, 60)])
def test_as_many_images_as_there_are(conv, n_images, n_drawn):
    display = ImagePredictionsDisplay.from_estimator(conv, IMAGES, NAMES, n_images=n_images)
    assert display.axes_.shape == (n_drawn,)
    assert display.ax_ is display.axes_
    assert [ax for ax in display.figure_.axes if ax.get_visible()] == list(display.axes_)
    for ax, image in zip(display.axes_, IMAGES, strict=False):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)


@pytest.mark.parametrize(
    "rows",
    [
        IMAGES[..., np.newaxis],
        IMAGES.tolist(),
        list(IMAGES),
        IMAGES.reshape(60, -1),
        pd.DataFrame(IMAGES.reshape(60, -1)),
        IMAGES.reshape(60, -1).tolist(),
    ],
    ids=["channel", "lists", "list of arrays", "flattened", "frame", "flattened lists"],
)
def test_every_form_of_images_looks_the_same(conv, rows):
    display = ImagePredictionsDisplay.from_estimator(conv, rows, NAMES, n_images=3)
    wanted = ImagePredictionsDisplay.from_estimator(conv, IMAGES, NAMES, n_images=3)
    np.testing.assert_array_equal(display.images, wanted.images)
    pd.testing.assert_frame_equal(display.frame(), wanted.frame())


def test_images_in_front_of_a_pipeline_are_drawn_as_given():
    flat = 255 * IMAGES.reshape(60, -1)
    net = ShapeConvClassifier(3, filters=2, epochs=1, image_shape=(12, 10), random_state=0)
    pipeline = make_pipeline(MinMaxScaler(), net).fit(flat, NAMES)
    display = ImagePredictionsDisplay.from_estimator(pipeline, flat, NAMES, n_images=4)
    np.testing.assert_array_equal(display.images, 255 * IMAGES[:4])
    assert display.frame()["predicted"].tolist() == pipeline.predict(flat[:4]).tolist()


def test_pipelines_that_change_the_length_of_rows():
    # The final step's image_shape_ is not that of X, whose rows make square images.
    net = ShapeConvClassifier(3, filters=2, epochs=1, random_state=0)
    pipeline = make_pipeline(PCA(9), net).fit(DIGITS[:100], FIGURES[:100])
    display = ImagePredictionsDisplay.from_estimator(pipeline, DIGITS, n_images=2)
    np.testing.assert_array_equal(display.images, DIGITS[:2].reshape(2, 8, 8))


def test_image_shape_of_flattened_rows(logistic):
    display = ImagePredictionsDisplay.from_estimator(
        logistic, DIGITS, n_images=2, image_shape=(4, 16)
    )
    assert display.images.shape == (2, 4, 16)
    with pytest.raises(ValueError, match=r"64 values, which don't form an image of shape \(4, 4"):
        ImagePredictionsDisplay.from_estimator(logistic, DIGITS, image_shape=(4, 4))


def test_sparse_rows_are_shown(logistic):
    rows = sparse.csr_array(DIGITS)
    display = ImagePredictionsDisplay.from_estimator(logistic, rows, FIGURES, n_images=2)
    np.testing.assert_array_equal(display.images, DIGITS[:2].reshape(2, 8, 8))


def test_a_fitted_search_predicts():
    search = GridSearchCV(LogisticRegression(max_iter=50), {"C": [1e-4]}, cv=2)
    search.fit(DIGITS, FIGURES)
    display = ImagePredictionsDisplay.from_estimator(search, DIGITS, n_images=3)
    assert display.frame()["predicted"].tolist() == search.predict(DIGITS[:3]).tolist()


def test_probability_is_that_of_the_predicted_label():
    binary = FIGURES < 2
    cautious = FixedThresholdClassifier(LogisticRegression(C=1e-5), threshold=0.999)
    cautious.fit(DIGITS[binary], FIGURES[binary])
    display = ImagePredictionsDisplay.from_estimator(cautious, DIGITS[binary], n_images=20)
    frame = display.frame()
    assert set(frame["predicted"]) == {0}
    wanted = cautious.predict_proba(DIGITS[binary][:20])[:, 0]
    np.testing.assert_allclose(frame["probability"], wanted)
    assert frame["probability"].min() < 0.5


def test_grey_images_share_their_black_and_white():
    images = np.stack([np.full((3, 3), 2.0), np.arange(9.0).reshape(3, 3)])
    display = ImagePredictionsDisplay(images=images, predicted=[0, 1], probability=[1, 1]).plot()
    shown = [ax.images[0] for ax in display.axes_]
    assert {(image.norm.vmin, image.norm.vmax) for image in shown} == {(0, 8)}
    assert {image.get_cmap().name for image in shown} == {"gray"}


@pytest.mark.parametrize("n_channels", [3, 4])
@pytest.mark.parametrize(
    ("images", "shown"),
    [
        (np.array([0.0, 0.5], dtype=np.float32), [0, 0.5]),
        (np.array([0, 51], dtype=np.uint8), [0, 0.2]),
        (np.array([-3.0, 1.0]), [0, 1]),
        (np.array([0, 200], dtype=np.int64), [0, 1]),
    ],
)
def test_coloured_images_are_scaled(images, shown, n_channels):
    images, shown = (
        np.tile(np.reshape(values, (1, 1, 2, 1)), (2, 3, 1, n_channels))
        for values in (images, shown)
    )
    display = ImagePredictionsDisplay(images=images, predicted=[0, 1], probability=[1, 1]).plot()
    for ax, image in zip(display.axes_, shown, strict=True):
        np.testing.assert_allclose(ax.images[0].get_array(), image, atol=1e-6)


LONG = [
    "equilateral triangle with rounded corners",
    "a_long_name_of_several_words_with_underscores",
    "Donaudampfschifffahrtsgesellschaft",
    "W" * 70,
    "ant",
    "$a_b$ and $c",
]


@pytest.mark.parametrize("own_figure", [True, False])
@pytest.mark.parametrize("n_images", [1, 3, 16, 40])
def test_long_labels_overlap_nothing(n_images, own_figure):
    labels = [LONG[number % len(LONG)] for number in range(n_images)]
    display = ImagePredictionsDisplay(
        images=RNG.rand(n_images, 6, 6),
        predicted=labels,
        probability=np.full(n_images, 0.5),
        label=labels[::-1],
    )
    display.plot(None if own_figure else plt.figure(figsize=(12, 12)))
    assert_overlaps_nothing(display)


def assert_overlaps_nothing(display):
    display.figure_.canvas.draw()
    boxes = [ax.title.get_window_extent() for ax in display.axes_]
    boxes += [ax.images[0].get_window_extent() for ax in display.axes_]
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
        # Half a pixel is what rounding makes of it.
        assert display.figure_.bbox.padded(0.5).containsx(box.x0)
        assert display.figure_.bbox.padded(0.5).containsx(box.x1)
        assert display.figure_.bbox.padded(0.5).containsy(box.y1)


@pytest.mark.parametrize("n_lines", [1, 2, 4])
def test_titles_keep_their_distance_from_the_edge(n_lines):
    labels = [" ".join(["caterpillar"] * n_lines)] * 3
    display = ImagePredictionsDisplay(
        images=np.zeros((3, 6, 6)), predicted=labels, probability=np.ones(3), label=list("abc")
    ).plot()
    display.figure_.canvas.draw()
    highest = max(ax.title.get_window_extent().y1 for ax in display.axes_)
    gap = pictures.GAP / 2 * display.figure_.dpi
    assert highest == pytest.approx(display.figure_.bbox.y1 - gap, abs=1)


def test_no_label_is_taken_for_a_formula(conv):
    labels = np.array(["$a$", "$b$"])
    display = ImagePredictionsDisplay(
        images=IMAGES[:2], predicted=labels, probability=[0.5, 1.0]
    ).plot()
    assert titles(display) == ["$a$ (50%)", "$b$ (100%)"]
    assert not any(ax.title.get_parse_math() for ax in display.axes_)


@pytest.mark.parametrize("part", ["figure", "subfigure"])
def test_given_figure_is_drawn_in(conv, part):
    figure = plt.figure()
    given = figure if part == "figure" else figure.subfigures(1, 2)[0]
    display = ImagePredictionsDisplay.from_estimator(conv, IMAGES, fig=given, n_images=4)
    assert display.figure_ is given
    assert plt.get_fignums() == [figure.number]
    assert given.axes == list(display.axes_)


@pytest.mark.parametrize("n_images", [0, -1, 2.5, "all", None])
def test_numbers_of_images_that_are_none(logistic, n_images):
    with pytest.raises(ValueError, match=r"'n_images' parameter of .* must be an int in the range"):
        ImagePredictionsDisplay.from_estimator(logistic, DIGITS, n_images=n_images)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (DIGITS, FIGURES[:-1], "inconsistent numbers of samples"),
        (DIGITS[:3], np.eye(3), "Got one-hot encoded y"),
        (DIGITS[:3], ["zero", "one", "two"], r"Got y with labels such as .*zero.*: \[0, 1, 2, 3\]"),
        (DIGITS[:0], None, "Got an X without rows"),
    ],
)
def test_data_that_can_not_be_drawn(logistic, X, y, message):
    with pytest.raises(ValueError, match=message):
        ImagePredictionsDisplay.from_estimator(logistic, X, y)


def test_some_unknown_labels_are_wrong_predictions(logistic):
    labels = logistic.predict(DIGITS[:3])
    labels[1] = 9
    frame = ImagePredictionsDisplay.from_estimator(logistic, DIGITS[:3], labels).frame()
    assert frame["correct"].tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (ShapeConvClassifier(), NotFittedError, "This ShapeConvClassifier .* is not fitted yet"),
        (ShapeConvClassifier, TypeError, "Got the class ShapeConvClassifier"),
        (RidgeClassifier(), TypeError, r"Got RidgeClassifier\(\), which has no predict_proba"),
        (GridSearchCV(ShapeConvClassifier(), {}), NotFittedError, "GridSearchCV .* is not fitted"),
    ],
)
def test_estimators_that_predict_no_probabilities(estimator, error, message):
    with pytest.raises(error, match=message):
        ImagePredictionsDisplay.from_estimator(estimator, IMAGES)


# --------------------------------------------------------------------------- several labels a row

KINDS = ("square", "circle", "cross")
SEVERAL = make_shapes(
    80, image_shape=(12, 12), radius=(2, 4), shapes=KINDS, multilabel=True, random_state=0
)
FLAT, SHOWN = SEVERAL.images.reshape(80, -1), SEVERAL.target


class NamedNeighbors(KNeighborsClassifier):
    """Has the names of its labels, as a net does that was fitted on a DataFrame."""

    def fit(self, X, y):
        self.label_names_ = list(y)
        return super().fit(X, np.asarray(y))


# Probabilities are an array for each label, or one array for all labels.
LISTS = {
    "forest": RandomForestClassifier(5, max_depth=4, random_state=0),
    "neighbors": KNeighborsClassifier(3),
    "pipeline": make_pipeline(MinMaxScaler(), KNeighborsClassifier(3)),
    "search": GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [3]}, cv=2),
}
ARRAYS = {
    "perceptron": MLPClassifier((8,), max_iter=20, random_state=0),
    "one versus rest": OneVsRestClassifier(DecisionTreeClassifier(max_depth=2, random_state=0)),
}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("estimator", [*LISTS.values(), *ARRAYS.values()], ids=[*LISTS, *ARRAYS])
def test_frame_of_several_labels_is_what_the_estimator_says(estimator):
    estimator = clone(estimator).fit(FLAT, SHOWN)
    display = ImagePredictionsDisplay.from_estimator(
        estimator, FLAT, SHOWN, n_images=30, label_names=KINDS
    )
    frame = display.frame()
    names = [f"p_{kind}" for kind in KINDS]
    assert list(frame) == ["image", "predicted", *names, "label", "correct"]
    predicted = estimator.predict(FLAT[:30])
    wanted = [tuple(np.array(KINDS)[row == 1].tolist()) for row in predicted]
    assert frame["predicted"].tolist() == wanted
    assert frame["label"].tolist() == [tuple(np.array(KINDS)[row == 1]) for row in SHOWN[:30]]
    assert frame["correct"].tolist() == (predicted == SHOWN[:30]).all(axis=1).tolist()
    found = estimator.predict_proba(FLAT[:30])
    if isinstance(found, list):
        found = np.column_stack([array[:, 1] for array in found])
    np.testing.assert_array_equal(frame[names], found)
    # All but the neighbors of even numbers predict a label from a half on.
    assert ((found > 0.5) <= (predicted == 1)).all()


def test_labels_that_are_the_same_in_all_training_rows():
    # Of such a label there is one column of probabilities, which is that of 0 or that of 1.
    y = SHOWN.copy()
    y[:, 0], y[:, 2] = 0, 1
    forest = clone(LISTS["forest"]).fit(FLAT, y)
    assert [array.shape[1] for array in forest.predict_proba(FLAT)] == [1, 2, 1]
    frame = ImagePredictionsDisplay.from_estimator(forest, FLAT, y, label_names=KINDS).frame()
    assert set(frame["p_square"]) == {0}
    assert set(frame["p_cross"]) == {1}


@pytest.mark.parametrize("as_target", [sparse.csr_array, sparse.coo_matrix, sparse.csc_array])
def test_sparse_indicators(as_target):
    tree = OneVsRestClassifier(DecisionTreeClassifier(max_depth=2, random_state=0))
    dense, rare = tree.fit(FLAT, SHOWN), clone(tree).fit(FLAT, sparse.csr_matrix(SHOWN))
    assert sparse.issparse(rare.predict(FLAT))
    found = ImagePredictionsDisplay.from_estimator(rare, FLAT, as_target(SHOWN))
    wanted = ImagePredictionsDisplay.from_estimator(dense, FLAT, SHOWN)
    pd.testing.assert_frame_equal(found.frame(), wanted.frame())
    assert titles(found) == titles(wanted)


@pytest.mark.parametrize(
    "as_target",
    [list, np.ndarray.tolist, lambda y: y.astype(bool), lambda y: pd.DataFrame(y, columns=KINDS)],
    ids=["rows", "lists", "booleans", "frame"],
)
def test_every_form_of_true_labels_is_the_same(as_target):
    neighbors = KNeighborsClassifier(3).fit(FLAT, SHOWN)
    found = ImagePredictionsDisplay.from_estimator(neighbors, FLAT, as_target(SHOWN), n_images=5)
    wanted = ImagePredictionsDisplay.from_estimator(neighbors, FLAT, SHOWN, n_images=5)
    pd.testing.assert_frame_equal(found.frame(), wanted.frame())


def several(**options):
    """Three images: two labels, one and none."""
    predicted = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]])
    probability = np.array([[0.98, 0.61, 0.2], [0.1, 0.49, 0.505], [0, 0.3, 0.2]])
    values = {"predicted": predicted, "probability": probability, "label_names": KINDS} | options
    display = ImagePredictionsDisplay(images=np.zeros((3, 4, 4)), **values)
    return display.plot(plt.figure(figsize=(15, 5)))


def test_titles_name_each_predicted_label_with_its_probability():
    assert titles(several()) == ["square 98%, circle 61%", "cross 50%", "none"]


def test_a_prediction_with_one_wrong_label_is_wrong():
    display = several(label=np.array([[1, 0, 1], [0, 0, 1], [0, 1, 0]]))
    assert titles(display) == [
        "predicted square 98%, circle 61%\ntrue square, cross",
        "cross 50%",
        "predicted none, true circle",
    ]
    assert [ax.spines["top"].get_linewidth() for ax in display.axes_] == [4, 0.8, 4]
    frame = display.frame()
    assert frame["correct"].tolist() == [False, True, False]
    assert frame["label"].tolist() == [("square", "cross"), ("cross",), ("circle",)]
    assert titles(several(label=np.zeros((3, 3))))[1] == "predicted cross 50%, true none"


def test_without_true_labels_nothing_is_wrong():
    display = several()
    assert list(display.frame()) == ["image", "predicted", "p_square", "p_circle", "p_cross"]
    assert display.frame()["predicted"].tolist() == [("square", "circle"), ("cross",), ()]
    assert {ax.spines["top"].get_linewidth() for ax in display.axes_} == {0.8}


@pytest.mark.parametrize("label_names", [None, [0, 1, 2], np.arange(3)])
def test_labels_without_names_are_numbered(label_names):
    display = several(label_names=label_names)
    assert titles(display)[0] == "label 0 98%, label 1 61%"
    assert list(display.frame())[2:] == ["p_label 0", "p_label 1", "p_label 2"]


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_names_are_those_of_the_fitted_estimator(in_pipeline):
    estimator = NamedNeighbors(3)
    if in_pipeline:
        estimator = make_pipeline(MinMaxScaler(), estimator)
    estimator.fit(FLAT, pd.DataFrame(SHOWN, columns=KINDS))
    display = ImagePredictionsDisplay.from_estimator(estimator, FLAT)
    assert display.label_names == list(KINDS)
    display = ImagePredictionsDisplay.from_estimator(estimator, FLAT, label_names=["a", "b", "c"])
    assert list(display.frame())[2:] == ["p_a", "p_b", "p_c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"y": KINDS * 26 + ("square", "square")},
            r"Got true labels of shape \(16,\); .*\(n_im.*3",
        ),
        ({"y": SHOWN[:, :2]}, r"true labels of shape \(16, 2\); expected an indicator"),
        ({"y": 2 * SHOWN}, "true labels with values other than 0 and 1"),
        ({"y": SHOWN[:7]}, "inconsistent numbers of samples"),
        ({"label_names": ["a", "b"]}, r"label_names=\['a', 'b'\]; expected 3 different names"),
        ({"label_names": ["a", "b", "a"]}, "expected 3 different names, one for each column"),
        ({"label_names": "abc"}, "'label_names' parameter of .* must be an array-like or None"),
    ],
)
def test_several_labels_that_can_not_be_drawn(options, message):
    neighbors = KNeighborsClassifier(3).fit(FLAT, SHOWN)
    with pytest.raises(ValueError, match=message):
        ImagePredictionsDisplay.from_estimator(neighbors, FLAT, **options)


def test_several_classes_a_column_are_no_labels():
    neighbors = KNeighborsClassifier(3).fit(FLAT, SHOWN + np.arange(80)[:, np.newaxis] % 2)
    with pytest.raises(ValueError, match=r"predictions with values other than 0 and 1; .*column"):
        ImagePredictionsDisplay.from_estimator(neighbors, FLAT)


def test_names_for_an_estimator_of_one_label(logistic):
    with pytest.raises(
        ValueError, match=r"label_names=\['a'\] for LogisticReg.* one label per row; e"
    ):
        ImagePredictionsDisplay.from_estimator(logistic, DIGITS, label_names=["a"])


@pytest.mark.parametrize("probability", [np.ones(3), np.ones((3, 2))])
def test_a_probability_is_needed_for_each_label(probability):
    with pytest.raises(ValueError, match=r"probabilities of shape .* of shape \(3, 3\); exp"):
        several(probability=probability)


@pytest.mark.parametrize("own_figure", [True, False])
@pytest.mark.parametrize("n_images", [1, 3, 16, 40])
def test_many_labels_overlap_nothing(n_images, own_figure):
    names = [*LONG, *(f"tag {number}" for number in range(20))]
    random_state = np.random.RandomState(0)
    shares = np.linspace(0, 1, n_images)[:, np.newaxis]
    display = ImagePredictionsDisplay(
        images=random_state.rand(n_images, 6, 6),
        predicted=random_state.rand(n_images, len(names)) < shares,
        probability=random_state.rand(n_images, len(names)),
        label=random_state.rand(n_images, len(names)) < shares,
        label_names=names,
    )
    assert_overlaps_nothing(display.plot(None if own_figure else plt.figure(figsize=(16, 20))))


@pytest.mark.parametrize(
    ("items", "lines"),
    [
        ([("ant", "9%,"), ("bee", "8%")], ["ant 9%,", "bee 8%"]),
        ([("a", "9%,"), ("b", "8%,"), ("c", "7%")], ["a 9%, b 8%,", "c 7%"]),
        ([("ant,", ""), ("bee", "")], ["ant, bee"]),
        ([("six ants,", ""), ("bee", "")], ["six ants,", "bee"]),
        ([("true", ""), ("ant", "")], ["true ant"]),
        ([("predicted", ""), ("ant", "9%")], ["predicted", "ant 9%"]),
        # A percentage stays with the end of the name, and goes below it only if it must.
        ([("red wood ant", "100%")], ["red wood", "ant 100%"]),
        ([("red-backed", "100%,"), ("b", "8%")], ["red-backed", "100%, b 8%"]),
        ([(letter * 8, "") for letter in "abc"], ["aaaaaaaa", "bbbbbbbb", "cccccccc"]),
        ([(letter * 8, "") for letter in "abcd"], ["aaaaaaaa", "bbbbbbbb", "and 2 more"]),
        ([("one", ""), ("two", ""), *[("x" * 9, "")] * 5], ["one two", "xxxxxxxxx", "and 4 more"]),
        ([("a", "")] * 30, ["a a a a a a", "a a a a a a", "and 18 more"]),
    ],
)
def test_labels_are_listed_in_lines(items, lines):
    assert _titles.lines_of(items, lambda line: len(line) <= 11, most=3) == lines


# ------------------------------------------------------------------------------------ Matplotlib


def drawn():
    HistoryDisplay(**curve(4), best_epoch=2).plot()
    ImagePredictionsDisplay(images=IMAGES[:2], predicted=[0, 1], probability=[1, 1]).plot()


@pytest.mark.filterwarnings("error")
def test_nothing_global_is_changed():
    before = dict(matplotlib.rcParams)
    drawn()
    assert len(plt.get_fignums()) == 2
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("display_class", [HistoryDisplay, ImagePredictionsDisplay])
def test_without_matplotlib_the_error_names_the_extra(monkeypatch, display_class, conv):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    name = display_class.__name__
    message = rf"{name}\.from_estimator needs matplotlib, .* with pip install 'skclf\[plots\]' "
    with pytest.raises(ImportError, match=message):
        display_class.from_estimator(conv, "loss" if display_class is HistoryDisplay else IMAGES)


@pytest.mark.parametrize(
    "display",
    [
        HistoryDisplay(epochs=[1], training=[0.5]),
        ImagePredictionsDisplay(images=IMAGES[:1], predicted=["ant"], probability=[0.5]),
    ],
)
def test_only_drawing_needs_matplotlib(monkeypatch, display):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert len(display.frame()) == 1
    with pytest.raises(ImportError, match=r"\.plot needs matplotlib, .* pip install 'skclf\[plo"):
        display.plot()


def test_drawing_loads_no_tensorflow(conv, tmp_path):
    joblib.dump((conv, IMAGES, NAMES), tmp_path / "conv.joblib")
    code = f"""
import sys, joblib
from skclf.plots import HistoryDisplay, ImagePredictionsDisplay
assert "matplotlib" not in sys.modules
conv, X, y = joblib.load({str(tmp_path / "conv.joblib")!r})
HistoryDisplay.from_estimator(conv)
ImagePredictionsDisplay.from_estimator(conv, X, y, n_images=2)
assert "matplotlib" in sys.modules
assert not {{"tensorflow", "keras", "scikeras"}} & set(sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("file_format", ["png", "svg", "pdf"])
def test_pictures_can_be_saved(file_format):
    display = ImagePredictionsDisplay(
        images=IMAGES[:2], predicted=["ant", "bee"], probability=[1, 1], label=["ant", "ant"]
    ).plot()
    for figure in (display.figure_, HistoryDisplay(**curve(4), best_epoch=2).plot().figure_):
        file = io.BytesIO()
        figure.savefig(file, format=file_format)
        assert len(file.getvalue()) > 1000
