"""Ctrl-C waits for a moment that TensorFlow can bear.

An import of TensorFlow that breaks off can't be made good in the same process. While it computes,
its C++ calls Python here and there, and an exception there may come out as another one, be
forgotten, or crash the process. So Ctrl-C is held back and raised between epochs; who presses it
twice doesn't have to wait.
"""

import signal
import threading
from contextlib import contextmanager

_hold = None  # of the main thread, the only one that Ctrl-C interrupts


@contextmanager
def uninterrupted():
    """Hold Ctrl-C back until the next `safe_point`, or the end of this ``with`` block."""
    global _hold
    handler = signal.getsignal(signal.SIGINT)
    if not _in_main_thread() or _hold is not None or not callable(handler):
        yield
        return
    hold = _Hold(handler)
    try:
        signal.signal(signal.SIGINT, hold)
        _hold = hold
        yield
    except KeyboardInterrupt:
        hold.held_back = None
        raise
    finally:
        _hold = None
        if signal.getsignal(signal.SIGINT) is hold:  # a callback may have set another handler
            signal.signal(signal.SIGINT, handler)
        hold.release()


def safe_point():
    """Raise what was held back, if anything was."""
    if _hold is not None and _in_main_thread():
        _hold.release()


class _Hold:
    """Handler of the signal of Ctrl-C in place of another one."""

    def __init__(self, handler):
        self._handler, self.held_back = handler, None

    def __call__(self, *arguments):
        if self.held_back is not None:
            # And still held back, in case that TensorFlow makes another error of it or none.
            self._handler(*arguments)
        self.held_back = arguments

    def release(self):
        held_back, self.held_back = self.held_back, None
        if held_back is not None:
            self._handler(*held_back)


def _in_main_thread():
    return threading.current_thread() is threading.main_thread()
