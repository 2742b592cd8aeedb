"""Puts Keras's global state aside while a net is built or traced.

A layer without a seed draws one from Python's global generator, functions such as
`keras.random.normal` draw from a generator that Keras creates once per thread, and layers without
names are numbered. So a body that a user wrote would depend on what the process did before, and
would affect what comes after. Within `own_state` it depends on a seed only.

Other threads aren't affected: Keras keeps the numbers and its generator per thread, and Python's
generator is replaced by an object that looks up the generator of the current thread.
"""

import random
import threading
from collections import defaultdict
from contextlib import contextmanager

import keras

from skclf.engine import _compat

_local = threading.local()
# How many blocks, in all threads, need the replacement of Python's generator at the moment.
_lock = threading.Lock()
_users = 0


@contextmanager
def own_state(seed):
    """Number layers anew, and derive from a seed what would otherwise be drawn without one.

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
            # Made after the counters were reset, and with a name, so that it takes no number.
            generator = keras.random.SeedGenerator(seed % 2**31, name="unseeded")
            with _attributes(state, global_seed_generator=generator):
                yield


@contextmanager
def generator_in_place(generator):
    """Replace Keras's global generator in this thread.

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
    """Replaces the module `random` in the module where Keras draws default seeds."""

    def __getattr__(self, name):
        return getattr(getattr(_local, "generator", random), name)


@contextmanager
def _drawn_by(generator):
    """Make Keras draw default seeds from a generator, in this thread only."""
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
            # Other threads may still be within such a block.
            if not _users:
                module.python_random = random


_by_thread = _ByThread()
