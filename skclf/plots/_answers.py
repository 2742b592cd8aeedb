"""What a classifier predicts for images, and whether it is right: one label each, or several.

`OneLabel` and `SeveralLabels` have the same methods, which return whether each prediction is
wrong, the columns of a table and the titles of the images. `answers_of` returns the right one
for a fitted classifier.
"""

import numpy as np
from sklearn.utils import _safe_indexing

from ._titles import Title


class OneLabel:
    """One predicted label for each image.

    Parameters
    ----------
    predicted, label : array-like of shape (n_images,)
        ``label`` is None where the true labels aren't known.
    probability : array-like of float of shape (n_images,)
    """

    label_names = None

    def __init__(self, predicted, probability, label=None):
        self.predicted, self.probability, self.label = predicted, probability, label

    def wrong(self):
        """Whether each prediction is known to be wrong."""
        if self.label is None:
            return np.zeros(len(self.predicted), dtype=bool)
        pairs = zip(self.predicted, self.label, strict=True)
        return np.array([predicted != label for predicted, label in pairs], dtype=bool)

    def columns(self):
        """Columns of a table, by name."""
        columns = {"predicted": self.predicted, "probability": self.probability}
        if self.label is not None:
            columns |= {"label": self.label, "correct": ~self.wrong()}
        return columns

    def titles(self):
        """A `Title` for each image."""
        labels = self.predicted if self.label is None else self.label
        columns = zip(self.predicted, self.probability, labels, self.wrong(), strict=True)
        return [
            Title(((predicted, f"({probability:.0%})"),), (label,), bool(wrong))
            for predicted, probability, label, wrong in columns
        ]


class SeveralLabels:
    """Any number of predicted labels for each image.

    Parameters
    ----------
    predicted, label : array-like of shape (n_images, n_labels)
        Indicators of 0 and 1. ``label`` is None where the true labels aren't known.
    probability : array-like of float of shape (n_images, n_labels)
    label_names : array-like of shape (n_labels,) or None
        If None, the columns are named "label 0", "label 1" and so on. A name that is not a string,
        such as the number 7, becomes "label 7".

    Raises
    ------
    ValueError
        If the shapes differ, if indicators have values other than 0 and 1, or if two labels have
        the same name.
    """

    def __init__(self, predicted, probability, label=None, label_names=None):
        self.predicted = _indicator(predicted, "predictions")
        n_labels = self.predicted.shape[1]
        self.probability = np.asarray(probability)
        if self.probability.shape != self.predicted.shape:
            raise ValueError(
                f"Got probabilities of shape {self.probability.shape} for predictions of shape "
                f"{self.predicted.shape}; expected one probability for each label."
            )
        self.label = None if label is None else _indicator(label, "true labels", n_labels)
        names = list(range(n_labels) if label_names is None else label_names)
        self.label_names = [name if isinstance(name, str) else f"label {name}" for name in names]
        if len(names) != n_labels or len(set(self.label_names)) != n_labels:
            raise ValueError(
                f"Got label_names={names!r}; expected {n_labels} different names, one for "
                "each column of the predictions."
            )

    def wrong(self):
        """Whether each prediction is known to be wrong in at least one label."""
        if self.label is None:
            return np.zeros(len(self.predicted), dtype=bool)
        return (self.predicted != self.label).any(axis=1)

    def columns(self):
        """Columns of a table, by name: labels as tuples, and a probability for each label."""
        columns = {"predicted": self._names_of(self.predicted)}
        probabilities = zip(self.label_names, self.probability.T, strict=True)
        columns |= {f"p_{name}": probability for name, probability in probabilities}
        if self.label is not None:
            columns |= {"label": self._names_of(self.label), "correct": ~self.wrong()}
        return columns

    def titles(self):
        """A `Title` for each image, which reads "none" if no label is predicted."""
        labels = self.predicted if self.label is None else self.label
        columns = zip(
            self.predicted, self.probability, self._names_of(labels), self.wrong(), strict=True
        )
        return [
            Title(self._with_percentages(*answer), names or ("none",), bool(wrong))
            for *answer, names, wrong in columns
        ]

    def _with_percentages(self, predicted, probability):
        pairs = [
            (self.label_names[column], f"{probability[column]:.0%}")
            for column in np.flatnonzero(predicted)
        ]
        return tuple(pairs) or (("none", ""),)

    def _names_of(self, indicator):
        return [tuple(self.label_names[i] for i in np.flatnonzero(row)) for row in indicator]


def answers_of(estimator, last, rows, y, label_names):
    """What a fitted classifier predicts for the first rows of a set.

    Parameters
    ----------
    estimator : estimator instance
        With ``predict_proba``.
    last : estimator instance
        The classifier inside, which may have ``label_names_``.
    rows : array-like of shape (n_images, ...)
    y : array-like, sparse matrix or None
        The true labels of these rows, possibly followed by those of others.
    label_names : array-like of str of shape (n_labels,) or None

    Returns
    -------
    OneLabel or SeveralLabels
    """
    predicted = estimator.predict(rows)
    if np.ndim(predicted) != 2 and not hasattr(predicted, "toarray"):
        if label_names is not None:
            raise ValueError(
                f"Got label_names={label_names!r} for {last!r}, which predicts one label per row; "
                "expected label_names=None. They are for classifiers that predict several labels "
                "per row."
            )
        return _one_label(estimator, rows, predicted, y)
    shown = np.arange(predicted.shape[0])
    probability = _probabilities_of_labels(estimator, rows)
    label = None if y is None else _safe_indexing(y.tocsr() if hasattr(y, "tocsr") else y, shown)
    if label_names is None:
        label_names = getattr(last, "label_names_", None)
    return SeveralLabels(predicted, probability, label, label_names)


def _one_label(estimator, rows, predicted, y):
    from skclf import _labels

    label = None
    if y is not None:
        label = _labels.check_labels(y)
        _check_some_known(label, estimator.classes_)
        label = label[: len(predicted)]
    codes = _labels.encode_labels(predicted, estimator.classes_)
    probability = estimator.predict_proba(rows)[np.arange(len(predicted)), codes]
    return OneLabel(predicted, probability, label)


def _check_some_known(labels, classes):
    from skclf import _labels

    if (_labels.codes_or_minus_one(labels, classes) < 0).all():
        raise ValueError(
            f"Got y with labels such as {labels[0]!r}, none of which the estimator was fitted on; "
            f"expected labels from its classes: {classes.tolist()}. Pass such labels, or leave y "
            "out."
        )


def _probabilities_of_labels(estimator, rows):
    """Array of shape (n_rows, n_labels), also from classifiers that return a list of arrays.

    Such a list has one array per label, with one column for each class seen in training: 0 and 1,
    or only one of them.
    """
    found = estimator.predict_proba(rows)
    if not isinstance(found, list):
        return np.asarray(found)
    pairs = zip(found, estimator.classes_, strict=True)
    return np.column_stack([array[:, classes == 1].sum(axis=1) for array, classes in pairs])


def _indicator(values, meaning, n_labels=None):
    """Values as an array of bool of shape (n_images, n_labels)."""
    array = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
    if array.ndim != 2 or n_labels not in (None, array.shape[1]):
        columns = "n_labels" if n_labels is None else n_labels
        raise ValueError(
            f"Got {meaning} of shape {array.shape}; expected an indicator of shape (n_images, "
            f"{columns}): 1 where an image has a label, else 0."
        )
    if not np.isin(array, (0, 1)).all():
        raise ValueError(
            f"Got {meaning} with values other than 0 and 1; expected an indicator: 1 where an "
            "image has a label, else 0. If the columns have several classes, draw one column at a "
            "time."
        )
    return array.astype(bool)
