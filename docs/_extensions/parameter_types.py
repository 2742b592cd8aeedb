"""What numpydoc's sections show: types that link to their pages, and texts of properties."""

from inventories import classes
from numpydoc.docscrape_sphinx import SphinxDocString
from numpydoc.xref import DEFAULT_LINKS

# Types under other names than their own, and what they link to.
NAMES = {
    "array-like": ":term:`array-like`",
    "sparse matrix": ":term:`sparse matrix`",
    "estimator": ":term:`estimator`",
    "ndarray": "numpy.ndarray",
    "dtype": "numpy.dtype",
    "RandomState": "numpy.random.RandomState",
    "CSR matrix": ":obj:`CSR matrix <scipy.sparse.csr_matrix>`",
    "DataFrame": "pandas.DataFrame",
    "Series": "pandas.Series",
    "path-like": ":obj:`path-like <os.PathLike>`",
    "Network": "skclf.Network",
}


def aliases():
    """The value of ``numpydoc_xref_aliases``.

    numpydoc has aliases of its own, which link each ``int`` and ``None``. Here they stand for
    themselves, so that with ``numpydoc_xref_ignore = "all"`` they are not linked.
    """
    plain = {name: name for name in DEFAULT_LINKS}
    return plain | {name: f":obj:`{name}`" for name in classes()} | NAMES


def setup(app):
    # numpydoc describes an attribute that is a property by the first sentence of the property's
    # docstring, in place of the text under Attributes. It has no option for this.
    process = SphinxDocString._process_param
    SphinxDocString._process_param = lambda self, name, text, _: process(self, name, text, False)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
