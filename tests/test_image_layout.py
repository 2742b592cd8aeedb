"""The layout of ImagePredictionsDisplay: the grid, the shape and range of images, the titles."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plot_data import IMAGES, LONG_LABELS, assert_no_overlap, titles

from skclf.plots import ImagePredictionsDisplay, _image_predictions, _titles

pytestmark = pytest.mark.usefixtures("closed_figures")

# --------------------------------------------------------------------------------------- arithmetic


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
    assert _image_predictions.grid_shape(n_images) == shape


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
def test_rows_are_reshaped_to_images(shape, image_shape, found):
    assert _image_predictions.images_of(np.zeros(shape), image_shape).shape == found


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        ((2, 20), None, r"Got flattened rows of 20 values.* don't form an image of shape \(4, 4\)"),
        ((2, 20), (5, 5), r"rows of 20 values, which don't form an image of shape \(5, 5\)"),
        ((2, 20), (20,), r"images of shape \(20,\); expected \(height, width\) or"),
        ((2, 5, 4, 2), None, r"images of shape \(5, 4, 2\); expected .* 1, 3 or 4 channels"),
        ((2,), None, r"Got X of shape \(2,\); expected images .*from_estimator\(pipeline\[-1\]"),
        ((2, 3, 8, 9), None, r"images of shape \(3, 8, 9\).*pass np\.moveaxis\(X, 1, -1\)"),
    ],
)
def test_rows_that_form_no_image_are_an_error(shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        _image_predictions.images_of(np.zeros(shape), image_shape)


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
def test_values_shown_as_black_and_as_white(images, limits):
    assert _image_predictions.shown_range(images) == limits


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


@pytest.mark.parametrize(
    ("items", "lines"),
    [
        ([("ant", "9%,"), ("bee", "8%")], ["ant 9%,", "bee 8%"]),
        ([("a", "9%,"), ("b", "8%,"), ("c", "7%")], ["a 9%, b 8%,", "c 7%"]),
        ([("ant,", ""), ("bee", "")], ["ant, bee"]),
        ([("six ants,", ""), ("bee", "")], ["six ants,", "bee"]),
        ([("true", ""), ("ant", "")], ["true ant"]),
        ([("predicted", ""), ("ant", "9%")], ["predicted", "ant 9%"]),
        # A percentage stays on the line of the end of its name if it fits.
        ([("red wood ant", "100%")], ["red wood", "ant 100%"]),
        ([("red-backed", "100%,"), ("b", "8%")], ["red-backed", "100%, b 8%"]),
        ([(letter * 8, "") for letter in "abc"], ["aaaaaaaa", "bbbbbbbb", "cccccccc"]),
        ([(letter * 8, "") for letter in "abcd"], ["aaaaaaaa", "bbbbbbbb", "and 2 more"]),
        ([("one", ""), ("two", ""), *[("x" * 9, "")] * 5], ["one two", "xxxxxxxxx", "and 4 more"]),
        ([("a", "")] * 30, ["a a a a a a", "a a a a a a", "and 18 more"]),
    ],
)
def test_lists_of_labels_are_broken_into_lines(items, lines):
    assert _titles.lines_of(items, lambda line: len(line) <= 11, most=3) == lines


# ------------------------------------------------------------------------------------------- titles


@pytest.mark.parametrize(
    ("width", "title"),
    [
        (3, "predicted circle (60%), true square"),
        (2, "predicted circle (60%)\ntrue square"),
        (1.3, "predicted\ncircle (60%)\ntrue square"),
    ],
)
def test_titles_wrap_above_narrow_images(width, title):
    display = ImagePredictionsDisplay(
        images=np.zeros((1, 4, 4)), predicted=["circle"], probability=[0.6], label=["square"]
    ).plot(plt.figure(figsize=(width, 3)))
    assert titles(display) == [title]


def test_labels_that_no_font_can_show_are_escaped():
    drawn = ImagePredictionsDisplay(
        images=np.zeros((1, 4, 4)), predicted=["\udcff"], probability=[1.0], label=["ant"]
    ).plot()
    assert drawn.axes_[0].get_title().startswith("predicted \\udcff")


def test_labels_are_not_parsed_as_math():
    labels = np.array(["$a$", "$b$"])
    display = ImagePredictionsDisplay(
        images=IMAGES[:2], predicted=labels, probability=[0.5, 1.0]
    ).plot()
    assert titles(display) == ["$a$ (50%)", "$b$ (100%)"]
    assert not any(ax.title.get_parse_math() for ax in display.axes_)


@pytest.mark.parametrize("own_figure", [True, False])
@pytest.mark.parametrize("n_images", [1, 3, 16, 40])
def test_long_labels_do_not_overlap(n_images, own_figure):
    labels = [LONG_LABELS[number % len(LONG_LABELS)] for number in range(n_images)]
    display = ImagePredictionsDisplay(
        images=np.random.RandomState(0).rand(n_images, 6, 6),
        predicted=labels,
        probability=np.full(n_images, 0.5),
        label=labels[::-1],
    )
    display.plot(None if own_figure else plt.figure(figsize=(12, 12)))
    assert_no_overlap(display)


@pytest.mark.parametrize("own_figure", [True, False])
@pytest.mark.parametrize("n_images", [1, 3, 16, 40])
def test_many_labels_do_not_overlap(n_images, own_figure):
    names = [*LONG_LABELS, *(f"tag {number}" for number in range(20))]
    random_state = np.random.RandomState(0)
    shares = np.linspace(0, 1, n_images)[:, np.newaxis]
    display = ImagePredictionsDisplay(
        images=random_state.rand(n_images, 6, 6),
        predicted=random_state.rand(n_images, len(names)) < shares,
        probability=random_state.rand(n_images, len(names)),
        label=random_state.rand(n_images, len(names)) < shares,
        label_names=names,
    )
    assert_no_overlap(display.plot(None if own_figure else plt.figure(figsize=(16, 20))))


@pytest.mark.parametrize("n_lines", [1, 2, 4])
def test_titles_keep_their_distance_from_the_edge(n_lines):
    labels = [" ".join(["caterpillar"] * n_lines)] * 3
    display = ImagePredictionsDisplay(
        images=np.zeros((3, 6, 6)), predicted=labels, probability=np.ones(3), label=list("abc")
    ).plot()
    display.figure_.canvas.draw()
    highest = max(ax.title.get_window_extent().y1 for ax in display.axes_)
    gap = _image_predictions.GAP / 2 * display.figure_.dpi
    assert highest == pytest.approx(display.figure_.bbox.y1 - gap, abs=1)
