"""Holds Ctrl-C back until TensorFlow can be interrupted safely.

An interrupted import of TensorFlow can't be repaired in the same process. A running graph can't be
interrupted at all (tensorflow#28786), but its C++ code calls Python in places, and a
KeyboardInterrupt raised there may turn into another error, get lost, or crash the process. So
Ctrl-C is held back and raised between epochs. A second Ctrl-C doesn't wait.

This file handles the signal only; `safe_point` is called where an interrupt is safe.
"""

import signal
import threading
from contextlib import contextmanager

# The hold of the main thread, which is the only one that Ctrl-C interrupts.
_hold = None


@contextmanager
def uninterrupted():
    """Hold Ctrl-C back until the next `safe_point` or the end of this ``with`` block."""
    global _hold
    handler = signal.getsignal(signal.SIGINT)
    # Python sets handlers in the main thread only. A block inside another one has nothing to do. If
    # the handler isn't callable, Ctrl-C is ignored or ends the process.
    if not _in_main_thread() or _hold is not None or not callable(handler):
        yield
        return
    hold = _Hold(handler)
    try:
        signal.signal(signal.SIGINT, hold)
        _hold = hold
        yield
    except KeyboardInterrupt:
        # Raised by `safe_point` or by a second Ctrl-C: don't raise it once more on release.
        hold.held_back = None
        raise
    finally:
        _hold = None
        # A callback may have set a handler of its own, which stays.
        if signal.getsignal(signal.SIGINT) is hold:
            signal.signal(signal.SIGINT, handler)
        hold.release()


def safe_point():
    """Raise a KeyboardInterrupt if Ctrl-C was pressed since the last safe point."""
    if _hold is not None and _in_main_thread():
        _hold.release()


class _Hold:
    """Signal handler that stands in for another one and holds its first signal back."""

    def __init__(self, handler):
        self._handler, self.held_back = handler, None

    def __call__(self, *arguments):
        if self.held_back is not None:
            # The signal also stays held back, since TensorFlow may turn this error into another one
            # or lose it.
            self._handler(*arguments)
        self.held_back = arguments

    def release(self):
        held_back, self.held_back = self.held_back, None
        if held_back is not None:
            self._handler(*held_back)


def _in_main_thread():
    return threading.current_thread() is threading.main_thread()
