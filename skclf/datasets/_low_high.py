"""The smallest data set: four numbers, and whether their mean is low or high."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from skclf._constraints import Interval, validate_params
from skclf._typing import keeps_type

if TYPE_CHECKING:
    from skclf._typing import RandomState

DESCR = """\
Low and high
------------

Each row holds four numbers, drawn uniformly and independently from 0 to 100. Its label is "high"
if their mean is 50 or more, and "low" otherwise. The two labels are about equally frequent and
linearly separable, so a classifier can reach an accuracy of 1.
"""

FEATURE_NAMES = ["first", "second", "third", "fourth"]
UPPER_BOUND = 100
THRESHOLD = 50


@keeps_type(
    validate_params(
        {
            "n_samples": [Interval(Integral, 1, None, closed="left")],
            "random_state": ["random_state"],
            "return_X_y": ["boolean"],
            "as_frame": ["boolean"],
        },
        prefer_skip_nested_validation=True,
    )
)
def make_low_high(
    n_samples: int = 1000,
    random_state: int | RandomState | None = None,
    *,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Bunch | tuple[Any, Any]:
    """Generate rows of four numbers, labelled by whether their mean is below 50.

    The numbers are drawn uniformly and independently from 0 to 100. The label is ``"high"`` if
    their mean is 50 or more, else ``"low"``.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rows to generate.

    random_state : int, RandomState instance or None, default=None
        Controls the random numbers. Pass an int to get the same data at each call.

    return_X_y : bool, default=False
        Whether to return ``(X, y)`` instead of a `sklearn.utils.Bunch`.

    as_frame : bool, default=False
        Whether to return `data` as a `pandas.DataFrame` with named columns, and `target` as a
        `pandas.Series`.

    Returns
    -------
    bunch : `sklearn.utils.Bunch`
        Dictionary-like object with these keys and attributes:

        data : ndarray or DataFrame of shape (n_samples, 4), float64
            The numbers, from 0 up to 100.
        target : ndarray or Series of shape (n_samples,), str
            ``"low"`` if the row's mean is below 50, else ``"high"``.
        target_names : ndarray of shape (2,), str
            ``["high", "low"]``, sorted like the `classes_` of a classifier.
        feature_names : list of str
            The names of the four columns.
        frame : DataFrame of shape (n_samples, 5)
            `data` and `target` in one DataFrame; None without `as_frame`.
        DESCR : str
            Description of the data set and its source.

    (X, y) : tuple
        Only `data` and `target`, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If a parameter has a wrong type or is out of range.

    See Also
    --------
    make_shapes : Generates images instead of rows of numbers.

    Examples
    --------
    >>> from skclf.datasets import make_low_high
    >>> bunch = make_low_high(5, random_state=0)
    >>> bunch.data.round(1)
    array([[54.9, 71.5, 60.3, 54.5],
           [42.4, 64.6, 43.8, 89.2],
           [96.4, 38.3, 79.2, 52.9],
           [56.8, 92.6,  7.1,  8.7],
           [ 2. , 83.3, 77.8, 87. ]])
    >>> bunch.target
    array(['high', 'high', 'high', 'low', 'high'], dtype='<U4')
    """
    rng = check_random_state(random_state)
    data = rng.uniform(0, UPPER_BOUND, size=(n_samples, len(FEATURE_NAMES)))
    target = np.where(data.mean(axis=1) < THRESHOLD, "low", "high")
    frame = None
    if as_frame:
        import pandas as pd

        data = pd.DataFrame(data, columns=FEATURE_NAMES)
        target = pd.Series(target, name="target")
        frame = data.assign(target=target)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        target_names=np.array(["high", "low"]),
        feature_names=list(FEATURE_NAMES),
        DESCR=DESCR,
    )
