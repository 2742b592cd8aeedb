"""Restore an estimator if a fit fails."""


class UnchangedOnFailure:
    """Context manager that restores an estimator's attributes in one step if its block fails.

    This also holds for Ctrl-C. It is a class, not a generator: if Ctrl-C prevented a generator from
    being resumed, garbage collection would finish it later and overwrite a later fit.
    """

    def __init__(self, estimator):
        self._estimator, self._before = estimator, vars(estimator).copy()

    def __enter__(self):
        return self

    def __exit__(self, error_type, error, traceback):
        if error_type is not None:
            self._estimator.__dict__ = self._before
