"""A fit that fails leaves an earlier fit as it was."""


class UnchangedOnFailure:
    """Gives an estimator its attributes back, in one step, if a block fails, be it by Ctrl-C.

    Not a generator: where Ctrl-C keeps one from being resumed it waits for garbage collection, and
    would then put the attributes back over those of a later fit.
    """

    def __init__(self, estimator):
        self._estimator, self._before = estimator, vars(estimator).copy()

    def __enter__(self):
        return self

    def __exit__(self, error_type, error, traceback):
        if error_type is not None:
            self._estimator.__dict__ = self._before
