"""The code on the documentation page about other tools, for those that are installed."""

import os
import re
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "tools.rst"
# For each section: the module that it needs, and what must hold after its code.
CHECKS = {
    "Optuna": ("optuna", "len(study.trials) == 5 and study.best_value > 0.9"),
    "SHAP": ("shap", "explanation.values.shape == (5, 30, 2)"),
    "imbalanced-learn": ("imblearn", "scores.shape == (5,) and scores.min() > 0.85"),
    "MLflow": ("mlflow", "(loaded.predict_proba(X) == clf.predict_proba(X)).all()"),
    "fairlearn": ("fairlearn", "len(by_group) == 2 and set(labels) == {0, 1}"),
    "cleanlab": ("cleanlab", "0 < len(issues) < 60"),
    "mlxtend": ("mlxtend", "axes.has_data() and stack.score(two, y) > 0.8"),
    "skrub": ("skrub", "table.score(X, y) > 0.9"),
    "tsfresh": ("tsfresh", "clf.score(features, rising) > 0.8"),
    "FastAPI": ("fastapi", "len(response.json()['probabilities']) == 2"),
}


def code_by_section():
    """The code of each section by title; code before the first section has the title ""."""
    parts = re.split(r"^(.+)\n-+\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    sections = {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    block = re.compile(r"^\.\. code-block:: python\n\n((?: {3}.*\n|\n)+)", re.MULTILINE)
    return {
        title: "".join(map(textwrap.dedent, block.findall(text)))
        for title, text in sections.items()
    }


CODE = code_by_section()


def test_every_section_is_checked():
    assert list(CODE) == ["", *CHECKS]
    assert all(CODE.values())


@pytest.mark.parametrize("title", CHECKS)
def test_code_of_section(title):
    module, expected = CHECKS[title]
    for needed in (module, "httpx") if title == "FastAPI" else (module,):
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    code = f"{CODE['']}{CODE[title]}\nassert {expected}"
    # Run in a subprocess, because some tools patch scikit-learn, and ignore warnings, because those
    # of the tools' own code don't matter here.
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
