"""The generated data sets: make_shapes and make_low_high."""

import inspect
import re
import subprocess
import sys
import zlib

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch
from sklearn.utils.multiclass import type_of_target

from skclf.datasets import (
    _shapes,
    fetch_imdb,
    fetch_newsgroups,
    fetch_reuters,
    make_low_high,
    make_shapes,
)

ALL_SHAPES = ("square", "circle", "triangle", "diamond", "cross")


# ---------------------------------------------------------------------------------------- shapes


def test_shapes_bunch():
    bunch = make_shapes(21, image_shape=(30, 50), radius=(3, 9), random_state=0)
    assert isinstance(bunch, Bunch)
    assert bunch.data.shape == (21, 30, 50)
    assert bunch.data.dtype == np.float32
    assert bunch.images is bunch.data
    assert bunch.target.dtype == np.int64
    assert bunch.target_names.tolist() == ["square", "circle"]
    assert sorted(np.bincount(bunch.target)) == [10, 11]
    assert set(np.unique(bunch.data)) == {0, 1}
    assert "white" in bunch.DESCR


PICTURES = {
    "square": ["#####", "#####", "#####", "#####", "#####"],
    "circle": [".###.", "#####", "#####", "#####", ".###."],
    "triangle": ["..#..", "..#..", ".###.", ".###.", "#####"],
    "diamond": ["..#..", ".###.", "#####", ".###.", "..#.."],
    "cross": ["..#..", "..#..", "#####", "..#..", "..#.."],
}


@pytest.mark.parametrize("kind", ALL_SHAPES)
def test_shapes_pixels(kind):
    bunch = make_shapes(5, image_shape=(5, 5), radius=(2, 2), shapes=ALL_SHAPES, random_state=0)
    image = bunch.images[bunch.target_names[bunch.target] == kind][0]
    assert ["".join(".#"[int(pixel)] for pixel in row) for row in image] == PICTURES[kind]


def test_shapes_have_requested_sizes_and_lie_inside_image():
    bunch = make_shapes(400, image_shape=(24, 31), radius=(3, 6), random_state=1, shapes=ALL_SHAPES)
    radii = []
    for image, code in zip(bunch.images, bunch.target, strict=True):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        height, width = (lines[-1] - lines[0] + 1 for lines in (rows, columns))
        radius = (height - 1) // 2
        assert height == width == 2 * radius + 1
        radii.append(radius)
        shape = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if bunch.target_names[code] == "circle":
            distances = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1])
            assert np.array_equal(shape, distances < np.sqrt(radius * (radius + 1)))
        assert np.array_equal(shape, shape[:, ::-1])
    assert set(radii) == {3, 4, 5, 6}
    touched = bunch.images.any(axis=0)
    assert all(edge.any() for edge in (touched[0], touched[-1], touched[:, 0], touched[:, -1]))


def test_shapes_depend_only_on_seed(monkeypatch):
    options = {"n_samples": 50, "image_shape": (16, 16), "radius": (2, 5), "noise": 0.1}
    first = make_shapes(**options, random_state=3)
    again = make_shapes(**options, random_state=np.random.RandomState(3))
    other = make_shapes(**options, random_state=4)
    assert np.array_equal(first.data, again.data)
    assert np.array_equal(first.target, again.target)
    assert not np.array_equal(first.data, other.data)
    monkeypatch.setattr(_shapes, "BLOCK_PIXELS", 16 * 16 * 7)
    assert np.array_equal(first.data, make_shapes(**options, random_state=3).data)


def test_shapes_noise():
    options = {"n_samples": 50, "image_shape": (32, 32), "radius": (4, 8), "random_state": 0}
    clean, noisy = make_shapes(**options).data, make_shapes(**options, noise=0.05).data
    assert noisy.dtype == np.float32
    assert noisy.min() == 0
    assert noisy.max() == 1
    assert np.array_equal(noisy.round(), clean)
    # Clipping leaves half of the normal distribution: its root mean square is noise / sqrt(2).
    assert np.sqrt(np.mean((noisy - clean) ** 2)) == pytest.approx(0.05 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize(
    ("options", "checksum"),
    [
        ({"n_samples": 300}, 2111478248),
        (
            {"n_samples": 50, "image_shape": (24, 31), "radius": (3, 6), "shapes": ALL_SHAPES},
            1038127684,
        ),
    ],
    ids=["defaults", "all shapes"],
)
def test_shapes_of_fixed_seed_are_stable(options, checksum):
    images = make_shapes(**options, random_state=0).images
    assert zlib.crc32(np.packbits(images.astype(bool)).tobytes()) == checksum


# -------------------------------------------------------------------------------- multilabel shapes

MULTILABEL = {
    "image_shape": (24, 31),
    "radius": (3, 6),
    "shapes": ALL_SHAPES,
    "multilabel": True,
    "random_state": 0,
}


def test_multilabel_shapes_bunch():
    bunch = make_shapes(21, image_shape=(30, 50), radius=(3, 9), multilabel=True, random_state=0)
    assert bunch.data.shape == (21, 30, 50)
    assert bunch.data.dtype == np.float32
    assert set(np.unique(bunch.data)) == {0, 1}
    assert bunch.target.shape == (21, 2)
    assert bunch.target.dtype == np.int64
    assert bunch.target_names.tolist() == ["square", "circle"]
    assert type_of_target(bunch.target) == "multilabel-indicator"
    assert "multilabel=True" in bunch.DESCR


def test_multilabel_shapes_are_independent_with_probability_one_half():
    target = make_shapes(2_000, **MULTILABEL).target
    assert np.abs(target.mean(axis=0) - 0.5).max() < 0.05
    assert np.abs(np.corrcoef(target.T) - np.eye(5)).max() < 0.1
    assert set(target.sum(axis=1)) == {0, 1, 2, 3, 4, 5}


def test_images_without_shapes_are_black():
    bunch = make_shapes(200, **MULTILABEL)
    is_black = ~bunch.images.any(axis=(1, 2))
    assert is_black.any()
    np.testing.assert_array_equal(is_black, ~bunch.target.any(axis=1))


def test_multilabel_image_is_union_of_one_shape_per_label():
    bunch = make_shapes(15, **MULTILABEL)
    centres = np.stack(np.mgrid[:24, :31], axis=-1).reshape(-1, 2)
    for image, kinds in zip(bunch.images, bunch.target, strict=True):
        fitting = np.zeros(image.shape, dtype=bool)
        for code in np.flatnonzero(kinds):
            placed = shapes_within(image > 0, ALL_SHAPES[code], centres)
            assert len(placed), "no complete shape of this kind in the white pixels"
            fitting |= placed.any(axis=0)
        np.testing.assert_array_equal(fitting, image > 0)


def shapes_within(white, kind, centres):
    """All shapes of a kind that lie inside the image and cover only white pixels."""
    found = []
    for radius in range(3, 7):
        (low, left), (high, right) = (radius, radius), np.array(white.shape) - radius
        inside = (centres >= (low, left)).all(axis=1) & (centres < (high, right)).all(axis=1)
        for centre in centres[inside]:
            down, to_right = np.ogrid[: white.shape[0], : white.shape[1]]
            shape = _shapes.SHAPES[kind](down - centre[0], to_right - centre[1], radius)
            if (white | ~shape).all():
                found.append(shape)
    return np.array(found)


def test_multilabel_shapes_have_different_positions():
    options = MULTILABEL | {"shapes": ("square", "diamond")}
    bunch = make_shapes(100, **options)
    both = bunch.images[bunch.target.all(axis=1)]
    assert len(both) > 10
    extents = [np.ptp(np.flatnonzero(image.any(axis=0))) for image in both]
    # Two shapes at the same position would never be wider than the larger one.
    assert max(extents) > 2 * 6 + 1


def test_multilabel_shapes_reach_all_edges():
    touched = make_shapes(400, **MULTILABEL).images.any(axis=0)
    assert all(edge.any() for edge in (touched[0], touched[-1], touched[:, 0], touched[:, -1]))


def test_multilabel_shapes_depend_only_on_seed(monkeypatch):
    first = make_shapes(50, noise=0.1, **MULTILABEL)
    again = make_shapes(50, noise=0.1, **MULTILABEL | {"random_state": np.random.RandomState(0)})
    other = make_shapes(50, noise=0.1, **MULTILABEL | {"random_state": 1})
    np.testing.assert_array_equal(first.data, again.data)
    np.testing.assert_array_equal(first.target, again.target)
    assert not np.array_equal(first.target, other.target)
    monkeypatch.setattr(_shapes, "BLOCK_PIXELS", 24 * 31 * 7)
    np.testing.assert_array_equal(first.data, make_shapes(50, noise=0.1, **MULTILABEL).data)


def test_shapes_return_X_y():
    X, y = make_shapes(6, random_state=0, return_X_y=True)
    bunch = make_shapes(6, random_state=0)
    assert np.array_equal(X, bunch.data)
    assert np.array_equal(y, bunch.target)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "'n_samples' parameter of make_shapes"),
        ({"noise": -1}, "'noise' parameter of make_shapes"),
        ({"noise": float("nan")}, "'noise' parameter of make_shapes"),
        ({"noise": float("inf")}, "'noise' parameter of make_shapes"),
        ({"image_shape": 64}, "'image_shape' parameter of make_shapes"),
        ({"image_shape": (64, 64, 3)}, r"image_shape=\(64, 64, 3\); expected \(height, width"),
        ({"image_shape": (64, 6.5)}, "two integers"),
        ({"radius": (0, 5)}, r"radius=\(0, 5\); expected \(smallest, largest\)"),
        ({"radius": (20, 10)}, r"Use radius=\(10, 20\)"),
        ({"image_shape": (64, 40)}, r"at most 19, because .* radius 20 is 41 pixels wide and high"),
        ({"shapes": "square"}, "'shapes' parameter of make_shapes"),
        ({"shapes": ("square",)}, "at least two different names"),
        ({"shapes": ("square", "square")}, "at least two different names"),
        ({"shapes": ("square", "star")}, r"\('square', 'star'\); .*'triangle'"),
        ({"random_state": "seed"}, "'random_state' parameter of make_shapes"),
        ({"multilabel": "yes"}, "'multilabel' parameter of make_shapes"),
    ],
)
def test_shapes_invalid_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        make_shapes(**options)


# -------------------------------------------------------------------------------------- low, high


def test_low_high_labels():
    bunch = make_low_high(500, random_state=0)
    assert bunch.data.shape == (500, 4)
    assert bunch.data.min() >= 0
    assert bunch.data.max() <= 100
    expected = ["low" if sum(row) / 4 < 50 else "high" for row in bunch.data.tolist()]
    assert bunch.target.tolist() == expected
    assert 0.4 < np.mean(bunch.target == "low") < 0.6
    assert bunch.target_names.tolist() == sorted(set(expected))
    assert len(bunch.feature_names) == 4
    assert bunch.frame is None
    assert "mean" in bunch.DESCR


def test_low_high_depends_only_on_seed():
    X, y = make_low_high(20, random_state=5, return_X_y=True)
    again = make_low_high(20, random_state=np.random.RandomState(5))
    assert np.array_equal(X, again.data)
    assert np.array_equal(y, again.target)
    assert not np.array_equal(X, make_low_high(20, random_state=6).data)


def test_low_high_as_frame():
    plain = make_low_high(20, random_state=0)
    bunch = make_low_high(20, random_state=0, as_frame=True)
    assert isinstance(bunch.data, pd.DataFrame)
    assert isinstance(bunch.target, pd.Series)
    assert bunch.data.columns.tolist() == bunch.feature_names
    assert bunch.frame.columns.tolist() == [*bunch.feature_names, "target"]
    assert np.array_equal(bunch.data.to_numpy(), plain.data)
    assert bunch.target.tolist() == plain.target.tolist()


@pytest.mark.parametrize("name", ["n_samples", "random_state", "return_X_y", "as_frame"])
def test_low_high_invalid_parameters(name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of make_low_high"):
        make_low_high(**{name: -1.5})


# ------------------------------------------------------------------------------------ all data sets


def entries(section):
    """The entries of a docstring's section, by name; some may be indented."""
    paragraphs = re.split(r"\n+(?= *\w+ : )", section)
    return {text.split(" : ")[0].strip(): text.strip() for text in paragraphs if " : " in text}


@pytest.mark.parametrize(
    ("one", "other", "own"),
    [
        (fetch_imdb, fetch_reuters, {"source", "data", "target", "target_names"}),
        (fetch_imdb, fetch_newsgroups, {"source", "data", "target", "target_names"}),
        (make_shapes, make_low_high, {"n_samples", "data", "target", "target_names"}),
    ],
)
def test_shared_descriptions_are_equal(one, other, own):
    for title, following in (("Parameters\n", "Returns\n"), ("Returns\n", "Raises\n")):
        texts, others = (
            entries(inspect.getdoc(function).split(title)[1].split(following)[0])
            for function in (one, other)
        )
        if title == "Parameters\n":
            assert list(texts) == list(inspect.signature(one).parameters)
        shared = (texts.keys() & others.keys()) - own
        assert len(shared) >= 2
        assert {name: texts[name] for name in shared} == {name: others[name] for name in shared}


def test_import_loads_no_tensorflow():
    code = (
        "import sys, skclf.datasets\n"
        "skclf.datasets.make_shapes(2, random_state=0)\n"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
