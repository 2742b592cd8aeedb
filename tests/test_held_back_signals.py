"""Ctrl-C is held back inside ``uninterrupted()`` and passed to its handler at safe points."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from skclf.engine._interrupts import safe_point, uninterrupted

pytestmark = pytest.mark.usefixtures("ctrl_c")


@pytest.fixture
def handled():
    """The signals that a user's handler, set for the test, has received."""
    seen = []
    before = signal.signal(signal.SIGINT, lambda *arguments: seen.append(arguments[0]))
    yield seen
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_held_back_for_the_users_handler(handled):
    handler = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        assert handled == []
        safe_point()
        assert handled == [signal.SIGINT]
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert handled == [signal.SIGINT] * 2
    assert handled == [signal.SIGINT] * 3
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_handler_set_inside_the_block_stays(handled):
    def another(*arguments):
        raise AssertionError("not the handler that Ctrl-C was held back for")

    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGINT, another)
    assert signal.getsignal(signal.SIGINT) is another
    assert handled == [signal.SIGINT]


def test_a_held_back_ctrl_c_is_handled_after_an_error(handled):
    def swallow(*arguments):
        handled.append(arguments[0])
        raise SystemError("as TensorFlow says it")

    signal.signal(signal.SIGINT, swallow)
    with pytest.raises(SystemError, match="as TensorFlow says it"), uninterrupted():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert len(handled) == 2


@pytest.mark.parametrize("how", [signal.SIG_IGN, signal.SIG_DFL])
def test_signal_actions_other_than_handlers_stay(handled, how):
    signal.signal(signal.SIGINT, how)
    with uninterrupted():
        assert signal.getsignal(signal.SIGINT) == how
    assert signal.getsignal(signal.SIGINT) == how


def test_other_threads_do_not_replace_the_handler(handled):
    handler = signal.getsignal(signal.SIGINT)

    def look():
        with uninterrupted():
            safe_point()
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(look).result() is handler
