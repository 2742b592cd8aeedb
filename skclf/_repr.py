"""What notebooks show of an estimator: the link to its API page, and whether it is fitted.

Imports only scikit-learn, whose HTML representation this module adapts. Representations don't load
Keras or TensorFlow.
"""

from __future__ import annotations

from typing import Any

from sklearn import get_config
from sklearn.utils import estimator_html_repr, get_tags

DOCUMENTATION = "https://skclf.readthedocs.io"  # as in pyproject.toml, which is not installed


class ApiPageMixin:
    """Adds links to the API page of an estimator to its HTML representation.

    scikit-learn fills in the template without the private parts of the module's name, so that
    ``skclf._dense`` becomes ``skclf``. It adds no link for subclasses in users' modules, because
    they have no such page.
    """

    _doc_link_module = "skclf"
    _doc_link_template = (
        DOCUMENTATION + "/en/stable/generated/{estimator_module}.{estimator_name}.html"
    )


class FittedReprMixin:
    """Draws an estimator as fitted only after `fit`, even if its methods work without `fit`.

    If they do, its tag ``requires_fit`` is False, so that `check_is_fitted` passes. Pipelines need
    this: since scikit-learn 1.8 they raise NotFittedError otherwise. But `estimator_html_repr` also
    calls `check_is_fitted`, and would draw the estimator as fitted before `fit`. For this reason,
    it draws a copy whose tag is True.
    """

    def _html_repr(self) -> str:
        tags = get_tags(self)
        tags.requires_fit = True
        # copy.copy would compute the checksum of the state.
        shown = object.__new__(type(self))
        vars(shown).update(vars(self), __sklearn_tags__=lambda: tags)
        return estimator_html_repr(shown)

    # scikit-learn before 1.7 doesn't call _html_repr in these two.
    def _repr_html_inner(self) -> str:
        return self._html_repr()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        output = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            output["text/html"] = self._html_repr()
        return output
