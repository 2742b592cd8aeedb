"""ImagePredictionsDisplay of estimators that predict several labels per image."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from plot_data import KINDS, titles
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from skclf.datasets import make_shapes
from skclf.plots import ImagePredictionsDisplay

pytestmark = pytest.mark.usefixtures("closed_figures")

SEVERAL = make_shapes(
    80, image_shape=(12, 12), radius=(2, 4), shapes=KINDS, multilabel=True, random_state=0
)
FLAT, SHOWN = SEVERAL.images.reshape(80, -1), SEVERAL.target


class NamedNeighbors(KNeighborsClassifier):
    """Stores the names of its labels, like a net fitted with a DataFrame."""

    def fit(self, X, y):
        self.label_names_ = list(y)
        return super().fit(X, np.asarray(y))


# predict_proba returns a list with an array for each label, or one array for all labels.
LISTS = {
    "forest": RandomForestClassifier(5, max_depth=4, random_state=0),
    "neighbors": KNeighborsClassifier(3),
    "pipeline": make_pipeline(MinMaxScaler(), KNeighborsClassifier(3)),
    "search": GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [3]}, cv=2),
}
ARRAYS = {
    "perceptron": MLPClassifier((8,), max_iter=20, random_state=0),
    "one versus rest": OneVsRestClassifier(DecisionTreeClassifier(max_depth=2, random_state=0)),
}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("estimator", [*LISTS.values(), *ARRAYS.values()], ids=[*LISTS, *ARRAYS])
def test_multilabel_frame_holds_the_estimators_predictions(estimator):
    estimator = clone(estimator).fit(FLAT, SHOWN)
    display = ImagePredictionsDisplay.from_estimator(
        estimator, FLAT, SHOWN, n_images=30, label_names=KINDS
    )
    frame = display.frame()
    names = [f"p_{kind}" for kind in KINDS]
    assert list(frame) == ["image", "predicted", *names, "label", "correct"]
    predicted = estimator.predict(FLAT[:30])
    wanted = [tuple(np.array(KINDS)[row == 1].tolist()) for row in predicted]
    assert frame["predicted"].tolist() == wanted
    assert frame["label"].tolist() == [tuple(np.array(KINDS)[row == 1]) for row in SHOWN[:30]]
    assert frame["correct"].tolist() == (predicted == SHOWN[:30]).all(axis=1).tolist()
    found = estimator.predict_proba(FLAT[:30])
    if isinstance(found, list):
        found = np.column_stack([array[:, 1] for array in found])
    np.testing.assert_array_equal(frame[names], found)
    # A probability above 0.5 means that the label is predicted; at 0.5 the estimators differ.
    assert ((found > 0.5) <= (predicted == 1)).all()


def test_labels_constant_in_training_have_probability_0_or_1():
    # For such a label, predict_proba has a single column: the probability of 0 or of 1.
    y = SHOWN.copy()
    y[:, 0], y[:, 2] = 0, 1
    forest = clone(LISTS["forest"]).fit(FLAT, y)
    assert [array.shape[1] for array in forest.predict_proba(FLAT)] == [1, 2, 1]
    frame = ImagePredictionsDisplay.from_estimator(forest, FLAT, y, label_names=KINDS).frame()
    assert set(frame["p_square"]) == {0}
    assert set(frame["p_cross"]) == {1}


@pytest.mark.parametrize("as_target", [sparse.csr_array, sparse.coo_matrix, sparse.csc_array])
def test_sparse_indicators_equal_dense_ones(as_target):
    tree = OneVsRestClassifier(DecisionTreeClassifier(max_depth=2, random_state=0))
    dense, rare = tree.fit(FLAT, SHOWN), clone(tree).fit(FLAT, sparse.csr_matrix(SHOWN))
    assert sparse.issparse(rare.predict(FLAT))
    found = ImagePredictionsDisplay.from_estimator(rare, FLAT, as_target(SHOWN))
    wanted = ImagePredictionsDisplay.from_estimator(dense, FLAT, SHOWN)
    pd.testing.assert_frame_equal(found.frame(), wanted.frame())
    assert titles(found) == titles(wanted)


@pytest.mark.parametrize(
    "as_target",
    [list, np.ndarray.tolist, lambda y: y.astype(bool), lambda y: pd.DataFrame(y, columns=KINDS)],
    ids=["rows", "lists", "booleans", "frame"],
)
def test_all_forms_of_true_labels_give_the_same_frame(as_target):
    neighbors = KNeighborsClassifier(3).fit(FLAT, SHOWN)
    found = ImagePredictionsDisplay.from_estimator(neighbors, FLAT, as_target(SHOWN), n_images=5)
    wanted = ImagePredictionsDisplay.from_estimator(neighbors, FLAT, SHOWN, n_images=5)
    pd.testing.assert_frame_equal(found.frame(), wanted.frame())


def several(**options):
    """Three images: two labels, one and none."""
    predicted = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]])
    probability = np.array([[0.98, 0.61, 0.2], [0.1, 0.49, 0.505], [0, 0.3, 0.2]])
    values = {"predicted": predicted, "probability": probability, "label_names": KINDS} | options
    display = ImagePredictionsDisplay(images=np.zeros((3, 4, 4)), **values)
    return display.plot(plt.figure(figsize=(15, 5)))


def test_titles_name_each_predicted_label_with_its_probability():
    assert titles(several()) == ["square 98%, circle 61%", "cross 50%", "none"]


def test_a_prediction_with_one_wrong_label_is_wrong():
    display = several(label=np.array([[1, 0, 1], [0, 0, 1], [0, 1, 0]]))
    assert titles(display) == [
        "predicted square 98%, circle 61%\ntrue square, cross",
        "cross 50%",
        "predicted none, true circle",
    ]
    assert [ax.spines["top"].get_linewidth() for ax in display.axes_] == [4, 0.8, 4]
    frame = display.frame()
    assert frame["correct"].tolist() == [False, True, False]
    assert frame["label"].tolist() == [("square", "cross"), ("cross",), ("circle",)]
    assert titles(several(label=np.zeros((3, 3))))[1] == "predicted cross 50%, true none"


def test_no_prediction_is_wrong_without_true_labels():
    display = several()
    assert list(display.frame()) == ["image", "predicted", "p_square", "p_circle", "p_cross"]
    assert display.frame()["predicted"].tolist() == [("square", "circle"), ("cross",), ()]
    assert {ax.spines["top"].get_linewidth() for ax in display.axes_} == {0.8}


@pytest.mark.parametrize("label_names", [None, [0, 1, 2], np.arange(3)])
def test_labels_without_names_are_numbered(label_names):
    display = several(label_names=label_names)
    assert titles(display)[0] == "label 0 98%, label 1 61%"
    assert list(display.frame())[2:] == ["p_label 0", "p_label 1", "p_label 2"]


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_label_names_come_from_the_fitted_estimator(in_pipeline):
    estimator = NamedNeighbors(3)
    if in_pipeline:
        estimator = make_pipeline(MinMaxScaler(), estimator)
    estimator.fit(FLAT, pd.DataFrame(SHOWN, columns=KINDS))
    display = ImagePredictionsDisplay.from_estimator(estimator, FLAT)
    assert display.label_names == list(KINDS)
    display = ImagePredictionsDisplay.from_estimator(estimator, FLAT, label_names=["a", "b", "c"])
    assert list(display.frame())[2:] == ["p_a", "p_b", "p_c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"y": KINDS * 26 + ("square", "square")},
            r"Got true labels of shape \(16,\); .*\(n_im.*3",
        ),
        ({"y": SHOWN[:, :2]}, r"true labels of shape \(16, 2\); expected an indicator"),
        ({"y": 2 * SHOWN}, "true labels with values other than 0 and 1"),
        ({"y": SHOWN[:7]}, "inconsistent numbers of samples"),
        ({"label_names": ["a", "b"]}, r"label_names=\['a', 'b'\]; expected 3 different names"),
        ({"label_names": ["a", "b", "a"]}, "expected 3 different names, one for each column"),
        ({"label_names": "abc"}, "'label_names' parameter of .* must be an array-like or None"),
    ],
)
def test_multilabel_data_that_cannot_be_drawn_is_an_error(options, message):
    neighbors = KNeighborsClassifier(3).fit(FLAT, SHOWN)
    with pytest.raises(ValueError, match=message):
        ImagePredictionsDisplay.from_estimator(neighbors, FLAT, **options)


def test_multioutput_predictions_are_an_error():
    neighbors = KNeighborsClassifier(3).fit(FLAT, SHOWN + np.arange(80)[:, np.newaxis] % 2)
    with pytest.raises(ValueError, match=r"predictions with values other than 0 and 1; .*column"):
        ImagePredictionsDisplay.from_estimator(neighbors, FLAT)


@pytest.mark.parametrize("probability", [np.ones(3), np.ones((3, 2))])
def test_a_probability_is_needed_for_each_label(probability):
    with pytest.raises(ValueError, match=r"probabilities of shape .* of shape \(3, 3\); exp"):
        several(probability=probability)
