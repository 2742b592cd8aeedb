"""The rows of a fit: validate and encode them, hold out some for validation, and weigh them.

The samples that `skclf._base` trains on are made here. This module doesn't use Keras or TensorFlow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.utils.validation import check_consistent_length

from skclf import _rows
from skclf._arguments import warn_if_far_outside
from skclf._fitted import FittedNet
from skclf._samples import Samples


class RowPreparation(FittedNet):
    """Base class with the methods that turn the arguments of ``fit`` into samples.

    Subclasses define ``_target_kind`` and ``_make_net``; see `skclf._base.NetClassifier`.
    """

    def _training_samples(self, X, y, sample_weight, groups, resume):
        """Validate samples and drop those of weight 0; set the target and the classes."""
        X = self._validate_rows(X, y, reset=not resume)
        labels = self._target_kind().check(y)
        check_consistent_length(X, labels)
        weights = self._validate_weights(sample_weight, X)
        if groups is not None:
            groups = _rows.check_groups(groups)
            check_consistent_length(X, groups)
        samples = Samples(X, labels, weights, groups, np.arange(len(labels))).without_weightless()
        if resume:
            self._check_same_target()
            self._target.check_names(y)
        else:
            self._learn_target(y, self._target_kind().classes_of(samples.codes))
        return replace(samples, codes=self._target.encode(samples.codes))

    def _validation_samples(self, training, X_val, y_val, sample_weight_val):
        if X_val is None and y_val is None and sample_weight_val is None:
            return None
        if X_val is None or y_val is None:
            raise ValueError("Got only one of X_val and y_val; expected both or neither.")
        try:
            X = self._validate_rows(X_val, y_val, reset=False)
            labels = self._target_kind().check(y_val, "y_val")
            check_consistent_length(X, labels)
            self._target.check_names(y_val, "y_val")
            codes = self._target.encode(labels, "y_val")
            weights = self._validate_weights(sample_weight_val, X)
        except ValueError as error:
            raise ValueError(f"In X_val, y_val, sample_weight_val: {error}") from error
        warn_if_far_outside(X, training.X, getattr(self, "feature_names_in_", None))
        return Samples(X, codes, weights).in_format_of(training).without_weightless()

    def _first_classes(self, labels, given):
        """All classes, in the first call of ``partial_fit``."""
        kind = self._target_kind()
        if kind.knows_all_classes:
            return kind.classes_of(labels)
        if given is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return kind.classes_of(kind.check(given, "classes"))

    def _learn_target(self, y, classes):
        """Set the target and the classes."""
        self._check_classes(classes)
        self._target = self._target_kind(len(classes)).of(classes, y)
        self.classes_ = classes

    def _check_classes(self, classes):
        if len(classes) < 2:
            raise ValueError(
                f"Got 1 class, {classes.tolist()}; expected at least 2 classes. Rows of weight 0 "
                "are not counted."
            )

    def _check_same_target(self):
        if type(self._target) is not self._target_kind(len(self.classes_)):
            raise ValueError(
                "The net's layers have changed since it was last trained: the new loss needs a "
                "different output layer. Set warm_start=False to train a new net."
            )

    def _check_plan(self, validation, groups):
        """Raise an error if parameters and data contradict each other."""
        if self.validation_split and validation is not None:
            raise ValueError(
                f"Got validation_split={self.validation_split} and X_val; expected one of them. "
                "Set validation_split=0.0 to validate on X_val."
            )
        if groups is not None and not self.validation_split:
            raise ValueError(
                "Got groups with validation_split=0.0; expected a larger validation_split, which "
                "keeps the rows of a group together. Set it, or leave groups out."
            )
        needs = [name for name in ("patience", "refit_epoch") if getattr(self, name) is not None]
        if needs and not self.validation_split and validation is None:
            raise ValueError(
                f"Got {needs[0]}={getattr(self, needs[0])!r} without validation rows; expected "
                "some. Set validation_split, or pass X_val and y_val to fit."
            )
        if self.refit_epoch is not None and self.warm_start:
            raise ValueError(
                f"Got refit_epoch={self.refit_epoch!r} and warm_start=True; expected one of them, "
                "since refit_epoch trains a new net and warm_start continues with the old one. Set "
                "refit_epoch=None or warm_start=False."
            )

    def _hold_out(self, samples):
        """Split samples into those to train on and those to validate on."""
        splitter = np.random.RandomState(self._seeds["split"])
        share, groups = float(self.validation_split), samples.groups
        return map(samples.take, self._target.split(samples.codes, share, splitter, groups))

    def _weighted(self, training, validation):
        """Samples with weights scaled to a mean of 1, and the weights of the classes."""
        if len(training) <= int(self.batch_size) and self._may_merge(training.X):
            training = training.merged()
        codes, weights = training.codes, training.weights
        class_weight = self._target.class_weights(self.class_weight, codes, weights)
        weights, class_weight = self._target.with_mean_one(weights, class_weight, codes)
        if validation is not None:
            of_val, _ = self._target.with_mean_one(validation.weights, None, validation.codes)
            validation = validation.weighted(of_val)
        return training.weighted(weights), validation, class_weight

    def _may_merge(self, X):
        """Whether loss and metrics count a row of weight 2 as two equal rows."""
        from skclf import _bridge

        return _bridge.weighs_rows(self._compile_with(self._make_net(X, self._target)))
