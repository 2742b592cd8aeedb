"""The layout of the package: allowed imports, public names, signatures and defaults."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import skclf
import skclf.datasets
import skclf.plots

ROOT = Path(skclf.__file__).parent
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
MOST_LINES = 500

# The modules that each file may import: at the top level, and additionally inside functions. Every
# file may import NumPy, the standard library and the type aliases.
ESTIMATORS = {"_arguments", "_base", "_dense", "_epochs", "_fitted", "_labels", "_monitors"}
ESTIMATORS |= {"_indicators", "_multilabel", "_parameters", "_preparation", "_rollback", "_rows"}
ESTIMATORS |= {
    "_array_errors",
    "_onnx_labels",
    "_persistence",
    "_row_view",
    "_samples",
    "_bodies",
    "_losses",
    "_network",
    "_shape_conv",
    "_targets",
    "_tasks",
}
ALLOWED = {
    "__init__": (
        {
            "skclf._bodies",
            "skclf._dense",
            "skclf._multi_hot",
            "skclf._multilabel",
            "skclf._network",
            "skclf._sequences",
            "skclf._shape_conv",
        },
        set(),
    ),
    "engine": ({"scipy", "tensorflow", "keras", "skclf.engine"}, set()),
    "nets": ({"scipy", "threadpoolctl", "skclf.nets"}, {"keras"}),
    "_fingerprints": (set(), set()),
    "_copies": ({"keras", "tensorflow", "skclf.engine"}, set()),
    "_keras_objects": (
        {"keras", "skclf._copies", "skclf._fingerprints", "skclf.engine"},
        set(),
    ),
    "_keras_losses": ({"keras", "skclf._losses"}, set()),
    "_callback_code": ({"keras", "skclf.engine"}, set()),
    "_open_nets": ({"keras", "skclf._keras_objects", "skclf.engine", "skclf.nets"}, set()),
    "_keras_bodies": (
        {"keras", "sklearn", "tensorflow", "skclf._fingerprints", "skclf.engine", "skclf.nets"},
        set(),
    ),
    "_keras_nets": (
        {
            "keras",
            "skclf._fingerprints",
            "skclf._keras_bodies",
            "skclf._keras_losses",
            "skclf._keras_objects",
            "skclf.engine",
            "skclf.nets",
        },
        set(),
    ),
    "_bridge": (
        {
            "scikeras",
            "keras",
            "skclf._callback_code",
            "skclf._copies",
            "skclf._imports",
            "skclf._keras_losses",
            "skclf._keras_nets",
            "skclf._keras_objects",
            "skclf._open_nets",
            "skclf.nets",
            "skclf.engine",
        },
        set(),
    ),
    # Keras imports rich, which draws a random number on import; only this file may undo that.
    "_imports": (set(), {"rich"}),
    "_stratify": ({"scipy"}, {"sklearn"}),
    "_checksum": (set(), set()),
    "_typing": (set(), set()),
    "_constraints": ({"sklearn"}, set()),
    "_repr": ({"sklearn"}, set()),
    "_migrations": (set(), set()),
    "_versions": (
        {"sklearn", "skclf._checksum", "skclf._migrations"},
        {"skclf.__version__"},
    ),
    "_saved": ({"skclf.nets", "skclf._targets", "skclf._versions"}, set()),
    "onnx": (
        {"sklearn", "skclf._fitted", "skclf.nets"},
        {"onnx", "skclf.__version__"},
    ),
    "_ids": ({"scipy"}, set()),
    "_bags": ({"skclf._ids"}, set()),
    "_vocabulary": ({"skclf._bags"}, set()),
    "_multi_hot": (
        {
            "scipy",
            "sklearn",
            "skclf._bags",
            "skclf._ids",
            "skclf._constraints",
            "skclf._repr",
            "skclf._versions",
            "skclf._vocabulary",
        },
        set(),
    ),
    "_sequences": (
        {"sklearn", "skclf._ids", "skclf._constraints", "skclf._repr", "skclf._versions"},
        set(),
    ),
    # pandas is for as_frame=True, Keras for the label names of its hosted files.
    "datasets": (
        {"scipy", "sklearn", "skclf._imports", "skclf._constraints", "skclf.datasets"},
        {"pandas", "keras"},
    ),
    # Displays read fitted attributes only, so they don't import the modules of the estimators.
    "plots": (
        {"sklearn", "skclf._constraints", "skclf.plots"},
        {"matplotlib", "pandas", "skclf._labels"},
    ),
}
ALLOWED |= dict.fromkeys(
    ESTIMATORS,
    (
        {
            "scipy",
            "sklearn",
            "skclf.nets",
            "skclf._saved",
            "skclf._constraints",
            "skclf._repr",
            "skclf._stratify",
            *map("skclf.{}".format, ESTIMATORS),
        },
        {"onnx", "pandas", "skclf._bridge"},
    ),
)
ALLOWED_EVERYWHERE = set(sys.stdlib_module_names) | {"numpy", "skclf._typing"}


def text(file):
    return (ROOT / file).read_text(encoding="utf-8")


def group_of(file):
    return file.split("/")[0].removesuffix(".py")


def imports_of(source, package):
    """Pairs of an imported module's full name and whether a function imports it."""
    found = []

    def visit(node, in_function):
        if isinstance(node, ast.Import):
            found.extend((alias.name, in_function) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            # ``from skclf import _rows`` imports a module, ``from skclf._rows import x`` a name.
            own = base in ("skclf", "skclf.datasets", "skclf.engine", "skclf.nets", "skclf.plots")
            modules = [f"{base}.{alias.name}" for alias in node.names] if own else [base]
            found.extend((name, in_function) for name in modules)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return  # only type checkers read these
        in_function = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            visit(child, in_function)

    visit(ast.parse(source), False)
    return found


def is_within(name, allowed):
    return any(name == module or name.startswith(module + ".") for module in allowed)


@pytest.mark.parametrize("file", FILES)
def test_imports_follow_table(file):
    package = ".".join(["skclf", *file.split("/")[:-1]])
    at_import, in_functions = ALLOWED[group_of(file)]
    for name, in_function in imports_of(text(file), package):
        allowed = ALLOWED_EVERYWHERE | at_import | (in_functions if in_function else set())
        assert is_within(name, allowed), f"{file} must not import {name}"


@pytest.mark.parametrize("file", FILES)
def test_only_constraints_imports_param_validation(file):
    imported = [name for name, _ in imports_of(text(file), "skclf")]
    is_private = "sklearn.utils._param_validation" in imported
    assert is_private == (file == "_constraints.py")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import a.b, c", [("a.b", False), ("c", False)]),
        ("def f():\n    from a import b", [("a", True)]),
        ("class C:\n    import a\n    def f(self):\n        import b", [("a", False), ("b", True)]),
        ("from . import _x", [("skclf.datasets._x", False)]),
        ("from ._x import y", [("skclf.datasets._x", False)]),
        ("from .._base import y", [("skclf._base", False)]),
        ("from skclf import _a, _b", [("skclf._a", False), ("skclf._b", False)]),
        ("if True:\n    with x:\n        import a", [("a", False)]),
    ],
)
def test_imports_of_finds_all_imports(source, found):
    assert imports_of(source, "skclf.datasets") == found


@pytest.mark.parametrize("file", FILES)
def test_files_are_short_and_have_docstrings(file):
    assert len(text(file).splitlines()) <= MOST_LINES
    assert ast.get_docstring(ast.parse(text(file)))


@pytest.mark.parametrize("file", FILES)
def test_no_dynamic_imports(file):
    assert "import_module" not in text(file)
    assert "__import__" not in text(file)


def test_no_file_executes_loaded_data():
    # Keras's hosted texts are pickles of lists; _ragged_npz reads them with an unpickler that can
    # only make arrays.
    reads_arrays = "datasets/_ragged_npz.py"
    unpicklers = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    for file in FILES:
        assert not re.search(r"\b(eval|exec)\(", text(file)), file
        assert "allow_pickle=True" not in text(file), file
        imported = {name.partition(".")[0] for name, _ in imports_of(text(file), "skclf")}
        assert imported & unpicklers <= ({"pickle"} if file == reads_arrays else set()), file
    assert set(re.findall(r"pickle\.\w+", text(reads_arrays))) == {
        "pickle.Unpickler",
        "pickle.UnpicklingError",
    }


def test_public_names():
    assert skclf.__all__ == [
        "BinaryDenseClassifier",
        "MultiHotVectorizer",
        "MulticlassDenseClassifier",
        "MultilabelDenseClassifier",
        "Network",
        "NetworkClassifier",
        "SequencePadder",
        "ShapeConvClassifier",
        "network",
    ]
    assert set(skclf.datasets.__all__) == {
        "fetch_imdb",
        "fetch_newsgroups",
        "fetch_reuters",
        "make_low_high",
        "make_shapes",
    }
    assert skclf.plots.__all__ == ["HistoryDisplay", "ImagePredictionsDisplay"]
    for name in set(skclf.__all__) - {"network"}:
        assert issubclass(getattr(skclf, name), BaseEstimator)


METHODS = {
    "fit": [
        "X",
        "y",
        "sample_weight",
        "X_val",
        "y_val",
        "sample_weight_val",
        "groups",
        "validation_data",
    ],
    "partial_fit": ["X", "y", "classes", "sample_weight"],
    "predict": ["X"],
    "predict_proba": ["X"],
    "predict_log_proba": ["X"],
    "staged_predict_proba": ["X"],
    "decision_function": ["X"],
    "score": ["X", "y", "sample_weight"],
    "evaluate": ["X", "y", "sample_weight"],
}
SHARED_DEFAULTS = {
    "activation": "relu",
    "dropout": 0.0,
    "l2": 0.0,
    "learning_rate": None,
    "metrics": ("accuracy",),
    "epochs": 20,
    "batch_size": 32,
    "validation_split": 0.0,
    "patience": None,
    "monitor": None,
    "refit_epoch": None,
    "keep_epochs": False,
    "class_weight": None,
    "callbacks": None,
    "warm_start": False,
    "random_state": None,
    "verbose": 0,
}
OWN_DEFAULTS = {
    "BinaryDenseClassifier": {
        "hidden_layer_sizes": (16, 16),
        "optimizer": "rmsprop",
        "loss": "binary_crossentropy",
    },
    "MulticlassDenseClassifier": {
        "hidden_layer_sizes": (64, 64),
        "optimizer": "rmsprop",
        "loss": "sparse_categorical_crossentropy",
    },
    "ShapeConvClassifier": {
        "hidden_layer_sizes": (10,),
        "optimizer": "adam",
        "loss": "auto",
        "filters": (8,),
        "kernel_size": 3,
        "pool_size": 2,
        "image_shape": None,
        "multilabel": False,
    },
    "MultilabelDenseClassifier": {
        "hidden_layer_sizes": (64, 64),
        "optimizer": "rmsprop",
        "loss": "binary_crossentropy",
        "threshold": 0.5,
    },
    "NetworkClassifier": {
        "network": None,
        "multilabel": False,
        "threshold": 0.5,
        "optimizer": "adam",
        "loss": "auto",
    },
}
# NetworkClassifier has a network body instead of these.
HIDDEN_LAYER_PARAMETERS = {"activation", "dropout", "l2"}


@pytest.mark.parametrize("name", OWN_DEFAULTS)
def test_constructor_signatures(name):
    parameters = inspect.signature(getattr(skclf, name)).parameters
    defaults = {parameter: found.default for parameter, found in parameters.items()}
    own = OWN_DEFAULTS[name]
    left_out = HIDDEN_LAYER_PARAMETERS if "network" in own else set()
    shared = {k: v for k, v in SHARED_DEFAULTS.items() if k not in left_out}
    assert defaults == shared | own
    first, *others = parameters.values()
    assert first.name == next(iter(own))
    assert first.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in others)


@pytest.mark.parametrize("name", OWN_DEFAULTS)
@pytest.mark.parametrize("method", METHODS)
def test_method_signatures(name, method):
    _, *parameters = inspect.signature(getattr(getattr(skclf, name), method)).parameters
    assert parameters == METHODS[method]


@pytest.mark.parametrize("name", OWN_DEFAULTS)
def test_every_parameter_is_checked(name):
    estimator_class = getattr(skclf, name)
    assert set(estimator_class._parameter_constraints) == set(estimator_class().get_params())


def run(code):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


HEAVY = ("tensorflow", "keras", "scikeras", "matplotlib", "sklearn.model_selection")


def test_import_loads_no_heavy_modules():
    # scikit-learn imports pandas if it is installed; block it to see whether skclf does, too.
    code = f"""
import sys
sys.modules["pandas"] = None
import skclf, skclf.datasets, skclf.plots
print(*(name for name in {HEAVY} if name in sys.modules))
"""
    assert run(code) == []
