"""Generate images of filled shapes by array arithmetic, in blocks of images.

Each shape is a function that returns which pixels are inside it, given each pixel's distance from
the centre: `down` of shape (n, height, 1), `right` of shape (n, 1, width) and `radius` of shape
(n, 1, 1), all in whole pixels. A shape must not extend beyond the square of side ``2 * radius + 1``
around its centre, so that it fits into the image.
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
of the others and at most once, so an image has no shape, one or several. Shapes may overlap, and a
large one may hide a small one. The target is an indicator matrix: a column for
each kind, with 1 where it is present.

With a radius of 1, all kinds except the square have the same pixels; from 2 on, all differ.
"""

# Pixels per block: few enough for a processor's cache, many enough that the loop costs little.
BLOCK_PIXELS = 2**18


def _square(down, right, radius):
    return (np.abs(down) <= radius) & (np.abs(right) <= radius)


def _circle(down, right, radius):
    """Extends half a pixel beyond `radius`, so that no single pixel sticks out at its four ends."""
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
    """Return two integers of at least 1, or raise an error that says what is expected."""
    numbers = list(value)
    whole = all(isinstance(number, Integral) and number >= 1 for number in numbers)
    if len(numbers) != 2 or not whole:
        raise ValueError(f"Got {name}={value!r}; expected {meaning}: two integers of at least 1.")
    return int(numbers[0]), int(numbers[1])


def _check_geometry(image_shape, radius):
    """Return height, width, smallest and largest radius, after checking that they fit together."""
    height, width = _check_pair(image_shape, "image_shape", "(height, width) in pixels")
    smallest, largest = _check_pair(radius, "radius", "(smallest, largest) in pixels")
    if smallest > largest:
        raise ValueError(
            f"Got radius={radius!r}; expected the smallest radius before the largest. "
            f"Use radius=({largest}, {smallest})."
        )
    fitting = (min(height, width) - 1) // 2
    if largest > fitting:
        raise ValueError(
            f"Got radius={radius!r} with image_shape={image_shape!r}; expected radii of at most "
            f"{fitting}, because a shape of radius {largest} is {2 * largest + 1} pixels wide and "
            "high. Use smaller radii or larger images."
        )
    return height, width, smallest, largest


def _check_shapes(shapes):
    """Return the names as a list, after checking that there are at least two different ones."""
    names = [shapes] if isinstance(shapes, str) else list(shapes)
    unknown = [name for name in names if name not in SHAPES]
    if unknown or len(set(names)) != len(names) or len(names) < 2:
        raise ValueError(
            f"Got shapes={shapes!r}; expected at least two different names out of {list(SHAPES)}."
        )
    return names


def _pixels_inside(image_shape, kinds, present, centres, radii):
    """Return which pixels are inside at least one of their image's shapes.

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
    """Generate greyscale images of filled shapes, such as squares and circles.

    The shapes are white on black, at random positions and in random sizes, and lie entirely inside
    the image.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of images to generate.

    image_shape : tuple of two ints, default=(64, 64)
        Height and width of each image in pixels.

    radius : tuple of two ints, default=(10, 20)
        Smallest and largest radius of a shape in pixels, both included. A shape of radius `r` is
        ``2 * r + 1`` pixels wide and high.

    random_state : int, RandomState instance or None, default=None
        Controls the random numbers. Pass an int to get the same data at each call.

    shapes : tuple of str, default=("square", "circle")
        The kinds of shape, at least two of ``"square"``, ``"circle"``, ``"triangle"``,
        ``"diamond"`` and ``"cross"``. Their order is the order of the classes, or of the
        target's columns.

    noise : float, default=0.0
        Standard deviation of the normal noise that is added to each pixel before the pixels are
        clipped to [0, 1].

    multilabel : bool, default=False
        Whether an image may have no shape, one or several, instead of exactly one. Each kind is
        then present with probability 1/2, independently of the others and at most once, with its
        own position and size. Shapes may overlap, and a large one may hide a small one.

    return_X_y : bool, default=False
        Whether to return ``(X, y)`` instead of a `sklearn.utils.Bunch`.

    Returns
    -------
    bunch : `sklearn.utils.Bunch`
        Dictionary-like object with these keys and attributes:

        data : ndarray of shape (n_samples, height, width), float32
            The images, from 0 (black) to 1 (white).
        images : ndarray of shape (n_samples, height, width), float32
            The same array as `data`.
        target : ndarray of shape (n_samples,) or (n_samples, n_kinds), int64
            The class of each image, an index into `target_names`. If `multilabel` is True, an
            indicator matrix: 1 if the image has a shape of the column's kind, else 0.
        target_names : ndarray of shape (n_kinds,), str
            Names of the kinds of shape, in the order of `shapes`.
        DESCR : str
            Description of the data set and its source.

    (X, y) : tuple
        Only `data` and `target`, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If a parameter has a wrong type or is out of range, or if the largest radius does not
        fit into the image.

    See Also
    --------
    make_low_high : Generates rows of numbers instead of images.

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

    Images with no shape, one or several:

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
    # Without a copy: an image with one shape has one radius and centre, whatever the shape's kind.
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
