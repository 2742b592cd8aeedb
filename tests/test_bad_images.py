"""Errors for images: shapes, the order of their axes, and sparse rows."""

import numpy as np
import pytest
from bad_input import IMAGES, RNG, Y, assert_fails_and_stays_unchanged, fitted_conv_net, new_conv
from scipy import sparse


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            IMAGES[:, :4],
            r"images of shape \(4, 4, 1\).*expected images of shape \(5, 4, 1\), on which",
        ),
        (IMAGES.transpose(0, 2, 1), r"images of shape \(4, 5, 1\) \(height, width, channels\)"),
        (np.stack([IMAGES] * 3, axis=-1), r"images of shape \(5, 4, 3\)"),
        (
            IMAGES.reshape(12, -1)[:, :7],
            "X has 7 features, but ShapeConvClassifier is expecting 20",
        ),
        (
            IMAGES[0],
            r"shape \(5, 4\), which is the shape of a single image; expected a batch",
        ),
        (
            IMAGES[0][..., np.newaxis],
            r"is the shape of a single image; expected a batch of images. Pass X\[np.newaxis\]",
        ),
        (IMAGES.ravel(), "Expected 2D array, got 1D array"),
        (IMAGES[None, None], r"Got X of shape \(1, 1, 12, 5, 4\); expected images of shape"),
        (IMAGES[:0], r"0 sample\(s\)"),
        (np.where(IMAGES > 0.9, np.nan, IMAGES), "X contains NaN"),
        (IMAGES + 1j, "Complex data not supported"),
        (np.full(IMAGES.shape, "spam"), "Got text"),
        ([np.zeros((2, 2)), np.zeros((3, 3))], "Got rows of different shapes.*Resize"),
    ],
    ids=lambda value: str(np.shape(value)) if isinstance(value, np.ndarray) else "",
)
@pytest.mark.parametrize("method", ["predict", "fit", "partial_fit", "evaluate"])
def test_bad_images_are_an_error(method, images, message):
    arguments = (images,) if method == "predict" else (images, Y[: len(images)])
    assert_fails_and_stays_unchanged(
        fitted_conv_net(),
        IMAGES,
        lambda clf: getattr(clf, method)(*arguments),
        ValueError,
        f"(?s){message}",
    )


CHANNELS_FIRST = RNG.rand(12, 3, 8, 9)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "evaluate"])
def test_error_for_channels_first_names_the_fix(method):
    message = r"\(3, 8, 9\), which seem to have their channels first;.*np\.moveaxis\(X, 1, -1\)"
    clf = new_conv(warm_start=True).fit(np.moveaxis(CHANNELS_FIRST, 1, -1), Y)
    arguments = (CHANNELS_FIRST,) if method == "predict" else (CHANNELS_FIRST, Y)
    assert_fails_and_stays_unchanged(
        clf,
        np.moveaxis(CHANNELS_FIRST, 1, -1),
        lambda clf: getattr(clf, method)(*arguments),
        ValueError,
        message,
    )


def test_image_shape_overrides_the_check_for_channels_first():
    clf = new_conv(image_shape=(3, 8, 9)).fit(CHANNELS_FIRST, Y)
    assert clf.image_shape_ == (3, 8, 9)
    assert clf.predict(CHANNELS_FIRST).shape == (12,)


def test_sparse_images_are_an_error():
    rows = sparse.csr_array(IMAGES.reshape(12, -1))
    for call in (lambda clf: clf.fit(rows, Y), lambda clf: clf.predict(rows)):
        assert_fails_and_stays_unchanged(
            fitted_conv_net(),
            IMAGES,
            call,
            TypeError,
            r"Sparse data was passed.*Use '\.toarray\(\)'",
        )
