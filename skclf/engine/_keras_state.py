"""What Keras keeps for a whole process or thread, put aside while a net is built or traced.

A layer without a seed draws one from Python's global generator, a function such as
`keras.random.normal` draws from a generator that Keras makes once for each thread, and layers
without names are counted. So a body of the user's own would depend on what the process did before,
and change what comes after. Within `own_state` it depends on a seed alone. Other threads notice
nothing of it: the counts and the generator are kept by thread, and in the place of Python's
generator stands one that looks at the thread.
"""

import random
import threading
from collections import defaultdict
from contextlib import contextmanager

import keras

from skclf.engine import _compat

_local = threading.local()
_lock = threading.Lock()
_users = 0


@contextmanager
def own_state(seed):
    """Names counted from the start, and all that has no seed drawn by this one.

    Parameters
    ----------
    seed : int
    """
    state = _compat.keras_state()
    with _drawn_by(random.Random(seed)):
        if state is None:
            yield
            return
        with _attributes(state, object_name_uids=defaultdict(int)):
            generator = keras.random.SeedGenerator(seed % 2**31, name="unseeded")
            with _attributes(state, global_seed_generator=generator):
                yield


@contextmanager
def generator_in_place(generator):
    """Let a generator stand for Keras's global one, in this thread.

    Parameters
    ----------
    generator : keras.random.SeedGenerator
    """
    state = _compat.keras_state()
    if state is None:
        yield
        return
    with _attributes(state, global_seed_generator=generator):
        yield


@contextmanager
def _attributes(state, **values):
    before = {name: state.get_global_attribute(name) for name in values}
    for name, value in values.items():
        state.set_global_attribute(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            state.set_global_attribute(name, value)


class _ByThread:
    """Stands for the module `random` where Keras draws default seeds from it."""

    def __getattr__(self, name):
        return getattr(getattr(_local, "generator", random), name)


@contextmanager
def _drawn_by(generator):
    """Let Keras draw default seeds from a generator, in this thread alone."""
    global _users
    module = _compat.module_of_default_seeds()
    if module is None:
        yield
        return
    earlier, _local.generator = getattr(_local, "generator", random), generator
    with _lock:
        _users += 1
        module.python_random = _by_thread
    try:
        yield
    finally:
        _local.generator = earlier
        with _lock:
            _users -= 1
            if not _users:
                module.python_random = random


_by_thread = _ByThread()
