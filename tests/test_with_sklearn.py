"""Use with scikit-learn: pipelines, searches, ensembles, calibration and metadata routing."""

import copy

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from packaging.version import Version
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report, make_scorer, recall_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    MultiHotVectorizer,
    ShapeConvClassifier,
    _bridge,
)

RNG = np.random.RandomState(0)
X = RNG.normal(size=(90, 4))
Y = np.array(["ant", "bee"])[(X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)]
Y3 = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [-0.4, 0.4])]
WORDS = [RNG.randint(0, 30, 8).tolist() for _ in range(90)]
SHOWS_ATTRIBUTES = Version(sklearn.__version__) >= Version("1.9")
MOODS = np.array(["bad", "good"])[[int(3 in ids or 5 in ids or 7 in ids) for ids in WORDS]]


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {
        "hidden_layer_sizes": 4,
        "optimizer": "adam",
        "learning_rate": 0.05,
        "epochs": 8,
        "random_state": 0,
    }
    return estimator_class(**defaults | parameters)


def multiclass(**parameters):
    return net(MulticlassDenseClassifier, **parameters)


# ------------------------------------------------------------------------------------- pipelines


def test_pipeline():
    pipe = make_pipeline(StandardScaler(), net()).fit(X, Y)
    assert pipe.score(X, Y) > 0.9
    assert pipe.classes_.tolist() == ["ant", "bee"]
    assert pipe.predict_proba(X).shape == (90, 2)
    by_hand = net().fit(StandardScaler().fit_transform(X), Y)
    np.testing.assert_array_equal(
        pipe.predict_proba(X), by_hand.predict_proba(StandardScaler().fit_transform(X))
    )


def test_pipeline_passes_sample_weight():
    weights = np.random.RandomState(1).randint(0, 3, 90)
    pipe = Pipeline([("scale", StandardScaler()), ("net", net())])
    pipe.fit(X, Y, net__sample_weight=weights)
    by_hand = net().fit(StandardScaler().fit_transform(X), Y, weights)
    np.testing.assert_array_equal(
        pipe["net"].model_.get_weights()[0], by_hand.model_.get_weights()[0]
    )


def test_search_over_num_words_in_pipeline():
    pipe = Pipeline([("words", MultiHotVectorizer()), ("net", net(epochs=20))])
    search = GridSearchCV(pipe, {"words__num_words": [4, 30]}, cv=3).fit(WORDS, MOODS)
    assert search.best_params_ == {"words__num_words": 30}
    assert search.best_estimator_["net"].n_features_in_ == 30
    assert search.score(WORDS, MOODS) > 0.95


def test_texts_in_pipeline():
    texts = [" ".join(f"w{word}" for word in words) for words in WORDS]
    pipe = make_pipeline(TfidfVectorizer(dtype=np.float32), net(epochs=20)).fit(texts, MOODS)
    assert pipe.score(texts, MOODS) > 0.95


def test_column_transformer_in_pipeline():
    frame = pd.DataFrame(
        {"size": X[:, 0] * 100, "weight": X[:, 1], "colour": np.where(X[:, 2] > 0, "red", "blue")}
    )
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["size", "weight"]), ("names", OneHotEncoder(), ["colour"])]
    )
    pipe = make_pipeline(columns, net()).fit(frame, Y)
    assert pipe.score(frame, Y) > 0.9
    assert pipe[-1].n_features_in_ == 4
    reordered = frame[["colour", "weight", "size"]]
    np.testing.assert_array_equal(pipe.predict(reordered), pipe.predict(frame))


def test_flattened_images_in_pipeline():
    images = np.random.RandomState(1).rand(60, 4, 5)
    images[::2, 1:3, 1:3] += 2
    y = np.arange(60) % 2
    conv = net(ShapeConvClassifier, filters=2, image_shape=(4, 5))
    pipe = make_pipeline(StandardScaler(), conv).fit(images.reshape(60, -1), y)
    assert pipe.score(images.reshape(60, -1), y) > 0.9


@pytest.mark.parametrize("step", [StandardScaler(), SelectKBest(k=2)])
def test_pandas_output_of_steps(step, recwarn):
    frame = pd.DataFrame(X, columns=list("abcd"))
    expected = make_pipeline(clone(step), net()).fit(frame, Y).predict_proba(frame)
    recwarn.clear()
    with sklearn.config_context(transform_output="pandas"):
        pipe = make_pipeline(clone(step), net()).fit(frame, Y)
        found = pipe.predict_proba(frame)
        assert type(found) is np.ndarray
        assert pipe[-1].feature_names_in_.tolist()[:1] == ["a"]
        bare = net().fit(X, Y)
        assert type(bare.predict(X)) is np.ndarray
    np.testing.assert_array_equal(found, expected)
    assert [str(warning.message) for warning in recwarn] == []


# --------------------------------------------------------------------------------------- searches


def test_grid_search():
    grid = {"hidden_layer_sizes": [(), (4,)], "dropout": [0.0, 0.2], "epochs": [1, 8]}
    search = GridSearchCV(net(), grid, cv=2).fit(X, Y)
    assert len(search.cv_results_["params"]) == 8
    assert search.best_score_ > 0.85
    assert search.best_params_["epochs"] == 8
    again = GridSearchCV(net(), grid, cv=2).fit(X, Y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"]
    )


def test_every_parameter_can_be_searched_over():
    grid = {
        "hidden_layer_sizes": [3, (2, 2)],
        "activation": ["tanh"],
        "dropout": [0.1],
        "l2": [0.01],
        "optimizer": ["sgd"],
        "learning_rate": [0.1],
        "loss": ["categorical_crossentropy"],
        "metrics": [None],
        "epochs": [1],
        "batch_size": [16],
        "validation_split": [0.2],
        "patience": [1],
        "monitor": ["val_loss"],
        "keep_epochs": [True],
        "refit_epoch": ["val_loss"],
        "class_weight": ["balanced"],
        "callbacks": [None],
        "warm_start": [False],
        "random_state": [1],
        "verbose": [0],
    }
    assert grid.keys() == MulticlassDenseClassifier().get_params().keys()
    search = GridSearchCV(MulticlassDenseClassifier(), grid, cv=2, error_score="raise")
    assert np.isfinite(search.fit(X, Y3).cv_results_["mean_test_score"]).all()


def test_invalid_candidate_is_one_failed_fit():
    search = GridSearchCV(net(epochs=1), {"dropout": [0.0, 1.5]}, cv=2)
    with (
        pytest.warns(UserWarning, match="scores are non-finite"),
        pytest.warns(FitFailedWarning, match="'dropout' parameter of BinaryDenseClassifier must"),
    ):
        search.fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]


def test_randomized_search():
    draws = {"learning_rate": loguniform(1e-3, 1e-1), "hidden_layer_sizes": [(3,), (2, 2)]}
    search = RandomizedSearchCV(net(epochs=2), draws, n_iter=3, cv=2, random_state=0)
    assert search.fit(X, Y).best_estimator_.score(X, Y) > 0.5
    assert len(set(search.cv_results_["param_learning_rate"])) == 3


def test_halving_search_with_epochs_as_resource():
    search = HalvingGridSearchCV(
        multiclass(),
        {"hidden_layer_sizes": [2, 4, 8, 16]},
        resource="epochs",
        cv=2,
        factor=2,
        min_resources=2,
        max_resources=8,
        random_state=0,
    ).fit(X, Y3)
    assert search.n_resources_ == [2, 4, 8]
    assert search.n_candidates_ == [4, 2, 1]
    assert search.best_estimator_.n_epochs_ == 8
    assert search.best_score_ > 0.7


@pytest.mark.slow
def test_search_in_processes():
    grid = {"hidden_layer_sizes": [2, 4]}
    serial = GridSearchCV(net(epochs=2), grid, cv=2).fit(X, Y)
    parallel = GridSearchCV(net(epochs=2), grid, cv=2, n_jobs=2).fit(X, Y)
    np.testing.assert_array_equal(
        serial.cv_results_["mean_test_score"], parallel.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(serial.predict_proba(X), parallel.predict_proba(X))


# ------------------------------------------------------------------------------- cross-validation


def test_folds_are_stratified():
    # Sorted labels: without stratification each fold would lack a class in training.
    order = np.argsort(Y3, kind="stable")
    scores = cross_val_score(multiclass(epochs=20), X[order], Y3[order], cv=3)
    assert scores.min() > 0.7


def test_folds_have_all_classes(monkeypatch):
    seen = []
    fit = MulticlassDenseClassifier.fit

    def spy(self, X, y, *args, **kwargs):
        seen.append(np.unique(y, return_counts=True)[1])
        return fit(self, X, y, *args, **kwargs)

    monkeypatch.setattr(MulticlassDenseClassifier, "fit", spy)
    y = np.repeat([0, 1, 2], [60, 20, 10])
    cross_val_score(multiclass(epochs=1), X, y, cv=5)
    assert np.array(seen).tolist() == [[48, 16, 8]] * 5


def test_folds_have_separate_results():
    results = cross_validate(net(), X, Y, cv=3, return_estimator=True, return_indices=True)
    folds = zip(results["estimator"], results["indices"]["train"], strict=True)
    fits = [(clf, net().fit(X[train], Y[train])) for clf, train in folds]
    for clf, alone in fits:
        np.testing.assert_array_equal(clf.predict_proba(X), alone.predict_proba(X))
        pd.testing.assert_frame_equal(clf.history_, alone.history_)
    assert not np.allclose(fits[0][0].predict_proba(X), fits[1][0].predict_proba(X))


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_log_loss", "f1_macro"])
def test_scorers(scoring):
    assert np.isfinite(cross_val_score(net(epochs=1), X, Y == "bee", cv=2, scoring=scoring)).all()


def test_roc_auc_of_many_classes():
    scores = cross_val_score(multiclass(epochs=20), X, Y3, cv=2, scoring="roc_auc_ovr")
    assert scores.min() > 0.8


def test_cross_val_predict():
    proba = cross_val_predict(multiclass(), X, Y3, cv=3, method="predict_proba")
    assert proba.shape == (90, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_early_stopping_in_each_fold():
    clf = net(validation_split=0.2, patience=3, refit_epoch="val_loss", epochs=15)
    results = cross_validate(clf, X, Y, cv=3, return_estimator=True)
    assert results["test_score"].mean() > 0.85
    for fold in results["estimator"]:
        assert fold.n_epochs_ == fold.best_epoch_ <= len(fold.history_)


def test_learning_curve():
    sizes, _, scores = learning_curve(net(epochs=2), X, Y, train_sizes=[20, 60], cv=3)
    assert sizes.tolist() == [20, 60]
    assert scores.shape == (2, 3)


def test_permutation_importance():
    found = permutation_importance(net().fit(X, Y), X, Y, n_repeats=3, random_state=0)
    assert found.importances_mean.argmax() == 0


def test_classification_report():
    report = classification_report(
        Y3, multiclass(epochs=20).fit(X, Y3).predict(X), output_dict=True
    )
    assert {"ant", "bee", "cat"} < set(report)
    assert report["accuracy"] > 0.85


# -------------------------------------------------------------------------------------- ensembles


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method):
    clf = CalibratedClassifierCV(net(), method=method, cv=2).fit(X, Y)
    assert clf.score(X, Y) > 0.85
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)
    assert len(clf.calibrated_classifiers_) == 2


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(voting):
    members = [
        ("net", multiclass()),
        ("deeper", multiclass(hidden_layer_sizes=(4, 4))),
        ("linear", LogisticRegression()),
    ]
    clf = VotingClassifier(members, voting=voting).fit(X, Y3)
    assert clf.score(X, Y3) > 0.7


def test_stacking():
    members = [("net", net()), ("linear", LogisticRegression())]
    clf = StackingClassifier(members, cv=2).fit(X, Y)
    assert clf.score(X, Y) > 0.9
    over = StackingClassifier(members[1:], final_estimator=net(epochs=20), cv=2).fit(X, Y)
    assert over.score(X, Y) > 0.85


def test_bagging():
    clf = BaggingClassifier(net(random_state=None), n_estimators=3, random_state=0).fit(X, Y)
    again = clone(clf).fit(X, Y)
    np.testing.assert_array_equal(clf.predict_proba(X), again.predict_proba(X))
    assert clf.score(X, Y) > 0.85
    members = [
        member.predict_proba(X[:, f])
        for member, f in zip(clf.estimators_, clf.estimators_features_, strict=True)
    ]
    assert not np.allclose(members[0], members[1])
    np.testing.assert_allclose(clf.predict_proba(X), np.mean(members, axis=0))


def test_bagging_in_threads_equals_serial():
    clf = BaggingClassifier(net(), n_estimators=4, random_state=0)
    serial = clone(clf).fit(X, Y).predict_proba(X)
    with joblib.parallel_config("threading", n_jobs=4):
        threads = clone(clf).set_params(n_jobs=4).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(serial, threads)


def test_one_vs_rest():
    clf = OneVsRestClassifier(net()).fit(X, Y3)
    assert clf.score(X, Y3) > 0.6
    assert clf.predict_proba(X).shape == (90, 3)


def test_thresholds():
    recall = make_scorer(recall_score, pos_label="bee")
    clf = TunedThresholdClassifierCV(net(epochs=2), scoring=recall, cv=2, thresholds=20).fit(X, Y)
    assert recall(clf, X, Y) >= recall(clf.estimator_, X, Y)
    fixed = FixedThresholdClassifier(net(epochs=2).fit(X, Y), threshold=0.0, pos_label="bee")
    assert set(fixed.fit(X, Y).predict(X)) == {"bee"}


# --------------------------------------------------------------------------------------- routing


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_pipeline_transforms_validation_rows(routing):
    rows_val, y_val = X[60:] * 100, Y[60:]
    clf = net(refit_epoch="val_loss").set_fit_request(X_val=True, y_val=True)
    pipe = make_pipeline(StandardScaler(), clf, transform_input=["X_val"])
    pipe.fit(X[:60] * 100, Y[:60], X_val=rows_val, y_val=y_val)

    scaler = StandardScaler().fit(X[:60] * 100)
    by_hand = net(refit_epoch="val_loss").fit(
        scaler.transform(X[:60] * 100), Y[:60], X_val=scaler.transform(rows_val), y_val=y_val
    )
    pd.testing.assert_frame_equal(pipe[-1].history_, by_hand.history_)
    np.testing.assert_array_equal(
        pipe.predict_proba(rows_val), by_hand.predict_proba(scaler.transform(rows_val))
    )


def test_pipeline_transforms_validation_word_ids(routing):
    clf = net().set_fit_request(X_val=True, y_val=True)
    pipe = make_pipeline(MultiHotVectorizer(), clf, transform_input=["X_val"])
    pipe.fit(WORDS[:60], MOODS[:60], X_val=WORDS[60:], y_val=MOODS[60:])
    evaluated = pipe[-1].evaluate(pipe[0].transform(WORDS[60:]), MOODS[60:])
    np.testing.assert_allclose(pipe[-1].history_["val_loss"].iloc[-1], evaluated["loss"], rtol=1e-5)


def test_groups_are_routed_to_folds_and_fits(routing):
    groups = np.arange(90) // 6
    clf = net(validation_split=0.2, epochs=1).set_fit_request(groups=True)
    results = cross_validate(clf, X, Y, cv=GroupKFold(3), params={"groups": groups})
    assert np.isfinite(results["test_score"]).all()


def test_weights_are_routed_to_fits_and_scores(routing):
    weights = np.random.RandomState(1).randint(1, 4, 90)
    clf = net(epochs=1).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    results = cross_validate(
        clf,
        X,
        Y,
        cv=3,
        params={"sample_weight": weights},
        return_estimator=True,
        return_indices=True,
    )
    for fold in range(3):
        train, test = (results["indices"][part][fold] for part in ("train", "test"))
        alone = net(epochs=1).fit(X[train], Y[train], weights[train])
        assert results["test_score"][fold] == alone.score(X[test], Y[test], weights[test])


# ----------------------------------------------------------------------------------- representation


@pytest.mark.parametrize("fitted", [False, True])
def test_html_representation(fitted, monkeypatch):
    clf = net(epochs=1).fit(X, Y) if fitted else net()
    before = copy.copy(vars(clf))

    def refuse(*args, **kwargs):
        raise AssertionError("a Keras model was built to show an estimator")

    monkeypatch.setattr(_bridge, "keras_model", refuse)
    html = clf._repr_html_()
    assert "BinaryDenseClassifier" in html
    assert "hidden_layer_sizes" in html
    assert "AssertionError" not in html
    assert "hidden_layer_sizes=4" in repr(clf)
    attributes = html.partition("<summary>Fitted attributes")[2]  # tooltips also contain names
    for attribute in ("classes_", "history_"):
        assert (attribute in dir(clf)) == fitted
        assert (attribute in attributes) == (fitted and SHOWS_ATTRIBUTES)
    assert vars(clf) == before
    assert "BinaryDenseClassifier" in make_pipeline(StandardScaler(), clf)._repr_html_()


def test_clone_and_set_params_in_pipeline():
    pipe = make_pipeline(StandardScaler(), net())
    pipe.set_params(binarydenseclassifier__hidden_layer_sizes=(7,), binarydenseclassifier__epochs=1)
    assert clone(pipe).fit(X, Y)[-1].model_.layers[1].units == 7
    assert net().get_params()["hidden_layer_sizes"] == 4
