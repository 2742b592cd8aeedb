"""Kind of net -> idle nets, with the programs that they have compiled.

A program holds the variables that it was compiled for, so a net serves one user at a time: a
second user of the same kind, in another thread or inside a callback, gets another net.
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

# A net of 10,000 inputs and two layers of 16 takes about 2 MB, one of 30 inputs less than 1.
MOST_IDLE_NETS = 64

_idle: OrderedDict[Hashable, list[Any]] = (
    OrderedDict()
)  # kind -> list of nets; the kind used last comes last
_lock = Lock()
_facts: list[Any] = []  # functions whose values are kept as long as the nets


@contextmanager
def borrow(
    kind: Hashable | None,
    make: Callable[[], Any],
    is_reusable: Callable[[Any], bool] = lambda net: True,
) -> Iterator[Any]:
    """A net for the time of a ``with`` block.

    Parameters
    ----------
    kind : hashable or None
        What the net's programs depend on; None is for a net that no one else can use.
    make : callable
        Makes a new net of this kind.
    is_reusable : callable
        Says of a net that was used whether another user can have it.

    Yields
    ------
    Net
        In the state that its last user left. If the block fails, the net is thrown away. Ctrl-C
        waits for the next `safe_point`, or for the end of the block.
    """
    with uninterrupted():
        net = _take(kind)
        if net is None:
            net = make()
        yield net
        if kind is not None and is_reusable(net):
            with _lock:
                _idle[kind] = [*_idle.get(kind, ()), net]
                _idle.move_to_end(kind)
                _drop_oldest()


def clear_cache() -> None:
    """Forget all idle nets and what was compiled for them."""
    with _lock:
        _idle.clear()
    for function in _facts:
        function.cache_clear()


def kept(function: Function) -> Function:
    """Decorate a function of hashables, to keep its values until the nets are forgotten."""
    _facts.append(lru_cache(maxsize=64)(function))
    return _facts[-1]


def _take(kind):
    """An idle net of this kind, or None."""
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
