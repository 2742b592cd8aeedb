"""Private names of scikit-learn, which its developer guide shows to the authors of estimators.

They check the parameters of skclf's estimators and functions in scikit-learn's own words. No other
file imports the module that they come from.
"""

from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_params,
)

__all__ = ["HasMethods", "Interval", "Options", "StrOptions", "validate_params"]
