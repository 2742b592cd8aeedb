"""The layout of HistoryDisplay: numbers, markers, limits, ticks and the legend's place."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plot_data import curve, legend_texts

from skclf.plots import HistoryDisplay, _history, _legend

pytestmark = pytest.mark.usefixtures("closed_figures")

# --------------------------------------------------------------------------------------- arithmetic


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
def test_metric_names_are_readable(metric, label):
    assert _history.readable(metric) == label


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.28351, "0.284"), (1, "1.000"), (12.3456, "12.346"), (0.000123, "0.00012"), (0, "0")],
)
def test_numbers_are_short(value, text):
    assert _history.number(value) == text


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
def test_isolated_points_always_get_a_marker(values, most, places):
    assert _history.marked_places(np.array(values, dtype=float), most) == places


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
    found = _legend.limits_with_room((0, 1), np.array(points), 0.25, at_top)
    assert found == pytest.approx(limits)


@pytest.mark.parametrize(
    ("values", "best_epoch", "corner", "limits"),
    [
        ([9, 5, 3, 2, 1], None, "upper right", (0, 10)),
        ([1, 5, 7, 8, 9], None, "lower right", (0, 10)),
        ([9, 9, 9, 9, 4], None, "lower right", (0, 10)),
        ([5, 5, 5, 9, 1], None, "upper left", (0, 10)),
        # Every corner is free: the legend avoids the line at the best epoch.
        ([5, 5, 5, 5, 5], None, "upper right", (0, 10)),
        ([5, 5, 5, 5, 5], 5, "upper left", (0, 10)),
        # No corner is free: the lower right needs the least room, since no value there is below 3.
        ([9, 1, 9, 3, 9], None, "lower right", (0, 10)),
        ([10, 0, 10, 0, 10], None, "upper right", (0, 10 / 0.75)),
        ([np.nan] * 5, None, "upper right", (0, 10)),
    ],
)
def test_legend_goes_to_the_corner_that_needs_least_room(values, best_epoch, corner, limits):
    points = np.arange(1.0, 6.0), np.array(values, dtype=float)
    found = _legend.emptiest_corner(points, ((1, 5), (0, 10)), (0.25, 0.25), best_epoch)
    assert found[0] == corner
    assert found[1] == pytest.approx(limits)


@pytest.mark.parametrize(
    ("metric", "values", "limits"),
    [
        ("loss", [0.2, 0.9, np.nan], (0, np.inf)),
        ("loss", [-0.1, 0.9], (-np.inf, np.inf)),
        ("accuracy", [0.2, 1.0], (0, 1)),
        ("mean_absolute_error", [0.2, 1.1], (0, np.inf)),
        ("accuracy", [np.nan], (-np.inf, np.inf)),
    ],
)
def test_possible_values_follow_from_the_metric(metric, values, limits):
    assert _legend.possible_values(metric, np.array(values)) == limits


def test_limits_avoid_impossible_values():
    points = np.arange(1.0, 6.0), np.array([2.0, 2, 9.9, 1, 9])
    window = (1, 5), (0, 10)
    assert _legend.emptiest_corner(points, window, (0.9, 0.3))[0] == "lower right"
    found = _legend.emptiest_corner(points, window, (0.9, 0.3), possible=(0, np.inf))
    assert found == ("upper right", (0, pytest.approx(9.9 / 0.7)))


# --------------------------------------------------------------------------------------------- axes


def test_axes_have_a_grid_and_no_top_or_right_spine():
    ax = HistoryDisplay(**curve(5)).plot().ax_
    assert [side for side in ax.spines if ax.spines[side].get_visible()] == ["left", "bottom"]
    assert all(line.get_visible() for line in ax.get_xgridlines() + ax.get_ygridlines())


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 11, 40, 200])
def test_ticks_are_whole_epochs(n_epochs):
    display = HistoryDisplay(**curve(n_epochs)).plot()
    left, right = display.ax_.get_xlim()
    ticks = [tick for tick in display.ax_.get_xticks() if left <= tick <= right]
    assert ticks
    assert set(ticks) <= set(range(1, n_epochs + 1))


def test_a_single_epoch_is_visible():
    display = HistoryDisplay(epochs=[1], training=[0.5], validation=[0.6], best_epoch=1).plot()
    for line in (display.line_, display.validation_line_):
        assert line.get_marker() not in ("", " ", "None", None)
        assert line.get_markevery() == [0]
    left, right = display.ax_.get_xlim()
    assert left < 1 < right


def test_axis_includes_epochs_whose_values_are_nan():
    display = HistoryDisplay(epochs=[1, 2, 3, 4], training=[0.5, 0.4, np.nan, np.nan]).plot()
    assert display.ax_.get_xlim()[1] > 4


@pytest.mark.parametrize("values", [[np.nan] * 3, [np.inf, np.nan, np.inf]])
def test_curves_without_a_finite_value_can_be_drawn(values):
    display = HistoryDisplay(epochs=[1, 2, 3], training=values, validation=values, best_epoch=3)
    display.plot().figure_.canvas.draw()
    assert legend_texts(display) == ["training", "validation"]


def test_plot_draws_on_the_given_axes():
    figure, (ax, other) = plt.subplots(ncols=2)
    display = HistoryDisplay(**curve(3)).plot(ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert not other.lines


@pytest.mark.parametrize("limits", [(None, None), (0.2, 0.8)])
def test_limits_ignore_lines_across_the_axes(limits):
    _, ax = plt.subplots()
    ax.axhline(0.5)
    ax.set_ylim(limits)
    epochs = np.arange(21, 31)
    HistoryDisplay(epochs=epochs, training=np.linspace(0.9, 0.4, 10)).plot(ax)
    assert 20 < ax.get_xlim()[0] <= 21
    assert 30 <= ax.get_xlim()[1] < 31


# ------------------------------------------------------------------------------------------- legend


def curve_places(ax, values):
    """Pixels along the whole lines, not only at the epochs."""
    epochs = np.linspace(1, values["epochs"][-1], 500)
    for name in ("training", "validation"):
        heights = np.interp(epochs, values["epochs"], values[name])
        yield from ax.transData.transform(np.column_stack([epochs, heights]))


def covered_by_legend(ax, values):
    box = ax.get_legend().get_window_extent()
    return [place for place in curve_places(ax, values) if box.contains(*place)]


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
    assert not covered_by_legend(ax, values)
    assert all(ax.bbox.contains(*place) for place in curve_places(ax, values))


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_legends_cover_no_point_on_axes_that_share_their_values(layout):
    figure, axes = plt.subplots(ncols=3, figsize=(11, 3.6), layout=layout, sharey=True)
    drawn = [curve(20), curve(20, rising=True), curve(3)]
    drawn[1]["training"] = drawn[1]["training"] * 3
    for ax, values in zip(axes, drawn, strict=True):
        HistoryDisplay(**values, best_epoch=3).plot(ax)
    figure.canvas.draw()
    for ax, values in zip(axes, drawn, strict=True):
        assert not covered_by_legend(ax, values)


def test_removed_legends_on_shared_axes_stay_removed():
    _, (ax, other) = plt.subplots(ncols=2, sharey=True)
    HistoryDisplay(**curve(5)).plot(ax)
    ax.get_legend().remove()
    HistoryDisplay(**curve(5)).plot(other)
    assert ax.get_legend() is None
    assert other.get_legend() is not None


@pytest.mark.parametrize(("rising", "vertical"), [(False, 1), (True, 0)])
def test_legend_is_placed_where_the_curves_leave_room(rising, vertical):
    ax = HistoryDisplay(**curve(20, rising=rising)).plot().ax_
    box = ax.get_legend().get_window_extent().transformed(ax.transAxes.inverted())
    assert box.x1 == pytest.approx(1, abs=0.05)
    assert (box.y0, box.y1)[vertical] == pytest.approx(vertical, abs=0.05)


def test_two_displays_can_share_axes():
    ax = HistoryDisplay(epochs=[1, 2], training=[3, 2], estimator_name="small").plot().ax_
    second = HistoryDisplay(epochs=[1, 2, 3], training=[9, 5, 1], estimator_name="large").plot(ax)
    assert legend_texts(second) == ["small, training", "large, training"]
    low, high = ax.get_ylim()
    assert low < 1
    assert high > 9
