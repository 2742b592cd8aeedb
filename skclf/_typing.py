"""Names for the types in skclf's hints.

Only type checkers use most of these names: other modules import them under ``if TYPE_CHECKING``, so
that hints don't load Keras or pandas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

Shape = tuple[int, ...]

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from scipy import sparse

    ArrayLike = npt.ArrayLike | Sequence[Any] | pd.Series | pd.Index | pd.DataFrame
    MatrixLike = ArrayLike | sparse.spmatrix | sparse.sparray
    LabelsLike = MatrixLike  # one label a row, or an indicator matrix

    Sizes = int | Sequence[int] | np.ndarray
    RandomState = np.random.RandomState

    # A net in training: the epoch, the weights, and the state from which training can continue.
    Snapshot = tuple[int, list[np.ndarray], dict[str, Any] | None]

    Callback = keras.callbacks.Callback
    LearningRateSchedule = keras.optimizers.schedules.LearningRateSchedule
    Loss = keras.losses.Loss
    Metric = str | keras.Metric | Callable[..., Any]
    Optimizer = keras.Optimizer


def keeps_type(decorator: Any) -> Callable[[Function], Function]:
    """Mark an untyped decorator as one that keeps a function's type."""
    return decorator
