"""Data, curves and labels for the tests of the displays, which draw without a screen."""

import functools

import matplotlib
import numpy as np
from sklearn.datasets import load_digits

from skclf import ShapeConvClassifier
from skclf.datasets import make_low_high, make_shapes

matplotlib.use("Agg")

ROWS, LEVELS = make_low_high(120, random_state=0, return_X_y=True)
SHAPES = make_shapes(60, image_shape=(12, 10), radius=(2, 4), random_state=0)
IMAGES, NAMES = SHAPES.images, SHAPES.target_names[SHAPES.target]
DIGITS, DIGIT_LABELS = load_digits(n_class=4, return_X_y=True)

KINDS = ("square", "circle", "cross")

LONG_LABELS = [
    "equilateral triangle with rounded corners",
    "a_long_name_of_several_words_with_underscores",
    "Donaudampfschifffahrtsgesellschaft",
    "W" * 70,
    "ant",
    "$a_b$ and $c",
]


@functools.cache
def trained_conv():
    """A net with so little training that some of its predictions are wrong."""
    return ShapeConvClassifier(3, filters=2, epochs=2, random_state=0).fit(IMAGES, NAMES)


def curve(n_epochs, *, rising=False, seed=0):
    """Epochs and values of a learning curve, for displays made without a net."""
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


def assert_no_overlap(display):
    display.figure_.canvas.draw()
    boxes = [ax.title.get_window_extent() for ax in display.axes_]
    boxes += [ax.images[0].get_window_extent() for ax in display.axes_]
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
        # Rounding may shift a box by half a pixel.
        assert display.figure_.bbox.padded(0.5).containsx(box.x0)
        assert display.figure_.bbox.padded(0.5).containsx(box.x1)
        assert display.figure_.bbox.padded(0.5).containsy(box.y1)
