"""The HTML representation of estimators: links, tooltips, and whether they are fitted."""

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from own_nets import dense
from packaging.version import Version
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

import skclf
from skclf._repr import DOCUMENTATION

ESTIMATORS = sorted(set(skclf.__all__) - {"network"})
# Since this version, the representation has a table of parameters with tooltips.
SHOWS_TOOLTIPS = Version(sklearn.__version__) >= Version("1.8")
WORDS = [[1, 2, 3], [2, 4]]
STATELESS = [
    skclf.MultiHotVectorizer(num_words=5),
    skclf.MultiHotVectorizer(vocabulary={"good": 1, "bad": 4}),
    skclf.SequencePadder(maxlen=3),
]
SHOW_WITHOUT_TENSORFLOW = """
import sys
import joblib
import skclf
shown = [getattr(skclf, name)() for name in skclf.__all__ if name != "network"]
shown += joblib.load(sys.argv[1])
for estimator in shown:
    assert type(estimator).__name__ in estimator._repr_html_()
assert not {"tensorflow", "keras"} & sys.modules.keys()
print(len(shown))
"""


def page(name):
    return f"{DOCUMENTATION}/en/stable/generated/skclf.{name}.html"


def links(html):
    """The links of the question marks, in the order of the diagram."""
    return re.findall(r'<a class="sk-estimator-doc-link[^>]*href="([^"]*)"', html)


def is_shown_as_fitted(html):
    shown = {"<span>Fitted</span>" in html, "<span>Not fitted</span>" not in html}
    assert len(shown) == 1
    return shown.pop()


# Links and tooltips


def test_documentation_address_equals_pyproject():
    project = Path(skclf.__file__).parents[1] / "pyproject.toml"
    urls = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["urls"]
    assert urls["Documentation"] == DOCUMENTATION


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_link_to_their_pages(name):
    estimator = getattr(skclf, name)()
    assert estimator._get_doc_link() == page(name)
    assert links(estimator._repr_html_()) == [page(name)]


def test_steps_of_pipeline_link_to_their_pages():
    steps = [skclf.SequencePadder(maxlen=2), StandardScaler(), skclf.BinaryDenseClassifier()]
    pipeline, padder, scaler, classifier = links(make_pipeline(*steps)._repr_html_())
    assert pipeline.startswith("https://scikit-learn.org/")
    assert scaler.startswith("https://scikit-learn.org/")
    assert padder == page("SequencePadder")
    assert classifier == page("BinaryDenseClassifier")


def test_network_classifier_with_body_has_one_link():
    html = skclf.NetworkClassifier(dense(units=3))._repr_html_()
    assert links(html) == [page("NetworkClassifier")]


def test_user_subclasses_have_no_link():
    class UserVectorizer(skclf.MultiHotVectorizer):
        pass

    for estimator in (UserVectorizer(), dense(units=3)):
        assert estimator._get_doc_link() == ""
        assert links(estimator._repr_html_()) == []


@pytest.mark.skipif(not SHOWS_TOOLTIPS, reason="needs scikit-learn 1.8")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_parameter_has_a_tooltip(name):
    estimator = getattr(skclf, name)()
    html = estimator._repr_html_()
    shown = re.findall(r'class="param-doc-description"\s+style="[^"]*-(\w+);">\s*(\w+):', html)
    parameters = inspect.signature(type(estimator)).parameters
    assert sorted(shown) == sorted((parameter, parameter) for parameter in parameters)


def test_html_loads_no_tensorflow(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 3))
    fitted = [
        skclf.BinaryDenseClassifier(2, epochs=1, random_state=0).fit(X, X[:, 0] > 0),
        skclf.NetworkClassifier(epochs=1, random_state=0).fit(X, X[:, 0] > 0),
    ]
    file = tmp_path / "fitted.joblib"
    joblib.dump(fitted, file)
    command = [sys.executable, "-c", SHOW_WITHOUT_TENSORFLOW, str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(len(ESTIMATORS) + 2)


# Fitted or not


@pytest.mark.parametrize("estimator", STATELESS, ids=repr)
def test_stateless_transformers_are_shown_as_fitted_only_after_fit(estimator):
    estimator = sklearn.clone(estimator)
    before = dict(vars(estimator))
    for html in (estimator._repr_html_(), estimator._repr_mimebundle_()["text/html"]):
        assert not is_shown_as_fitted(html)
        assert links(html) == [page(type(estimator).__name__)]
    estimator.transform(WORDS)
    assert not is_shown_as_fitted(estimator._repr_html_())
    assert vars(estimator) == before
    assert is_shown_as_fitted(estimator.fit(WORDS)._repr_html_())
    assert is_shown_as_fitted(estimator._repr_mimebundle_()["text/html"])


@pytest.mark.parametrize("estimator", STATELESS, ids=repr)
def test_stateless_transformers_transform_without_fit(estimator):
    check_is_fitted(estimator)
    alone = estimator.transform(WORDS)
    assert alone.shape[0] == 2
    for outer in (make_pipeline(estimator), FeatureUnion([("words", estimator)])):
        assert outer.transform(WORDS).shape == alone.shape


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - {"Network"}))
def test_unfitted_estimators_are_shown_as_unfitted(name):
    estimator = getattr(skclf, name)()
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    assert not is_shown_as_fitted(estimator._repr_html_())


def test_text_display_has_no_html():
    with sklearn.config_context(display="text"):
        assert list(STATELESS[0]._repr_mimebundle_()) == ["text/plain"]
        assert not hasattr(STATELESS[0], "_repr_html_")
    assert STATELESS[0]._repr_mimebundle_()["text/plain"] == "MultiHotVectorizer(num_words=5)"
