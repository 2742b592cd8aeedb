"""Helpers of both displays: colours, a check for Matplotlib, the estimator in a pipeline."""

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

# From Okabe and Ito's palette, whose colours colour-blind readers can tell apart.
BLUE, VERMILION = "#0072b2", "#d55e00"


def check_matplotlib(caller):
    """Raise an ImportError that names the extra if there is no Matplotlib."""
    try:
        import matplotlib.pyplot  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib, which is not installed. Install it with "
            f"pip install 'skclf[plots]' or, in a clone, '.[plots]' ({error})."
        ) from error


def final_estimator(estimator):
    """The estimator at the end of a pipeline or inside a fitted search, or itself.

    Raises
    ------
    NotFittedError
        If a search is not fitted.
    TypeError
        If it is a class.
    ValueError
        If a search was made with ``refit=False``, so that it has no fitted estimator.
    """
    if isinstance(estimator, type):
        raise TypeError(f"Got the class {estimator.__name__}; expected a fitted instance.")
    if isinstance(estimator, Pipeline):
        return final_estimator(estimator.steps[-1][1])
    if hasattr(estimator, "best_estimator_"):
        return final_estimator(estimator.best_estimator_)
    if hasattr(estimator, "refit"):
        check_is_fitted(estimator)
        if not estimator.refit:
            raise ValueError(
                f"Got a {type(estimator).__name__} with refit=False, which keeps no fitted "
                "estimator; expected refit=True. Set it, or pass an estimator that you fitted with "
                "best_params_."
            )
    return estimator
