"""What both displays have in common: their use of Matplotlib, files, and a common error."""

import io
import subprocess
import sys

import joblib
import matplotlib
import matplotlib.pyplot as plt
import pytest
from plot_data import DIGIT_LABELS, DIGITS, IMAGES, NAMES, curve, trained_conv
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from skclf.plots import HistoryDisplay, ImagePredictionsDisplay

pytestmark = pytest.mark.usefixtures("closed_figures")


def drawn():
    HistoryDisplay(**curve(4), best_epoch=2).plot()
    ImagePredictionsDisplay(images=IMAGES[:2], predicted=[0, 1], probability=[1, 1]).plot()


@pytest.mark.filterwarnings("error")
def test_drawing_leaves_rcparams_unchanged():
    before = dict(matplotlib.rcParams)
    drawn()
    assert len(plt.get_fignums()) == 2
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("display_class", [HistoryDisplay, ImagePredictionsDisplay])
def test_without_matplotlib_the_error_names_the_extra(monkeypatch, display_class):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    name = display_class.__name__
    message = rf"{name}\.from_estimator needs matplotlib, .* with pip install 'skclf\[plots\]' "
    with pytest.raises(ImportError, match=message):
        display_class.from_estimator(
            trained_conv(), "loss" if display_class is HistoryDisplay else IMAGES
        )


@pytest.mark.parametrize(
    "display",
    [
        HistoryDisplay(epochs=[1], training=[0.5]),
        ImagePredictionsDisplay(images=IMAGES[:1], predicted=["ant"], probability=[0.5]),
    ],
)
def test_only_drawing_needs_matplotlib(monkeypatch, display):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert len(display.frame()) == 1
    with pytest.raises(ImportError, match=r"\.plot needs matplotlib, .* pip install 'skclf\[plo"):
        display.plot()


def test_drawing_does_not_import_tensorflow(tmp_path):
    joblib.dump((trained_conv(), IMAGES, NAMES), tmp_path / "conv.joblib")
    code = f"""
import sys, joblib
from skclf.plots import HistoryDisplay, ImagePredictionsDisplay
assert "matplotlib" not in sys.modules
conv, X, y = joblib.load({str(tmp_path / "conv.joblib")!r})
HistoryDisplay.from_estimator(conv)
ImagePredictionsDisplay.from_estimator(conv, X, y, n_images=2)
assert "matplotlib" in sys.modules
assert not {{"tensorflow", "keras", "scikeras"}} & set(sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("file_format", ["png", "svg", "pdf"])
def test_figures_can_be_saved(file_format):
    display = ImagePredictionsDisplay(
        images=IMAGES[:2], predicted=["ant", "bee"], probability=[1, 1], label=["ant", "ant"]
    ).plot()
    for figure in (display.figure_, HistoryDisplay(**curve(4), best_epoch=2).plot().figure_):
        file = io.BytesIO()
        figure.savefig(file, format=file_format)
        assert len(file.getvalue()) > 1000


def test_a_search_with_refit_false_is_an_error():
    search = GridSearchCV(LogisticRegression(), {"C": [1]}, cv=2, refit=False)
    search.fit(DIGITS[:40], DIGIT_LABELS[:40])
    message = "Got a GridSearchCV with refit=False, which keeps no fitted estimator; expected refit"
    for draw in (HistoryDisplay.from_estimator, ImagePredictionsDisplay.from_estimator):
        with pytest.raises(ValueError, match=message):
            draw(search, DIGITS)
