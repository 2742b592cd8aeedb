"""joblib's `dask` backend, for searches that survive the loss of workers.

It solves two problems of joblib's own backend:

- joblib sends data once for many fits. If the worker that stores them dies, the search fails. Here
  the data are results of tasks, which Dask runs again.
- Dask gives up on a task after several workers died running it, for example because a fit needs
  more memory than they have. joblib then waits forever. Here the search raises Dask's error.
"""

from distributed import get_client
from joblib._dask import DaskDistributedBackend


class LastingData:
    """A client whose scattered data are the results of tasks."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        return getattr(self._client, name)

    def scatter(self, data, asynchronous=False, **options):
        """Return a future for each item; with `asynchronous`, an awaitable of one future."""

        async def submitted():
            return self._client.submit(lambda: data, pure=False)

        if asynchronous:
            return submitted()
        return [self._client.submit(lambda each=each: each, pure=False) for each in data]


class ReliableDaskBackend(DaskDistributedBackend):
    """For ``joblib.parallel_config(ReliableDaskBackend())``; the parameters are joblib's."""

    def __init__(self, client=None, **parameters):
        super().__init__(client=LastingData(client or get_client()), **parameters)

    def submit(self, func, callback=None):
        return self._raising(super().submit(func, callback), callback)

    def apply_async(self, func, callback=None):
        """What joblib calls before version 1.6."""
        return self._raising(super().apply_async(func, callback), callback)

    def _raising(self, future, callback):
        """Make the search raise the exception of this future."""

        def report(future):
            if future.exception() is not None:
                callback(future.exception())

        # Before version 1.4 joblib asks the future itself, and needs no report.
        if self.supports_retrieve_callback:
            future.add_done_callback(report)
        return future

    def abort_everything(self, ensure_ready=True):
        """Cancel all fits of a failed search that are not running yet."""
        left = list(self._results)
        super().abort_everything(ensure_ready)
        self.client.cancel(left)
