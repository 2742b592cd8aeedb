"""Variables of open sizes, stored separately or several in one."""

import numpy as np
import pytest
import tensorflow as tf

from skclf.engine import OpenDense, assign, by_value, open_kind
from skclf.engine._variables import OpenVariables

ARRAYS = [np.arange(6.0).reshape(2, 3), np.arange(3.0), np.arange(12.0).reshape(3, 4), np.ones(4)]
RANKS = [array.ndim for array in ARRAYS]
ARE_APART = pytest.mark.parametrize("are_apart", [(False,) * 4, (True, False, True, False)])


def variables_of(arrays, are_apart):
    variables = OpenVariables(RANKS, are_apart)
    variables.begin(arrays)
    return variables


def values_of(variables):
    return [by_value(variable) for variable in variables.variables]


def assert_equal(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


@ARE_APART
def test_values_keep_order_and_shapes(are_apart):
    variables = variables_of(ARRAYS, are_apart)
    assert_equal(values_of(variables), ARRAYS)
    assert [v.shape for v in variables.variables] == [array.shape for array in ARRAYS]
    assert len(variables.stored) == 1 + sum(are_apart)


@ARE_APART
def test_variables_take_new_sizes(are_apart):
    variables = variables_of(ARRAYS, are_apart)
    others = [np.full((5, 1), 2.0), np.ones(1), np.ones((1, 7)), np.arange(7.0)]
    variables.begin(others)
    assert_equal(values_of(variables), others)


@ARE_APART
def test_assigning_one_variable_keeps_others(are_apart):
    variables = variables_of(ARRAYS, are_apart)
    for place, array in enumerate(ARRAYS):
        assign([variables.variables[place]], [array + 100])
        assert_equal(
            values_of(variables), [a + 100 for a in ARRAYS[: place + 1]] + ARRAYS[place + 1 :]
        )


@ARE_APART
def test_values_share_no_memory(are_apart):
    variables = variables_of(ARRAYS, are_apart)
    for value in values_of(variables):
        assert value.flags.owndata
        value += 1
    assert_equal(values_of(variables), ARRAYS)


@ARE_APART
def test_slots_are_zeros_with_shapes_of_variables(are_apart):
    variables = variables_of(ARRAYS, are_apart)
    slots = variables.like()
    slots.begin_at_zero(variables)
    assert_equal(values_of(slots), [np.zeros(array.shape) for array in ARRAYS])


@ARE_APART
def test_graph_reads_and_joins_variables(are_apart):
    variables = variables_of(ARRAYS, are_apart)

    @tf.function(autograph=False)
    def doubled():
        arrays = [2 * variable.value for variable in variables.variables]
        return variables.stored_arrays(arrays)

    for found, stored in zip(doubled(), variables.stored, strict=True):
        np.testing.assert_array_equal(found, 2 * by_value(stored))


def test_large_kernels_and_first_of_sparse_rows_are_stored_separately():
    layers = OpenDense("relu"), OpenDense("sigmoid")
    small, large = [(5, 4), (4,), (4, 1), (1,)], [(5000, 40), (40,), (40, 1), (1,)]

    def are_apart(shapes, is_sparse):
        return open_kind(layers, shapes, is_sparse, None).are_apart

    assert not any(are_apart(small, is_sparse=False))
    assert are_apart(large, is_sparse=False) == (True, False, False, False)
    assert are_apart(small, is_sparse=True) == (True, False, False, False)
