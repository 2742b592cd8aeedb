"""A cache of idle nets, by kind, with their compiled programs.

A compiled program refers to the variables that it was compiled for, so a net has one user at a
time. A second user of the same kind, in another thread or inside a callback, gets another net.

The cache doesn't look into the nets: the caller says what a kind is and how to make a net.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from skclf.engine._interrupts import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skclf._typing import Function

# A net with 10,000 inputs and two layers of 16 units takes about 2 MB, one with 30 inputs less than
# 1 MB, so a full cache stays near 100 MB.
MOST_IDLE_NETS = 64

# Kind -> idle nets of it, the most recently used kind last.
_idle: OrderedDict[Hashable, list[Any]] = OrderedDict()
_lock = Lock()
# Cached functions, which `clear_cache` empties together with the nets.
_facts: list[Any] = []


@contextmanager
def borrow(
    kind: Hashable | None,
    make: Callable[[], Any],
    is_reusable: Callable[[Any], bool] = lambda net: True,
) -> Iterator[Any]:
    """Lend a net for the duration of a ``with`` block.

    Parameters
    ----------
    kind : hashable or None
        What the compiled programs of the net depend on. A net of kind None is never reused.
    make : callable
        Makes a new net of this kind.
    is_reusable : callable
        Takes the net after its use, and returns whether it may be reused.

    Yields
    ------
    Net
        In the state in which its last user left it. If the block raises an error, the net is
        discarded. Ctrl-C waits for the next `safe_point` or the end of the block.
    """
    with uninterrupted():
        net = _take(kind)
        if net is None:
            net = make()
        yield net
        # Not in a `finally`: after an error the net may be in any state, so it isn't put back.
        if kind is not None and is_reusable(net):
            with _lock:
                _idle[kind] = [*_idle.get(kind, ()), net]
                _idle.move_to_end(kind)
                _drop_oldest()


def clear_cache() -> None:
    """Drop all idle nets and their compiled programs."""
    with _lock:
        _idle.clear()
    for function in _facts:
        function.cache_clear()


def kept(function: Function) -> Function:
    """Decorate a function of hashable arguments: cache its values until `clear_cache`."""
    _facts.append(lru_cache(maxsize=64)(function))
    return _facts[-1]


def _take(kind):
    """Remove an idle net of this kind from the cache and return it, or None."""
    with _lock:
        return _pop(kind) if kind in _idle else None


def _drop_oldest():
    while sum(map(len, _idle.values())) > MOST_IDLE_NETS:
        _pop(next(iter(_idle)))


def _pop(kind):
    nets = _idle[kind]
    if len(nets) == 1:
        del _idle[kind]
    return nets.pop()
