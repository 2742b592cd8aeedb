"""ImagePredictionsDisplay: images, predictions and marks for errors, and its errors."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from plot_data import DIGIT_LABELS, DIGITS, IMAGES, NAMES, titles, trained_conv
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

from skclf import ShapeConvClassifier
from skclf.plots import ImagePredictionsDisplay

pytestmark = pytest.mark.usefixtures("closed_figures")


@pytest.fixture(scope="module")
def conv():
    return trained_conv()


@pytest.fixture(scope="module")
def logistic():
    return LogisticRegression(max_iter=50, C=1e-4).fit(DIGITS, DIGIT_LABELS)


# -------------------------------------------------------------------------------------- predictions


def test_frame_holds_the_estimators_predictions(conv):
    frame = ImagePredictionsDisplay.from_estimator(conv, IMAGES, NAMES, n_images=30).frame()
    assert list(frame) == ["image", "predicted", "probability", "label", "correct"]
    assert frame["image"].tolist() == list(range(30))
    assert frame["predicted"].tolist() == conv.predict(IMAGES[:30]).tolist()
    np.testing.assert_allclose(frame["probability"], conv.predict_proba(IMAGES[:30]).max(axis=1))
    assert frame["label"].tolist() == NAMES[:30].tolist()
    assert frame["correct"].tolist() == (conv.predict(IMAGES[:30]) == NAMES[:30]).tolist()
    assert set(frame["correct"]) == {False, True}


def test_wrong_predictions_differ_in_more_than_colour(conv):
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


def test_no_prediction_is_marked_wrong_without_labels(conv):
    display = ImagePredictionsDisplay.from_estimator(conv, IMAGES)
    assert list(display.frame()) == ["image", "predicted", "probability"]
    assert not any("predicted" in title or "\n" in title for title in titles(display))
    assert {ax.spines["top"].get_linewidth() for ax in display.axes_} == {0.8}


def test_labels_unknown_to_the_estimator_count_as_errors(logistic):
    labels = logistic.predict(DIGITS[:3])
    labels[1] = 9
    frame = ImagePredictionsDisplay.from_estimator(logistic, DIGITS[:3], labels).frame()
    assert frame["correct"].tolist() == [True, False, True]


def test_predictions_of_a_fitted_search_are_drawn():
    search = GridSearchCV(LogisticRegression(max_iter=50), {"C": [1e-4]}, cv=2)
    search.fit(DIGITS, DIGIT_LABELS)
    display = ImagePredictionsDisplay.from_estimator(search, DIGITS, n_images=3)
    assert display.frame()["predicted"].tolist() == search.predict(DIGITS[:3]).tolist()


def test_probability_is_that_of_the_predicted_label():
    binary = DIGIT_LABELS < 2
    cautious = FixedThresholdClassifier(LogisticRegression(C=1e-5), threshold=0.999)
    cautious.fit(DIGITS[binary], DIGIT_LABELS[binary])
    display = ImagePredictionsDisplay.from_estimator(cautious, DIGITS[binary], n_images=20)
    frame = display.frame()
    assert set(frame["predicted"]) == {0}
    wanted = cautious.predict_proba(DIGITS[binary][:20])[:, 0]
    np.testing.assert_allclose(frame["probability"], wanted)
    assert frame["probability"].min() < 0.5


# ------------------------------------------------------------------------------------------- images


@pytest.mark.parametrize(("n_images", "n_drawn"), [(1, 1), (3, 3), (7, 7), (16, 16), (99, 60)])
def test_at_most_n_images_are_drawn(conv, n_images, n_drawn):
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
def test_all_forms_of_images_give_the_same_display(conv, rows):
    display = ImagePredictionsDisplay.from_estimator(conv, rows, NAMES, n_images=3)
    wanted = ImagePredictionsDisplay.from_estimator(conv, IMAGES, NAMES, n_images=3)
    np.testing.assert_array_equal(display.images, wanted.images)
    pd.testing.assert_frame_equal(display.frame(), wanted.frame())


def test_images_are_drawn_as_passed_to_a_pipeline():
    flat = 255 * IMAGES.reshape(60, -1)
    net = ShapeConvClassifier(3, filters=2, epochs=1, image_shape=(12, 10), random_state=0)
    pipeline = make_pipeline(MinMaxScaler(), net).fit(flat, NAMES)
    display = ImagePredictionsDisplay.from_estimator(pipeline, flat, NAMES, n_images=4)
    np.testing.assert_array_equal(display.images, 255 * IMAGES[:4])
    assert display.frame()["predicted"].tolist() == pipeline.predict(flat[:4]).tolist()


def test_image_shape_is_that_of_the_rows_passed_to_a_pipeline():
    # The final step's image_shape_ differs from that of X, whose rows form square images.
    net = ShapeConvClassifier(3, filters=2, epochs=1, random_state=0)
    pipeline = make_pipeline(PCA(9), net).fit(DIGITS[:100], DIGIT_LABELS[:100])
    display = ImagePredictionsDisplay.from_estimator(pipeline, DIGITS, n_images=2)
    np.testing.assert_array_equal(display.images, DIGITS[:2].reshape(2, 8, 8))


def test_image_shape_reshapes_flattened_rows(logistic):
    display = ImagePredictionsDisplay.from_estimator(
        logistic, DIGITS, n_images=2, image_shape=(4, 16)
    )
    assert display.images.shape == (2, 4, 16)
    with pytest.raises(ValueError, match=r"64 values, which don't form an image of shape \(4, 4"):
        ImagePredictionsDisplay.from_estimator(logistic, DIGITS, image_shape=(4, 4))


def test_sparse_rows_are_drawn(logistic):
    rows = sparse.csr_array(DIGITS)
    display = ImagePredictionsDisplay.from_estimator(logistic, rows, DIGIT_LABELS, n_images=2)
    np.testing.assert_array_equal(display.images, DIGITS[:2].reshape(2, 8, 8))


def test_grey_images_share_one_range_of_values():
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


def test_images_fill_the_grid_row_by_row():
    drawn = ImagePredictionsDisplay(
        images=np.zeros((6, 4, 4)), predicted=list("abcdef"), probability=np.ones(6)
    ).plot()
    places = [ax.get_subplotspec() for ax in drawn.axes_]
    found = [(place.rowspan.start, place.colspan.start) for place in places]
    assert found == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [ax.get_title()[0] for ax in drawn.axes_] == list("abcdef")


@pytest.mark.parametrize("part", ["figure", "subfigure"])
def test_from_estimator_draws_in_the_given_figure(conv, part):
    figure = plt.figure()
    given = figure if part == "figure" else figure.subfigures(1, 2)[0]
    display = ImagePredictionsDisplay.from_estimator(conv, IMAGES, fig=given, n_images=4)
    assert display.figure_ is given
    assert plt.get_fignums() == [figure.number]
    assert given.axes == list(display.axes_)


# ------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("n_images", [0, -1, 2.5, "all", None])
def test_n_images_must_be_a_positive_int(logistic, n_images):
    with pytest.raises(ValueError, match=r"'n_images' parameter of .* must be an int in the range"):
        ImagePredictionsDisplay.from_estimator(logistic, DIGITS, n_images=n_images)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (DIGITS, DIGIT_LABELS[:-1], "inconsistent numbers of samples"),
        (DIGITS[:3], np.eye(3), "Got one-hot encoded y"),
        (DIGITS[:3], ["zero", "one", "two"], r"Got y with labels such as .*zero.*: \[0, 1, 2, 3\]"),
        (DIGITS[:0], None, "Got an X without rows"),
    ],
)
def test_data_that_cannot_be_drawn_is_an_error(logistic, X, y, message):
    with pytest.raises(ValueError, match=message):
        ImagePredictionsDisplay.from_estimator(logistic, X, y)


def test_pipeline_that_reads_the_images_is_an_error_that_names_the_fix(logistic):
    reading = FunctionTransformer(lambda paths: DIGITS[: len(paths)])
    paths = np.array([["a.png"], ["b.png"]])[:, 0]
    pipeline = make_pipeline(reading, logistic)
    with pytest.raises(ValueError, match=r"shape \(2,\); .*from_estimator\(pipeline\[-1\], images"):
        ImagePredictionsDisplay.from_estimator(pipeline, paths)


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (ShapeConvClassifier(), NotFittedError, "This ShapeConvClassifier .* is not fitted yet"),
        (ShapeConvClassifier, TypeError, "Got the class ShapeConvClassifier"),
        (RidgeClassifier(), TypeError, r"Got RidgeClassifier\(\), which has no predict_proba"),
        (GridSearchCV(ShapeConvClassifier(), {}), NotFittedError, "GridSearchCV .* is not fitted"),
    ],
)
def test_estimators_without_probabilities_are_an_error(estimator, error, message):
    with pytest.raises(error, match=message):
        ImagePredictionsDisplay.from_estimator(estimator, IMAGES)


def test_label_names_for_a_single_label_estimator_are_an_error(logistic):
    with pytest.raises(
        ValueError, match=r"label_names=\['a'\] for LogisticReg.* one label per row; e"
    ):
        ImagePredictionsDisplay.from_estimator(logistic, DIGITS, label_names=["a"])
