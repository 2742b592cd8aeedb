"""Detects whether a net was changed since it was made.

A callback can reach the net, and may freeze layers, compile it or set any attribute. A net that was
changed in such a way must not be reused by a later fit. Values of variables don't count, since each
fit sets them. This file only compares; `borrow` and `Net` act on the result.
"""

from skclf.engine._forward import all_layers

# Attributes that every fit sets, in `Net` or through Keras. They differ from fit to fit although
# the net is still the same.
_SET_BY_FITS = {
    "announces",
    "class_weight",
    "history",
    "order_seed",
    "stop_evaluating",
    "stop_training",
    "test_function",
    "train_function",
    "_called",
    "_eval_epoch_iterator",
    "_exclude_from_weight_decay_cache",
    "_initial_epoch",
    "_losses",
    "_loss_ids",
    "_run_eagerly",
    "_unchanged",
}
# Prefix of the attributes that TensorFlow adds to trackable objects for its checkpoints.
_OF_TENSORFLOW = "_self_"


class Unchanged:
    """Compares the attributes of a net, its layers and its optimizer with those at the start.

    Parameters
    ----------
    net : keras.Model
        Compiled, with a built optimizer.
    """

    def __init__(self, net):
        self._parts = [*all_layers(net), net.optimizer]
        self._before = list(map(_attributes, self._parts))

    def __call__(self):
        """Whether no attribute has changed since this object was made."""
        now = map(_attributes, self._parts)
        return all(map(_are_same, self._before, now))


def _attributes(part):
    """Attributes by name, with the current contents of containers."""
    return {
        name: _contents(value)
        for name, value in vars(part).items()
        if name not in _SET_BY_FITS and not name.startswith(_OF_TENSORFLOW)
    }


def _contents(value):
    # A copy, because a callback may append to a list without replacing it.
    if isinstance(value, dict):
        return tuple(value.items())
    return tuple(value) if isinstance(value, list | tuple | set) else value


def _are_same(before, now):
    if before.keys() != now.keys():
        return False
    return all(_is_same(value, now[name]) for name, value in before.items())


def _is_same(before, now):
    if isinstance(before, tuple) and isinstance(now, tuple):
        return len(before) == len(now) and all(map(_is_same, before, now))
    if isinstance(before, bool | int | float | str):
        return type(now) is type(before) and now == before
    # Identity, since `==` is elementwise for tensors and arrays, and arbitrary for other objects.
    return before is now
