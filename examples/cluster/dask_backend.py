"""joblib's `dask` backend, for searches that outlive their workers.

joblib's own backend leaves two gaps, and this one closes them:

- Data that it sends once for many fits die with the worker that holds them, and the search fails.
  Here they are the results of tasks, which Dask runs again.
- Dask gives a task up when it has cost several workers their lives, as a fit does that needs more
  memory than they have. joblib waits for it forever. Here the search raises Dask's error.
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
        """Futures of a list, or with `asynchronous` one future of anything, to be awaited."""

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
        """Have the search raise what this future raises."""

        def report(future):
            if future.exception() is not None:
                callback(future.exception())

        # Before version 1.4 joblib asks the future itself, and needs no report.
        if self.supports_retrieve_callback:
            future.add_done_callback(report)
        return future

    def abort_everything(self, ensure_ready=True):
        """Leave nothing of a search that has failed on the cluster but the fits that run."""
        left = list(self._results)
        super().abort_everything(ensure_ready)
        self.client.cancel(left)
