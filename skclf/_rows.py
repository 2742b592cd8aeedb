"""Rows, labels and weights: pure functions between what users pass and what a net trains on.

pandas and scikit-learn's model selection are imported where they are used, since loading them
takes longer than all else that ``import skclf`` does.
"""

from contextlib import suppress
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

# Draws of whole groups among which the one with the most even classes is taken.
_GROUP_DRAWS = 25


def check_labels(y, name="y"):
    """Labels as a 1-D array.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
    name : str
        For messages.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    ValueError
        If labels are missing, continuous, one-hot or of more than one column.
    TypeError
        If labels are neither strings, booleans, numbers nor NumPy's dates or time differences, or
        some of each.
    """
    y = _as_array(y, name)
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(_message_for_columns(y, name))
    labels = column_or_1d(y, warn=True)
    if labels.dtype.kind in "fcOMm":
        _check_none_missing(labels, name)
    if labels.dtype.kind in "OSV":
        labels = _of_one_type(labels, name)
    if labels.dtype == "m8":
        raise ValueError(
            f"Got {name} with time differences without a unit; give them one, for example with "
            "y.astype('timedelta64[s]'), or make whole numbers of them with y.astype(int)."
        )
    if labels.dtype.kind in "fc":
        assert_all_finite(labels, input_name=name)
        # scikit-learn casts them, with a warning, and takes them for a regression's.
        if (np.abs(labels) >= np.float64(2**63)).any():
            raise _beyond_64_bits(labels, name)
    if labels.dtype.kind != "O":
        # Twice, or it would warn that each of the classes comes but once.
        check_classification_targets(np.tile(labels, 2) if name == "classes" else labels)
    return labels


def _as_array(y, name):
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} should be a 1d array, got lists of different lengths instead: one label for "
            "each row. Several labels a row are not supported."
        ) from error
    if array.ndim == 0:
        raise ValueError(
            f"{name} should be a 1d array, got an object of type {type(y).__name__} instead: pass "
            "one label for each row, as a list, an array or a pandas Series."
        )
    if array.dtype.kind == "U" and array.ndim == 1 and isinstance(y, list | tuple):
        # NumPy would make strings of numbers and of NaN in a list of strings.
        return array if all(isinstance(label, str) for label in y) else np.asarray(y, dtype=object)
    if array.dtype.kind == "f" and array.ndim == 1 and isinstance(y, list | tuple):
        # Of whole numbers some need 64 bits without a sign; see `_numbers`.
        return np.asarray(y, dtype=object) if all(isinstance(n, Integral) for n in y) else array
    # NumPy's StringDType is unknown to scikit-learn, and foreign byte orders are to pandas.
    return array.astype(object if array.dtype.kind == "T" else array.dtype.newbyteorder("="))


def _check_none_missing(labels, name):
    import pandas as pd

    missing = pd.isna(labels)
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(
            f"Input {name} contains NaN: the label of row {row} is missing ({labels[row]}). "
            "Every row needs a label; drop the rows without one."
        )


def _of_one_type(labels, name):
    """Labels of objects, bytes or records: strings as they are, others of a type of their own."""
    import pandas as pd

    found = pd.api.types.infer_dtype(labels)
    if found in ("string", "empty"):
        # Members of an enumeration are strings too, and a saved net must not need their class.
        are_plain = set(map(type, labels)) <= {str}
        return labels if are_plain else np.array(list(map(str.__str__, labels)), dtype=object)
    if found in ("boolean", "integer", "floating", "mixed-integer-float"):
        return _numbers(labels, name)
    types = sorted({type(label).__name__ for label in labels})
    raise TypeError(
        f"Got {name} with labels of type {' and '.join(types)}; labels must be all strings, all "
        "booleans or all whole numbers. Make strings of them, for example with y.astype(str)."
    )


def _numbers(labels, name):
    numbers = np.array(labels.tolist())
    if numbers.dtype.kind == "f" and all(isinstance(label, Integral) for label in labels):
        # NumPy rounds whole numbers of which some need 64 bits without a sign.
        with suppress(OverflowError):
            return np.array([int(label) for label in labels], dtype=np.uint64)
        raise _beyond_64_bits(labels, name)
    if numbers.dtype.kind == "O":
        raise _beyond_64_bits(labels, name)
    return numbers


def _beyond_64_bits(labels, name):
    # The number is not shown: Python refuses to write very long ones.
    row = max(range(len(labels)), key=lambda row: abs(labels[row]))
    return ValueError(
        f"Got {name} with whole numbers that no type of 64 bits can hold, the largest in row "
        f"{row}. Make strings of them, with list(map(str, {name}))."
    )


def _message_for_columns(y, name):
    is_one_hot = y.dtype.kind in "biuf" and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()
    if is_one_hot:
        return (
            f"{name} is one-hot encoded, with shape {y.shape}; labels must be a 1-D array. Pass "
            f"{name}.argmax(axis=1), or classes[{name}.argmax(axis=1)] with the names of the "
            "columns; loss='categorical_crossentropy' makes its one-hot rows itself."
        )
    return (
        f"{name} should be a 1d array, got an array of shape {y.shape} instead: one label for "
        "each row. Several labels a row are not supported."
    )


def classes_and_codes(labels):
    """The distinct labels, sorted, and the position of each row's label among them.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    codes : ndarray of int of shape (n_rows,)
    """
    return np.unique(labels, return_inverse=True)


def encode_labels(labels, classes, name="y"):
    """Position of each label among the sorted classes.

    Returns
    -------
    ndarray of int of shape (n_rows,)

    Raises
    ------
    ValueError
        If a label is not among the classes.
    """
    codes = codes_or_minus_one(labels, classes)
    if (codes < 0).any():
        strange = list(dict.fromkeys(_values(labels[codes < 0])))
        raise ValueError(
            f"{name} contains labels that are not among the classes: {_some(strange)}; the classes "
            f"are {_some(_values(classes))}."
        )
    return codes


def codes_or_minus_one(labels, classes):
    """Position of each label among the classes, or -1 where it is not among them.

    Numbers and booleans of any type are compared by their values, and dates or time differences
    of any unit by what they stand for.

    Returns
    -------
    ndarray of int of shape (n_rows,)
    """
    if labels.dtype.kind in "Mm" or classes.dtype.kind in "Mm":
        return _codes_of_times(labels, classes)
    positions = {label: code for code, label in enumerate(_values(classes))}
    # Numbers sort faster than each of them is looked up; strings don't.
    rows = None
    if labels.dtype.kind not in "UO":
        labels, rows = np.unique(labels, return_inverse=True)
    codes = np.array([positions.get(label, -1) for label in _values(labels)], dtype=np.intp)
    return codes if rows is None else codes[rows]


def check_comparable(labels, classes):
    """Raise the error of `encode_labels` where NumPy can't compare labels with the classes."""
    is_of_times = labels.dtype.kind in "Mm" or classes.dtype.kind in "Mm"
    if is_of_times and not _have_common_unit(labels, classes):
        encode_labels(labels, classes)


def _have_common_unit(labels, classes):
    try:
        np.promote_types(labels.dtype, classes.dtype)
    except (TypeError, OverflowError):  # as with differences in years and in days
        return False
    return labels.dtype.kind == classes.dtype.kind


def _codes_of_times(labels, classes):
    unknown = np.full(len(labels), -1)
    if not _have_common_unit(labels, classes):
        return unknown
    # Of the classes' unit; what another unit rounds, or can't hold, comes back changed.
    times = labels.astype(classes.dtype)
    places = np.minimum(np.searchsorted(classes, times), len(classes) - 1)
    is_known = (classes[places] == times) & (times.astype(labels.dtype) == labels)
    return np.where(is_known, places, unknown)


def _values(labels):
    """Labels as a list, in which equal ones are equal keys of a dict."""
    if labels.dtype.kind in "Mm":
        return list(labels)  # a list of NumPy's own would have some units as plain numbers
    if labels.dtype == np.longdouble:
        return [int(label) if label.is_integer() else label for label in labels]
    return labels.tolist()


def _some(values, most=10):
    more = f", and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(map(repr, values[:most])) + more


def check_groups(groups):
    """Number of each row's group, from 0, in the order of the groups where they have one.

    Parameters
    ----------
    groups : array-like of shape (n_rows,)
        Ids that can be keys of a dict: numbers, strings or tuples, also some of each.

    Returns
    -------
    ndarray of int of shape (n_rows,)

    Raises
    ------
    ValueError
        If an id is missing, or there are several columns.
    TypeError
        If an id can't be the key of a dict.
    """
    import pandas as pd

    ids = np.asarray(groups, dtype=object)  # of which NumPy makes no strings
    is_of_tuples = isinstance(groups, list | tuple) and all(isinstance(g, tuple) for g in groups)
    if ids.ndim == 0 or (ids.ndim > 1 and ids.shape[1:] != (1,) and not is_of_tuples):
        raise ValueError(
            f"Got groups of shape {ids.shape}; expected a 1-D array-like, one id for each row. "
            "Where several columns make up the id, pass list(map(tuple, np.asarray(groups)))."
        )
    missing = pd.isna(ids).reshape(len(ids), -1).any(axis=1)
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(
            f"Got groups in which that of row {row} is missing ({ids[row]}); every row needs one. "
            "Give rows that belong to no other an id of their own."
        )
    ids = groups if is_of_tuples else ids.ravel().tolist()
    try:
        known = dict.fromkeys(ids)
    except TypeError as error:
        raise TypeError(
            f"Got groups with ids that can't be told apart ({error}); expected numbers, strings or "
            "tuples. Make strings of them, with list(map(str, groups))."
        ) from error
    with suppress(TypeError):  # numbers and strings together have no order
        known = sorted(known)
    numbers = {group: number for number, group in enumerate(known)}
    return np.array([numbers[group] for group in ids], dtype=np.intp)


def class_weights(class_weight, classes, codes, sample_weight=None):
    """Weight of each class, in the order of the classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        ``"balanced"`` weighs each class by ``n / (n_classes * n_of_class)``, the formula of
        `sklearn.utils.class_weight.compute_class_weight`, where a row counts by its weight.
    classes : ndarray of shape (n_classes,)
    codes : ndarray of int of shape (n_rows,)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    ndarray of shape (n_classes,) or None
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        if sample_weight is not None:
            sample_weight = sample_weight / sample_weight.max()  # or their sum may overflow
        counts = np.bincount(codes, sample_weight, minlength=len(classes))
        # A class may have no row where training goes on with other rows than it began with.
        return np.divide(
            counts.sum(), len(classes) * counts, out=np.zeros(len(classes)), where=counts > 0
        )
    known = _values(classes)
    unknown = [label for label in class_weight if label not in known]
    if unknown:
        raise ValueError(
            f"class_weight has weights for labels that y does not hold: {_some(unknown)}; "
            f"the classes are {_some(known)}."
        )
    weights = [1.0] * len(known)
    for label, weight in class_weight.items():
        weights[known.index(label)] = weight
    if not all(map(_is_weight, weights)) or not any(weights[code] for code in set(codes.tolist())):
        raise ValueError(
            f"Got class_weight={class_weight!r}; class weights must be finite and non-negative "
            "numbers, and at least one class of y must weigh more than 0."
        )
    return np.array(weights, dtype=np.float64)


def _is_weight(value):
    try:
        return isinstance(value, Real | np.bool_) and 0 <= float(value) < np.inf
    except OverflowError:
        return False


def with_mean_one(sample_weight, class_weight, codes):
    """Weights such that their product over the rows has mean 1.

    Keras divides the weighted sum of a batch's losses by its number of rows. With a mean of 1
    that is the number of rows that the weights stand for, and a weight of 2 equals a repeated row.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_rows,) or None
    class_weight : ndarray of shape (n_classes,) or None
    codes : ndarray of int of shape (n_rows,)

    Returns
    -------
    sample_weight, class_weight : ndarray or None
    """
    # By the largest first: a sum of weights must not overflow.
    if sample_weight is not None:
        sample_weight = sample_weight / sample_weight.max()
        sample_weight = sample_weight / sample_weight.mean()
    if class_weight is not None:
        is_there = np.bincount(codes, minlength=len(class_weight)) > 0
        class_weight = np.where(is_there, class_weight, 0)
        class_weight = class_weight / class_weight.max()
        rows = class_weight[codes] if sample_weight is None else class_weight[codes] * sample_weight
        class_weight = class_weight / rows.mean()
    return sample_weight, class_weight


def feature_far_outside(X, X_train):
    """The first feature in which most rows lie far outside the range of the training rows.

    That is farther from it than the range is wide: rows that were not scaled as those that the net
    trains on, and hardly ever rows of the same source.

    Parameters
    ----------
    X, X_train : {ndarray, CSR} of shape (n_rows, n_features)

    Returns
    -------
    int or None
    """
    low, high = _ranges(X_train)
    width = np.where(high > low, high - low, np.maximum(np.abs(high), 1))
    # Half of the rows can lie beyond a bound only where the largest or the smallest value does.
    smallest, largest = _ranges(X)
    doubtful = np.flatnonzero((smallest < low - width) | (largest > high + width))
    for feature in doubtful.tolist():
        column = X[:, [feature]]
        column = column.toarray() if sparse.issparse(column) else column
        outside = (column < low[feature] - width[feature]) | (
            column > high[feature] + width[feature]
        )
        if outside.mean() > 0.5:
            return feature
    return None


def _ranges(X):
    """Smallest and largest value of each feature, as float64."""
    bounds = X.min(axis=0), X.max(axis=0)
    if sparse.issparse(X):
        bounds = [bound.toarray() for bound in bounds]
    return [np.ravel(bound).astype(np.float64) for bound in bounds]


def without_weightless(X, y, sample_weight, *more):
    """All columns without the rows of weight 0; `sample_weight` and `more` may be None."""
    columns = (X, y, sample_weight, *more)
    if sample_weight is None or sample_weight.all():
        return columns
    kept = np.flatnonzero(sample_weight)
    return tuple(None if column is None else column[kept] for column in columns)


def stacked(rows, more):
    """Two sets of rows ``(X, codes, sample_weight)`` as one."""
    (X, codes, weights), (X_more, codes_more, weights_more) = rows, more
    if weights is not None or weights_more is not None:
        weights = np.concatenate(
            [
                np.ones(len(codes)) if weights is None else weights,
                np.ones(len(codes_more)) if weights_more is None else weights_more,
            ]
        )
    if sparse.issparse(X) or sparse.issparse(X_more):
        X = sparse.vstack([sparse.csr_array(X), sparse.csr_array(X_more)], format="csr")
    else:
        X = np.concatenate([X, X_more])
    return X, np.concatenate([codes, codes_more]), weights


def of_one_kind(X, other):
    """``X`` as a CSR matrix where ``other`` is one, as an array where that is an array."""
    if sparse.issparse(X) == sparse.issparse(other):
        return X
    return X.toarray() if sparse.issparse(X) else sparse.csr_array(X)


def split_rows(codes, share, random_state, groups=None):
    """Positions of training and validation rows.

    Classes are held out in proportion; a class with one row stays in training. Groups are never
    split: of several draws of whole groups, the one with the most even classes is taken.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows,)
    share : float
        Of the rows to hold out.
    random_state : numpy.random.RandomState
    groups : ndarray of int of shape (n_rows,) or None
        As `check_groups` gives them.

    Returns
    -------
    train, validation : ndarray of int
        Sorted.
    """
    rows = np.arange(len(codes))
    if groups is not None:
        return _split_groups(rows, codes, share, random_state, groups)
    from sklearn.model_selection import train_test_split

    alone = np.bincount(codes)[codes] == 1
    try:
        train, validation = train_test_split(
            rows[~alone], test_size=share, stratify=codes[~alone], random_state=random_state
        )
    except ValueError as error:
        raise ValueError(
            f"validation_split={share} of {len(codes)} rows can't hold out rows of each of "
            f"{len(np.unique(codes))} classes ({error}). Use another share, more rows, or pass "
            "X_val and y_val to fit."
        ) from error
    return np.sort(np.concatenate([train, rows[alone]])), np.sort(validation)


def _split_groups(rows, codes, share, random_state, groups):
    from sklearn.model_selection import GroupShuffleSplit

    n_classes = codes.max() + 1
    wanted = np.bincount(codes, minlength=n_classes) * share
    splitter = GroupShuffleSplit(_GROUP_DRAWS, test_size=share, random_state=random_state)
    best, least = None, np.inf
    try:
        draws = list(splitter.split(rows, groups=groups))
    except ValueError as error:
        raise ValueError(
            f"validation_split={share} can't be held out by whole groups, of which there are "
            f"{len(np.unique(groups))} ({error}). Use another share, more groups, or "
            "pass X_val and y_val to fit."
        ) from error
    for train, validation in draws:
        distance = np.abs(np.bincount(codes[validation], minlength=n_classes) - wanted).sum()
        if distance < least and len(np.unique(codes[train])) == len(np.unique(codes)):
            best, least = (np.sort(train), np.sort(validation)), distance
    if best is None:
        raise ValueError(
            f"No way was found to hold out validation_split={share} of the rows by whole groups "
            "and keep rows of each class for training. Use another share, or pass X_val and y_val."
        )
    return best


def merge_repeated_rows(X, codes, sample_weight=None):
    """Equal rows with equal labels as one row with their weights' sum, in a canonical order.

    For training on all data in one batch, where neither the order of the rows nor a repeated row
    as opposed to a doubled weight can make a difference, but for rounding. Merged, it makes none
    at all.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_rows, n_values)
    codes : ndarray of int of shape (n_rows,)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    X, codes, sample_weight
        The weights are None where all are equal.
    """
    keys = [(code, *key) for code, key in zip(codes.tolist(), _row_keys(X), strict=True)]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    first = [i for i in range(len(order)) if not i or keys[order[i]] != keys[order[i - 1]]]
    weights = np.ones(len(codes)) if sample_weight is None else sample_weight
    sums = np.add.reduceat(weights[order], first)
    kept = np.array(order)[first]
    return X[kept], codes[kept], None if np.ptp(sums) == 0 else sums


def _row_keys(X):
    if not sparse.issparse(X):
        return ((row.tobytes(),) for row in np.ascontiguousarray(X))
    bounds = zip(X.indptr[:-1], X.indptr[1:], strict=True)
    return ((X.indices[a:b].tobytes(), X.data[a:b].tobytes()) for a, b in bounds)
