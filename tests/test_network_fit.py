"""Training user-defined nets: seeds, frozen weights, snapshots, warm starts, files, callbacks."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import keras
import numpy as np
import pytest
from own_nets import (
    BODIES,
    IDS,
    IMAGES,
    LABELS,
    LOADED,
    TABLE,
    WEIGHTS,
    Y3,
    Y,
    convolutional,
    dense,
    masked,
    pretrained,
    recurrent,
    residual,
)
from sklearn.base import clone
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline

from skclf import NetworkClassifier, SequencePadder, network

layers = keras.layers


def net(body, **parameters):
    defaults = {"batch_size": 16, "epochs": 3, "learning_rate": 0.01, "random_state": 0}
    return NetworkClassifier(body, **defaults | parameters)


def assert_same_weights(one, other):
    for found, wanted in zip(one._weights, other._weights, strict=True):
        np.testing.assert_array_equal(found, wanted)


# ------------------------------------------------------------------------------------------- seeds


@pytest.mark.parametrize("name", ["residual", "augmented", "recurrent", "custom", "constrained"])
def test_random_state_determines_weights(name):
    body, X = BODIES[name]
    one, again = (net(body).fit(X, Y) for _ in range(2))
    other = net(body, random_state=1).fit(X, Y)
    assert_same_weights(one, again)
    assert not np.allclose(one._weights[0], other._weights[0])
    with ThreadPoolExecutor(3) as pool:
        fits = list(pool.map(lambda seed: net(body, random_state=seed).fit(X, Y), [0, 1, 0]))
    for clf, wanted in zip(fits, (one, other, one), strict=True):
        assert_same_weights(clf, wanted)


def test_dropout_changes_training():
    without_dropout, with_dropout = (
        net(residual(rate=0.0)).fit(TABLE, Y),
        net(residual(rate=0.5)).fit(TABLE, Y),
    )
    assert not np.allclose(without_dropout._weights[0], with_dropout._weights[0])


def test_seeds_of_user_are_kept():
    def body(inputs, seed):
        initializer = keras.initializers.GlorotUniform(seed=seed)
        x = layers.Dense(4, kernel_initializer=initializer)(inputs)
        return layers.Dropout(0.5, seed=seed)(x)

    fits = [
        net(lambda inputs, s=seed: body(inputs, s), random_state=state, keep_epochs=True)
        for seed, state in ((3, 0), (3, 1), (4, 0))
    ]
    from skclf import _bridge, nets

    built = [
        _bridge.build(nets.OpaqueNet((5,), 1, "sigmoid", False, clf.network), clf.random_state)
        for clf in fits
    ]
    np.testing.assert_array_equal(built[0].weights[0], built[1].weights[0])
    assert not np.allclose(built[0].weights[0], built[2].weights[0])
    assert [b.generator_states[0].tolist() for b in built] == [[3, 0], [3, 0], [4, 0]]


@network
def initialized(inputs, initializer="glorot_uniform"):
    return layers.Dense(4, kernel_initializer=initializer)(inputs)


def test_initializer_parameter_is_seeded_by_random_state():
    first = [
        net(initialized(initializer), random_state=seed, optimizer="sgd", learning_rate=1e-9)
        .fit(TABLE, Y)
        ._weights[0]
        for initializer, seed in (
            (keras.initializers.HeNormal(), 0),
            (keras.initializers.HeNormal(), 0),
            (keras.initializers.HeNormal(), 1),
            (keras.initializers.HeNormal(seed=3), 0),
            (keras.initializers.HeNormal(seed=3), 1),
        )
    ]
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_allclose(first[3], first[4], atol=1e-6)
    assert not np.allclose(first[0], first[2])
    assert not np.allclose(first[0], first[3])


# ---------------------------------------------------------------------------------- frozen weights


@pytest.mark.parametrize(
    "options", [{}, {"validation_split": 0.2, "refit_epoch": "val_loss"}], ids=["fit", "refit"]
)
def test_frozen_layers_keep_loaded_weights(options):
    clf = net(pretrained(), **options).fit(TABLE, Y)
    np.testing.assert_array_equal(clf._weights[0], LOADED)
    # Keras also freezes the statistics of a frozen batch normalization.
    assert [w.tolist() for w in clf._weights[4:6]] == [[0] * 6, [1] * 6]
    assert [v.name for v in clf.model_.trainable_variables] == ["kernel", "bias"] * 2


def test_training_starts_from_loaded_weights():
    clf = net(pretrained(trainable=True), optimizer="sgd", learning_rate=1e-9).fit(TABLE, Y)
    np.testing.assert_allclose(clf._weights[0], LOADED, atol=1e-6)


# ---------------------------------------------------------------------------------------- snapshots


def statistics(weights):
    """Moving mean and variance of the batch normalization in `residual`."""
    return weights[4], weights[5]


def test_snapshots_include_statistics():
    clf = net(residual(), keep_epochs=True, epochs=4).fit(TABLE, Y)
    means = [statistics(weights)[0] for weights in clf._epoch_weights.values()]
    assert len({mean.tobytes() for mean in means}) == 4
    *_, last = clf.staged_predict_proba(TABLE)
    np.testing.assert_array_equal(last, clf.predict_proba(TABLE))
    # The first two of four epochs equal a fit of two epochs.
    short = net(residual(), epochs=2).fit(TABLE, Y)
    np.testing.assert_array_equal(
        statistics(short._weights)[1], statistics(clf._epoch_weights[2])[1]
    )


def test_patience_restores_statistics():
    clf = net(residual(), epochs=30, patience=2, validation_split=0.3, learning_rate=0.2)
    clf.set_params(keep_epochs=True).fit(TABLE, Y)
    assert clf.n_epochs_ < 30
    kept = clf._epoch_weights[clf.n_epochs_]
    for found, wanted in zip(clf._weights, kept, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_refit_equals_fit_of_best_epoch_on_all_rows():
    clf = net(residual(), epochs=6, validation_split=0.3, refit_epoch="val_loss").fit(TABLE, Y)
    alone = net(residual(), epochs=clf.best_epoch_).fit(TABLE, Y)
    assert_same_weights(clf, alone)
    assert not np.allclose(statistics(clf._weights)[0], 0)


def test_warm_start_equals_single_fit():
    whole = net(residual(), epochs=4).fit(TABLE, Y)
    parts = net(residual(), epochs=2, warm_start=True).fit(TABLE, Y)
    parts = pickle.loads(pickle.dumps(parts)).fit(TABLE, Y)
    for found, wanted in zip(parts._weights, whole._weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert parts.n_epochs_ == 4
    with pytest.raises(ValueError, match="net's layers have changed"):
        parts.set_params(network__units=9).fit(TABLE, Y)


def test_partial_fit():
    clf = net(residual())
    for start in (0, 30):
        clf.partial_fit(TABLE[start : start + 30], Y[start : start + 30], classes=[0, 1])
    assert clf.n_epochs_ == 2
    assert not np.allclose(statistics(clf._weights)[0], 0)


def test_sample_and_class_weights():
    plain = net(dense(), batch_size=60).fit(TABLE, Y, WEIGHTS)
    rows = np.repeat(np.arange(60), 2)
    doubled = net(dense(), batch_size=120).fit(TABLE[rows], Y[rows], WEIGHTS[rows])
    for found, wanted in zip(doubled._weights, plain._weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert net(residual(), class_weight="balanced").fit(TABLE, Y3).score(TABLE, Y3) > 0


# -------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("name", ["none", "residual", "convolutional", "masked", "pretrained"])
def test_saved_nets_predict_the_same(name, tmp_path):
    body, X = BODIES[name]
    clf = net(body).fit(X, Y3)
    joblib.dump(clf, tmp_path / "clf.joblib")
    for loaded in (pickle.loads(pickle.dumps(clf)), joblib.load(tmp_path / "clf.joblib")):
        np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
        assert_same_weights(clone(loaded).fit(X, Y3), clf)
        wanted = clf.model_.predict(X, verbose=0)
        np.testing.assert_allclose(loaded.model_.predict(X, verbose=0), wanted, atol=1e-7)


def test_skops_files():
    skops_io = pytest.importorskip("skops.io", reason="skops is not installed")
    clf = net(residual()).fit(TABLE, Y)
    content = skops_io.dumps(clf)
    unknown = skops_io.get_untrusted_types(data=content)
    assert set(unknown) == {
        "own_nets.residual",
        "own_nets.residual.build",
        "skclf._network.NetworkClassifier",
    }
    loaded = skops_io.loads(content, trusted=unknown)
    np.testing.assert_array_equal(loaded.predict_proba(TABLE), clf.predict_proba(TABLE))
    without = skops_io.dumps(net(None).fit(TABLE, Y))
    assert skops_io.get_untrusted_types(data=without) == ["skclf._network.NetworkClassifier"]


def test_lambdas_need_cloudpickle():
    clf = net(lambda inputs: layers.Dense(3)(inputs)).fit(TABLE, Y)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(clf)
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    loaded = pickle.loads(cloudpickle.dumps(clf))
    np.testing.assert_array_equal(loaded.predict_proba(TABLE), clf.predict_proba(TABLE))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_weights", lambda weights: weights[:-1]),
        ("_net", lambda state: {**state, "n_outputs": 3}),
        ("_net", lambda state: {**state, "head": "relu"}),
        ("_net", lambda state: {**state, "weights": state["weights"][:-1]}),
        ("_net", lambda state: {**state, "n_ids": 0}),
        ("_net", lambda state: {**state, "extra": 0}),
        ("_body", lambda body: "os.system"),
        ("input_shape_", lambda shape: (6,)),
    ],
    ids=[
        "fewer weights",
        "other n_outputs",
        "other head",
        "fewer weight shapes",
        "no ids",
        "unknown part",
        "body",
        "input shape",
    ],
)
def test_altered_states_raise(name, value):
    from skclf._saved import CHECKED
    from skclf._versions import with_versions

    state = net(recurrent()).fit(IDS, Y).__getstate__()
    state[name] = value(state[name])
    attributes = {k: v for k, v in state.items() if k not in with_versions({}, ())}
    with pytest.raises(ValueError, match="Can't load this NetworkClassifier"):
        NetworkClassifier().__setstate__(with_versions(attributes, CHECKED))
    if name != "_body":
        with pytest.raises(ValueError, match="checksum"):
            NetworkClassifier().__setstate__(state)


def test_changed_body_raises():
    clf = net(recurrent(units=4)).fit(IDS, Y)
    state = clf.__getstate__()
    state["_body"] = recurrent(units=5).build
    loaded = NetworkClassifier()
    loaded.__setstate__(state)
    with pytest.raises(ValueError, match="builds different layers than in fit"):
        loaded.predict(IDS)


# ------------------------------------------------------------------------- without TensorFlow, ONNX

CODE = """
import pickle, sys
import numpy as np
clf, X, wanted = pickle.load(open(sys.argv[1], "rb"))
for name in ("tensorflow", "keras"):
    sys.modules[name] = None
np.testing.assert_array_equal(clf.predict_proba(X), wanted)
"""


def test_known_nets_predict_without_tensorflow(tmp_path):
    """The body is in a separate module, because that module must not import Keras."""
    (tmp_path / "bodies.py").write_text(
        "from skclf import network\n"
        "@network\n"
        "def body(inputs):\n"
        "    import keras\n"
        "    x = keras.layers.BatchNormalization()(inputs)\n"
        "    x = keras.layers.Conv2D(3, 3, strides=2)(x)\n"
        "    return keras.layers.Flatten()(x)\n"
    )
    fit = (
        "import pickle, sys; import numpy as np; from bodies import body\n"
        "from skclf import NetworkClassifier\n"
        "X = np.random.RandomState(0).rand(40, 8, 8, 2); y = np.arange(40) % 3\n"
        "clf = NetworkClassifier(body(), epochs=1, random_state=0).fit(X, y)\n"
        "pickle.dump((clf, X, clf.predict_proba(X)), open(sys.argv[1], 'wb'))\n"
    )
    for code in (fit, CODE):
        command = [sys.executable, "-c", code, str(tmp_path / "clf.pkl")]
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["residual", "convolutional", "text_cnn", "nested"])
@pytest.mark.parametrize("y", [Y, Y3, LABELS], ids=["two", "three", "labels"])
def test_onnx(name, y, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from skclf.onnx import to_onnx

    body, X = BODIES[name]
    clf = net(body, multilabel=y.ndim == 2).fit(X, y)
    assert clf._net.is_known
    to_onnx(clf, tmp_path / "clf.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "clf.onnx")
    label, probabilities = session.run(None, {"X": X.reshape(60, -1).astype(np.float32)})
    np.testing.assert_allclose(probabilities, clf.predict_proba(X), atol=1e-5)
    assert (label == clf.predict(X)).mean() > 0.98


def test_onnx_of_keras_only_net_raises(tmp_path):
    from skclf.onnx import to_onnx

    with pytest.raises(ValueError, match="layers that only Keras can compute"):
        to_onnx(net(masked()).fit(IDS, Y), tmp_path / "clf.onnx")


# ------------------------------------------------------------------------ with scikit-learn's tools


def test_searches_and_ensembles():
    search = GridSearchCV(net(residual()), {"network__rate": [0.0, 0.2]}, cv=2).fit(TABLE, Y)
    assert search.best_estimator_.network.rate in (0.0, 0.2)
    learner = net(dense(), epochs=20, learning_rate=0.03)
    boosted = AdaBoostClassifier(learner, n_estimators=2, random_state=0).fit(TABLE, Y)
    assert boosted.predict(TABLE).shape == (60,)
    bagged = BaggingClassifier(net(recurrent()), n_estimators=2).fit(IDS, Y3)
    assert bagged.predict_proba(IDS).shape == (60, 3)
    chain = ClassifierChain(net(dense())).fit(TABLE, LABELS)
    assert chain.predict(TABLE).shape == LABELS.shape
    scores = cross_val_score(
        net(dense(), multilabel=True), TABLE, LABELS, cv=2, scoring="average_precision"
    )
    assert np.isfinite(scores).all()


def test_ids_of_different_lengths_in_a_pipeline():
    rows = [row[: 2 + number % 5].tolist() for number, row in enumerate(IDS)]
    pipeline = make_pipeline(SequencePadder(), net(masked()))
    assert cross_val_score(pipeline, rows, Y, cv=2).shape == (2,)
    pipeline.fit(rows, Y)
    assert pipeline[-1].input_shape_ == (6,)
    assert pipeline.predict([[1, 2]]).shape == (1,)


def test_lambdas_train_in_workers():
    clf = net(lambda inputs: layers.Dense(3, "relu")(inputs))
    serial, parallel = (cross_val_score(clf, TABLE, Y, cv=2, n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(serial, parallel)


def test_multilabel_images():
    clf = net(convolutional(), multilabel=True, threshold=[0.3, 0.5, 0.7]).fit(IMAGES, LABELS)
    wanted = clf.predict_proba(IMAGES) >= [0.3, 0.5, 0.7]
    np.testing.assert_array_equal(clf.predict(IMAGES), wanted)
    assert clf.label_names_.tolist() == ["0", "1", "2"]
    with pytest.raises(AttributeError, match="defined only if multilabel=True"):
        net(convolutional()).fit(IMAGES, Y).label_names_  # noqa: B018


def test_evaluate_includes_penalties():
    body, X = BODIES["penalized"]
    clf = net(body, batch_size=60).fit(X, Y)
    plain = net(dense(activation="tanh"), batch_size=60).fit(X, Y)
    plain._weights = clf._weights
    assert clf.evaluate(X, Y)["loss"] > plain.evaluate(X, Y)["loss"] + 1e-3


# ---------------------------------------------------------------------------------------- callbacks


def test_checkpoint_is_plain_keras_model(tmp_path):
    path = tmp_path / "net.keras"
    clf = net(residual(), callbacks=keras.callbacks.ModelCheckpoint(path)).fit(TABLE, Y)
    found = keras.models.load_model(path).predict(TABLE, verbose=0)[:, 0]
    np.testing.assert_allclose(found, clf.predict_proba(TABLE)[:, 1], atol=1e-6)


def test_keras_early_stopping_restores_statistics():
    stop = keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    options = {"epochs": 20, "validation_split": 0.3, "learning_rate": 0.3, "keep_epochs": True}
    clf = net(residual(), callbacks=stop, **options).fit(TABLE, Y)
    assert clf.n_epochs_ < len(clf.history_)
    for found, wanted in zip(clf._weights, clf._epoch_weights[clf.n_epochs_], strict=True):
        np.testing.assert_array_equal(found, wanted)


class FreezeInnerModel(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        inner = next(layer for layer in self.model.layers if hasattr(layer, "layers"))
        inner.trainable = False


def test_net_frozen_by_callback_is_not_reused():
    body, X = BODIES["nested"]
    before = net(body).fit(X, Y)
    frozen = net(body, callbacks=FreezeInnerModel()).fit(X, Y)
    after = net(body).fit(X, Y)
    assert_same_weights(before, after)
    assert not np.allclose(frozen._weights[0], before._weights[0])


def test_scoring_monitor_predicts_at_each_epoch():
    callback = pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    for name in ("residual", "recurrent"):
        body, X = BODIES[name]
        clf = net(body)
        clf.set_callbacks(monitor)
        clf.fit(X, Y)
    assert monitor.get_logs() is not None


def test_loss_without_name():
    def loss(y_true, y_pred, power):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** power, axis=-1)

    by_lambda = net(dense(), loss=lambda y_true, y_pred: loss(y_true, y_pred, 2)).fit(TABLE, Y)
    named = net(dense(), loss="mse").fit(TABLE, Y)
    np.testing.assert_allclose(by_lambda._weights[0], named._weights[0], atol=1e-5)
