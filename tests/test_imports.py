"""Importing TensorFlow leaves the process unchanged, and keeps changes by other threads."""

import gc
import os
import random
import sys
import threading
import warnings

import pytest

from skclf import _imports
from skclf._imports import nothing_global_changes

pytest.importorskip("rich.style", reason="rich is not installed")
rich = sys.modules["rich"]


@pytest.fixture
def unloaded_rich(monkeypatch):
    """Unload the module that draws a random number when it is imported."""
    monkeypatch.setattr(rich, "style", rich.style)
    monkeypatch.delitem(sys.modules, "rich.style")


def test_random_state_is_unchanged(unloaded_rich):
    before = random.getstate()
    with nothing_global_changes():
        assert random.getstate() == before
        assert "rich.style" in sys.modules


@pytest.mark.parametrize(
    "change", [lambda: random.seed(7), lambda: random.getrandbits(9)], ids=["seed", "draw"]
)
def test_random_state_changes_of_other_threads_are_kept(unloaded_rich, change):
    class AnotherThread:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "rich.style":
                change()
                states.append(random.getstate())

    states = []
    sys.meta_path.insert(0, AnotherThread)
    try:
        with nothing_global_changes():
            pass
    finally:
        sys.meta_path.remove(AnotherThread)
    one_later = random.Random()
    one_later.setstate(states[0])
    one_later.getrandbits(24)
    assert random.getstate() in (states[0], one_later.getstate())


@pytest.mark.parametrize(
    ("before", "set_by_tensorflow", "set_by_another", "after"),
    [
        (None, "disable", None, None),
        ("/mine", "disable", None, "/mine"),
        ("disable", "disable", None, "disable"),
        (None, "disable", "/mine", "/mine"),
        ("/mine", "disable", "/other", "/other"),
        ("/mine", "disable", "", None),  # removed
    ],
)
def test_environment_variables(monkeypatch, before, set_by_tensorflow, set_by_another, after):
    name = "HDF5_PLUGIN_PATH"
    monkeypatch.setenv(name, before or "")
    if before is None:
        monkeypatch.delenv(name)
    with nothing_global_changes():
        os.environ[name] = set_by_tensorflow
        if set_by_another:
            os.environ[name] = set_by_another
        elif set_by_another == "":
            del os.environ[name]
        monkeypatch.setenv("ANOTHER", "stays")
    assert os.environ.get(name) == after
    assert os.environ["ANOTHER"] == "stays"


def new_category(name, module):
    return type(name, (Warning,), {"__module__": module})


def test_warning_filters():
    theirs = new_category("DependencyWarning", "urllib3.exceptions")
    namesake = new_category("DependencyWarning", "spam")
    with warnings.catch_warnings():
        warnings.simplefilter("default", new_category("FileModeWarning", "requests.exceptions"))
        before = list(warnings.filters)
        with nothing_global_changes():
            warnings.simplefilter("ignore", theirs)
            warnings.simplefilter("error", theirs)  # a filter of the user
            warnings.simplefilter("ignore", namesake)
            warnings.simplefilter("ignore", new_category("HTTPWarning", "urllib3.exceptions"))
            warnings.filterwarnings("ignore", "spam", UserWarning)
            stays = [each for each in warnings.filters if each[::2] != ("ignore", theirs, 0)]
        assert warnings.filters == stays
        assert len(stays) == len(before) + 4


@pytest.fixture
def collections(monkeypatch):
    """The generation of each garbage collection, with TensorFlow apparently not imported."""
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    found = []

    def record(phase, info):
        if phase == "stop":
            found.append(info["generation"])

    gc.callbacks.append(record)
    yield found
    gc.callbacks.remove(record)
    gc.enable()


def test_garbage_is_collected_once_at_the_end(collections, monkeypatch):
    def is_of_an_import(*arguments):
        assert collections == []
        return False

    monkeypatch.setattr(_imports, "_is_of_an_import", is_of_an_import)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    with warnings.catch_warnings(), nothing_global_changes():
        warnings.filterwarnings("ignore", "spam")
        collections.clear()
        assert not gc.isenabled()
    assert gc.isenabled()
    assert collections[0] == 2


@pytest.mark.parametrize("is_enabled", [True, False])
def test_garbage_collector_is_left_alone_if_other_threads_run(collections, monkeypatch, is_enabled):
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    with nothing_global_changes():
        assert gc.isenabled()
        if not is_enabled:
            gc.disable()
    assert gc.isenabled() == is_enabled


def test_disabled_garbage_collector_stays_disabled(collections, monkeypatch):
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    gc.disable()
    with nothing_global_changes():
        pass
    assert not gc.isenabled()


def test_ctrl_c_in_one_step_does_not_skip_others(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(_imports, "_is_of_an_import", interrupted)
    monkeypatch.delenv("TF2_BEHAVIOR", raising=False)
    with (  # noqa: PT012
        pytest.raises(KeyboardInterrupt),
        warnings.catch_warnings(),
        nothing_global_changes(),
    ):
        os.environ["TF2_BEHAVIOR"] = "1"
        warnings.filterwarnings("ignore", "spam")
    assert "TF2_BEHAVIOR" not in os.environ
