"""Errors in callbacks of Keras and scikit-learn: the estimator keeps its earlier fit."""

import keras
import pytest
from interrupted_fits import (
    assert_nothing_is_left,
    attributes,
    keras_and_tensorflow,
    train,
    trained_case,
)

pytestmark = pytest.mark.usefixtures("ctrl_c")

# The call in which each hook fails. Hooks of batches and validation need Keras's own fit.
EPOCH_HOOKS = {
    "set_params": 1,
    "set_model": 1,
    "on_train_begin": 1,
    "on_epoch_begin": 2,
    "on_epoch_end": 2,
    "on_train_end": 1,
}
BATCH_HOOKS = {
    "on_train_batch_begin": 3,
    "on_train_batch_end": 3,
    "on_test_begin": 2,
    "on_test_batch_end": 2,
    "on_test_end": 1,
}


def failing(hook, error, others):
    """A Keras callback that fails in this hook and does nothing in the others."""
    calls = []

    def fail(self, *arguments, **options):
        calls.append(hook)
        if len(calls) == (EPOCH_HOOKS | BATCH_HOOKS)[hook]:
            raise error

    members = dict.fromkeys(others, lambda self, *arguments, **options: None)
    members |= {hook: fail, "__deepcopy__": lambda self, memo: self}
    return type("Failing", (keras.callbacks.Callback,), members)()


@pytest.mark.parametrize(
    ("hook", "others", "error"),
    [(hook, (), RuntimeError("spam")) for hook in (*EPOCH_HOOKS, *BATCH_HOOKS)]
    + [(hook, ("on_train_batch_end",), RuntimeError("spam")) for hook in EPOCH_HOOKS]
    + [("on_epoch_end", (), MemoryError("spam"))],
)
def test_an_error_in_a_callback_keeps_the_earlier_fit(hook, others, error):
    case = trained_case("validation")
    estimator = case.copy()
    estimator.set_params(epochs=3, callbacks=[failing(hook, error, others)])
    kept, state = attributes(estimator), keras_and_tensorflow()
    with pytest.raises(type(error), match="spam"):
        train(estimator, case.case)
    assert_nothing_is_left(estimator, kept, case, state)
    case.assert_next_fit_is_right(estimator.set_params(epochs=15, callbacks=None))


@pytest.mark.parametrize("hook", ["setup", "on_fit_task_begin", "on_fit_task_end"])
@pytest.mark.parametrize("task", ["fit", "find-best-epoch", "epoch", "refit"])
def test_an_error_in_a_scikit_learn_callback_keeps_the_earlier_fit(hook, task):
    pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")

    def do_nothing(self, estimator, context, **data):
        pass

    def fail(self, estimator, context, **data):
        if hook == "setup" or context.task_name == task:
            raise RuntimeError("spam")

    hooks = dict.fromkeys(["setup", "teardown", "on_fit_task_begin", "on_fit_task_end"], do_nothing)
    case = trained_case("refit")
    estimator = case.copy()
    estimator.set_callbacks(type("Failing", (), {**hooks, hook: fail})())
    kept, state = attributes(estimator), keras_and_tensorflow()
    with pytest.raises(RuntimeError, match="spam"):
        train(estimator, case.case)
    assert_nothing_is_left(estimator, kept, case, state)
    case.assert_next_fit_is_right(estimator.set_callbacks())
