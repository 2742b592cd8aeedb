"""Training that diverges is an error; huge sample and class weights don't cause it."""

import keras
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from two_paths import BOTH_PATHS, X, Y, net


@BOTH_PATHS
def test_a_fit_that_diverges_is_an_error_and_keeps_the_earlier_fit(callback):
    clf = net(optimizer="sgd", callbacks=[callback()], warm_start=True).fit(X, Y)
    before = vars(clf).copy()
    clf.set_params(learning_rate=1e30)
    with pytest.raises(ValueError, match=r"Training diverged: after epoch [45] .*Try a smaller"):
        clf.fit(X, Y)
    assert all(vars(clf)[name] is value for name, value in before.items() if name[-1] == "_")
    assert clf.n_epochs_ == 3
    with pytest.raises(ValueError, match=r"Training diverged: after epoch [45]"):
        clf.partial_fit(X, Y)
    assert clf.n_epochs_ == 3


class SetInfiniteWeights(keras.callbacks.Callback):
    """Makes the weights infinite after the last epoch, too late for the loss to show it."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            self.model.set_weights([np.full_like(w, np.inf) for w in self.model.get_weights()])


def test_infinite_weights_after_the_last_epoch_are_an_error():
    with pytest.raises(ValueError, match="Training diverged: after epoch 3"):
        net(callbacks=[SetInfiniteWeights()]).fit(X, Y)


@pytest.mark.parametrize("parameters", [{"refit_epoch": "val_loss"}, {"patience": 1}])
def test_divergence_with_validation_rows_is_an_error(parameters):
    clf = net(optimizer="sgd", learning_rate=1e30, validation_split=0.25, **parameters)
    with pytest.raises(ValueError, match="Training diverged: after epoch"):
        clf.fit(X, Y)
    assert not hasattr(clf, "classes_")


def test_a_search_scores_diverging_fits_as_nan():
    clf = net(optimizer="sgd")
    search = GridSearchCV(clf, {"learning_rate": [0.01, 1e30]}, cv=3)
    with pytest.warns(UserWarning, match="3 fits failed out of a total of 6|non-finite"):
        search.fit(X, Y)
    assert search.best_params_ == {"learning_rate": 0.01}
    assert np.isnan(search.cv_results_["mean_test_score"][1])
    assert np.isfinite(search.predict_proba(X)).all()


def test_terminate_on_nan_ends_in_the_same_error():
    clf = net(
        optimizer="sgd", learning_rate=1e30, callbacks=[keras.callbacks.TerminateOnNaN()], epochs=9
    )
    with pytest.raises(ValueError, match="Training diverged: after epoch"):
        clf.fit(X, Y)


def test_huge_weights_train_like_small_ones():
    plain = net(class_weight={0: 2.0}).fit(X, Y)
    huge = net(class_weight={0: 1e308, 1: 5e307}).fit(X, Y, np.full(60, 1e308))
    np.testing.assert_allclose(huge._weights[0], plain._weights[0], rtol=1e-5)
    np.testing.assert_allclose(huge.history_, plain.history_, rtol=1e-5)
    balanced = net(class_weight="balanced").fit(X, Y)
    huge = net(class_weight="balanced").fit(X, Y, np.full(60, 1e308))
    np.testing.assert_allclose(huge._weights[0], balanced._weights[0], rtol=1e-5)
    assert huge.evaluate(X, Y, np.full(60, 1e308)) == pytest.approx(huge.evaluate(X, Y))


@pytest.mark.parametrize(
    ("sample_weight", "class_weight"),
    [(np.full(60, 1e308), None), (None, {0: 1e308}), (np.full(60, 1e30), {0: 1e30})],
)
def test_huge_weights_in_partial_fit_are_an_error(sample_weight, class_weight):
    clf = net(class_weight=class_weight)
    with pytest.raises(ValueError, match=r"doesn't scale weights\. Divide them by the largest"):
        clf.partial_fit(X, Y, classes=[0, 1], sample_weight=sample_weight)
