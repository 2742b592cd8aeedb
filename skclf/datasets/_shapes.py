"""Images of filled shapes, computed by array arithmetic in blocks of images.

A shape is a function that says which pixels lie inside it, given each pixel's distance from the
centre: `down` of shape (n, height, 1), `right` of shape (n, 1, width) and `radius` of shape
(n, 1, 1), all whole pixels. It stays within the square of side ``2 * radius + 1`` around its
centre, so that every shape lies wholly inside its image.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch, check_random_state, gen_batches

from skclf._constraints import Interval, validate_params
from skclf._typing import keeps_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skclf._typing import RandomState

DESCR = """\
Shapes
------

Grey images of filled shapes: white (1.0) on black (0.0), at random places and of random sizes,
wholly inside the image. Places and sizes are whole pixels. If noise is requested, normal noise is
added to every pixel, and the result is clipped to [0, 1].

By default each image holds one shape, and each kind of shape occurs equally often (the counts
differ by one at most), in random order. The target is the kind, as an integer.

With multilabel=True each kind of shape is present in an image with probability 1/2, independently
of the others and at most once, so that images hold none, one or several shapes. Shapes may overlap,
and a small one may lie wholly behind a larger one. The target is an indicator matrix: a column for
each kind, with 1 where it is present.

With a radius of 1, all kinds except the square have the same pixels; from 2 on, all differ.
"""

# Pixels per block: few enough for a processor's cache, many enough that the loop costs little.
BLOCK_PIXELS = 2**18


def _square(down, right, radius):
    return (np.abs(down) <= radius) & (np.abs(right) <= radius)


def _circle(down, right, radius):
    """Reaches half a pixel beyond `radius`, or else single pixels would stick out at four ends."""
    return down**2 + right**2 < radius * (radius + 1)


def _triangle(down, right, radius):
    """Points up; at the bottom it is as wide as the square."""
    return (2 * np.abs(right) <= down + radius) & (down <= radius)


def _diamond(down, right, radius):
    return np.abs(down) + np.abs(right) <= radius


def _cross(down, right, radius):
    """Upright; its arms are about a third of the square's side."""
    arm = radius // 3
    across, along = np.abs(right), np.abs(down)
    return ((along <= arm) & (across <= radius)) | ((across <= arm) & (along <= radius))


SHAPES = {
    "square": _square,
    "circle": _circle,
    "triangle": _triangle,
    "diamond": _diamond,
    "cross": _cross,
}


def _check_pair(value, name, meaning):
    """Return two whole numbers of at least 1, or raise an error that says what is expected."""
    numbers = list(value)
    whole = all(isinstance(number, Integral) and number >= 1 for number in numbers)
    if len(numbers) != 2 or not whole:
        raise ValueError(
            f"Got {name}={value!r}, but expected {meaning}: two whole numbers of at least 1."
        )
    return int(numbers[0]), int(numbers[1])


def _check_geometry(image_shape, radius):
    """Return height, width, smallest and largest radius, after a check that they fit together."""
    height, width = _check_pair(image_shape, "image_shape", "(height, width) in pixels")
    smallest, largest = _check_pair(radius, "radius", "(smallest, largest) in pixels")
    if smallest > largest:
        raise ValueError(
            f"Got radius={radius!r}, but expected the smallest before the largest; "
            f"use radius=({largest}, {smallest})."
        )
    fitting = (min(height, width) - 1) // 2
    if largest > fitting:
        raise ValueError(
            f"Got radius={radius!r} with image_shape={image_shape!r}, but a shape of radius "
            f"{largest} is {2 * largest + 1} pixels wide and high; use radii up to {fitting}, or "
            "larger images."
        )
    return height, width, smallest, largest


def _check_shapes(shapes):
    """Return the names as a list, after a check that there are two or more, all different."""
    names = [shapes] if isinstance(shapes, str) else list(shapes)
    unknown = [name for name in names if name not in SHAPES]
    if unknown or len(set(names)) != len(names) or len(names) < 2:
        raise ValueError(
            f"Got shapes={shapes!r}, but expected at least two different names out of "
            f"{list(SHAPES)}."
        )
    return names


def _pixels_inside(image_shape, kinds, present, centres, radii):
    """Which pixels lie inside at least one of their image's shapes.

    Parameters
    ----------
    image_shape : tuple (height, width)
    kinds : list of str
    present : ndarray of bool of shape (n_images, n_kinds)
        Whether an image holds a shape of a kind.
    centres : ndarray of int of shape (n_images, n_kinds, 2)
    radii : ndarray of int of shape (n_images, n_kinds, 1)

    Returns
    -------
    ndarray of bool of shape (n_images, height, width)
    """
    height, width = image_shape
    inside = np.zeros((len(present), height, width), dtype=bool)
    for code, kind in enumerate(kinds):
        images = np.flatnonzero(present[:, code])
        centre, radius = centres[images, code], radii[images, code]
        down = np.arange(height) - centre[:, :1]
        right = np.arange(width) - centre[:, 1:]
        inside[images] |= SHAPES[kind](
            down[:, :, np.newaxis], right[:, np.newaxis, :], radius[:, np.newaxis]
        )
    return inside


@keeps_type(
    validate_params(
        {
            "n_samples": [Interval(Integral, 1, None, closed="left")],
            "image_shape": [tuple, list],
            "radius": [tuple, list],
            "random_state": ["random_state"],
            "shapes": [tuple, list],
            "noise": [Interval(Real, 0, np.inf, closed="left")],
            "multilabel": ["boolean"],
            "return_X_y": ["boolean"],
        },
        prefer_skip_nested_validation=True,
    )
)
def make_shapes(
    n_samples: int = 1000,
    image_shape: Sequence[int] = (64, 64),
    radius: Sequence[int] = (10, 20),
    random_state: int | RandomState | None = None,
    *,
    shapes: Sequence[str] = ("square", "circle"),
    noise: float = 0.0,
    multilabel: bool = False,
    return_X_y: bool = False,
) -> Bunch | tuple[Any, Any]:
    """Make grey images of filled shapes, such as squares and circles.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of images.

    image_shape : tuple of two ints, default=(64, 64)
        Height and width of each image in pixels.

    radius : tuple of two ints, default=(10, 20)
        Smallest and largest half-size of a shape in pixels, both included. A shape of radius
        `r` fills a square of side ``2 * r + 1`` from edge to edge.

    random_state : int, RandomState instance or None, default=None
        Determines random number generation. Pass an int for the same data at each call.

    shapes : tuple of str, default=("square", "circle")
        The kinds of shape, at least two of ``"square"``, ``"circle"``, ``"triangle"``,
        ``"diamond"`` and ``"cross"``. Their order is the order of the classes, or of the
        target's columns.

    noise : float, default=0.0
        Standard deviation of the normal noise that is added to each pixel before the pixels are
        clipped to [0, 1].

    multilabel : bool, default=False
        Whether an image holds none, one or several kinds of shapes instead of exactly one. Each
        kind is then present with probability 1/2, independently of the others and at most once,
        with its own place and size. Shapes may overlap, and a larger one may hide a smaller one.

    return_X_y : bool, default=False
        Whether to return ``(X, y)`` instead of a `Bunch`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with these keys and attributes:

        data : ndarray of shape (n_samples, height, width), float32
            The images, from 0 (black) to 1 (white).
        images : ndarray of shape (n_samples, height, width), float32
            The same array as `data`.
        target : ndarray of shape (n_samples,) or (n_samples, n_kinds), int64
            The class of each image, an index into `target_names`. If `multilabel` is True, an
            indicator matrix: 1 where an image holds a shape of the column's kind, else 0.
        target_names : ndarray of shape (n_kinds,), str
            The kinds of shape, in the order of `shapes`.
        DESCR : str
            The description of the set.

    (X, y) : tuple
        `data` and `target` alone, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If a parameter has a wrong type or lies out of range, or if the largest radius does not
        fit into the image.

    See Also
    --------
    make_low_high : Rows of numbers instead of images.

    Examples
    --------
    >>> from skclf.datasets import make_shapes
    >>> bunch = make_shapes(4, image_shape=(7, 9), radius=(2, 3), random_state=0)
    >>> bunch.data.shape
    (4, 7, 9)
    >>> bunch.target_names[bunch.target]
    array(['square', 'circle', 'circle', 'square'], dtype='<U6')
    >>> for row in bunch.images[1].astype(int):
    ...     print("".join("-#"[pixel] for pixel in row))
    ---###---
    --#####--
    -#######-
    -#######-
    -#######-
    --#####--
    ---###---

    Images with none, one or several kinds of shapes:

    >>> X, y = make_shapes(5, image_shape=(7, 9), radius=(2, 3), multilabel=True, random_state=0,
    ...                    return_X_y=True)
    >>> y
    array([[0, 1],
           [1, 0],
           [1, 1],
           [1, 1],
           [1, 1]])
    """
    height, width, smallest, largest = _check_geometry(image_shape, radius)
    kinds = _check_shapes(shapes)
    rng = check_random_state(random_state)
    if multilabel:
        target = rng.randint(2, size=(n_samples, len(kinds)), dtype=np.int64)
        present = target.astype(bool)
    else:
        target = rng.permutation(np.arange(n_samples, dtype=np.int64) % len(kinds))
        present = target[:, np.newaxis] == np.arange(len(kinds))
    n_places = len(kinds) if multilabel else 1
    radii = rng.randint(smallest, largest + 1, size=(n_samples, n_places, 1))
    centres = rng.randint(radii, np.array([height, width]) - radii)
    # No copy: the single place of an image is that of its only shape, whatever its kind.
    radii = np.broadcast_to(radii, (n_samples, len(kinds), 1))
    centres = np.broadcast_to(centres, (n_samples, len(kinds), 2))
    images = np.empty((n_samples, height, width), dtype=np.float32)
    # A Generator draws float32 numbers several times faster than a RandomState draws float64.
    normal = np.random.default_rng(rng.randint(2**31)).standard_normal if noise else None
    for rows in gen_batches(n_samples, max(1, BLOCK_PIXELS // (height * width))):
        images[rows] = _pixels_inside(
            (height, width), kinds, present[rows], centres[rows], radii[rows]
        )
        if normal is not None:
            images[rows] += np.float32(noise) * normal(images[rows].shape, dtype=np.float32)
            np.clip(images[rows], 0, 1, out=images[rows])
    if return_X_y:
        return images, target
    return Bunch(
        data=images, images=images, target=target, target_names=np.array(kinds), DESCR=DESCR
    )
