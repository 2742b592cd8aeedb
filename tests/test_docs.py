"""Docstrings: complete, valid numpydoc, and identical where classes share a parameter."""

import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from numpydoc.validate import validate

import skclf
import skclf.datasets
import skclf.plots
from skclf._losses import LOSSES
from skclf.nets import ACTIVATIONS
from skclf.nets._body import KINDS

CLASSIFIERS = ["BinaryDenseClassifier", "MulticlassDenseClassifier", "MultilabelDenseClassifier"]
CLASSIFIERS += ["ShapeConvClassifier", "NetworkClassifier"]
SECTIONS = ["Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns", "See Also"]
SECTIONS += ["Notes", "References", "Examples"]
# Parameters that intentionally differ between classifiers.
OWN_PARAMETERS = {"loss", "filters", "kernel_size", "pool_size", "image_shape", "multilabel"}
OWN_PARAMETERS |= {"network", "threshold"}
# NetworkClassifier has a network body instead of these.
HIDDEN_LAYER_PARAMETERS = {"hidden_layer_sizes", "activation", "dropout", "l2"}
OWN_DEFAULTS = {"hidden_layer_sizes", "optimizer"}
OWN_TEXTS = {
    "MultilabelDenseClassifier": {"validation_split", "class_weight", "classes_"},
    "ShapeConvClassifier": {"n_features_in_"},  # pixel values or features
}
FITTED = [
    "classes_",
    "n_features_in_",
    "feature_names_in_",
    "history_",
    "best_epoch_",
    "n_epochs_",
    "model_",
]


def sections_of(documented):
    """Summary and sections of a numpydoc docstring, by name."""
    text = inspect.getdoc(documented)
    parts = re.split(r"^([A-Z][\w ]+)\n-{3,}\n", text, flags=re.MULTILINE)
    return {"": parts[0].strip(), **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries_of(section):
    """Pairs of ``name : type`` and description, by name."""
    entries = re.split(r"^\*{0,2}(\w[\w, ]*) : (.*)\n", section, flags=re.MULTILINE)
    return {
        name: (kind, " ".join(text.split()))
        for name, kind, text in zip(entries[1::3], entries[2::3], entries[3::3], strict=True)
    }


def public_methods(owner):
    return [
        (name, member)
        for name, member in inspect.getmembers(owner, inspect.isroutine)
        if not name.startswith("_") and member.__module__.startswith("skclf.")
    ]


def documented():
    """Yield the full name and the object of everything public that skclf documents."""
    for module in (skclf, skclf.datasets, skclf.plots):
        for name in module.__all__:
            member = getattr(module, name)
            yield f"{module.__name__}.{name}", member
            if inspect.isclass(member):
                for method, function in public_methods(member):
                    yield f"{module.__name__}.{name}.{method}", function


PUBLIC = dict(documented())


def test_public_names_are_complete():
    assert len(PUBLIC) >= 46
    assert {
        "skclf.BinaryDenseClassifier.fit",
        "skclf.ShapeConvClassifier.evaluate",
        "skclf.MultiHotVectorizer.transform",
        "skclf.datasets.make_shapes",
        "skclf.plots.HistoryDisplay.from_estimator",
    } < PUBLIC.keys()


def test_docstring_parsers():
    def function():
        """Do it.

        More of it.

        Parameters
        ----------
        a : int, default=1
            What is
            meant.
        b, c : str

        Returns
        -------
        str
        """

    sections = sections_of(function)
    assert list(sections) == ["", "Parameters", "Returns"]
    assert sections[""] == "Do it.\n\nMore of it."
    found = entries_of(sections["Parameters"])
    assert found == {"a": ("int, default=1", "What is meant."), "b, c": ("str", "")}


@pytest.mark.parametrize("name", PUBLIC)
def test_summary_and_section_order(name):
    sections = sections_of(PUBLIC[name])
    summary = sections[""].split("\n\n")[0]
    assert re.fullmatch(r"[A-Z][^\n]+\.", summary), "the summary must be one sentence on one line"
    assert [title for title in SECTIONS if title in sections] == list(sections)[1:]
    assert all(text.strip() for text in sections.values())


@pytest.mark.parametrize("name", PUBLIC)
def test_parameters_are_documented_in_signature_order(name):
    parameters = inspect.signature(PUBLIC[name]).parameters
    wanted = [parameter for parameter in parameters if parameter not in ("self", "fit_params")]
    found = entries_of(sections_of(PUBLIC[name]).get("Parameters", ""))
    assert ", ".join(found).split(", ") == (wanted or [""])
    for names, (kind, text) in found.items():
        defaults = {parameters[each].default for each in names.split(", ")}
        assert len(defaults) == 1
        default, shown = defaults.pop(), kind.partition("default=")[2]
        if default is inspect.Parameter.empty:
            assert shown == ""
        elif inspect.isclass(default):
            assert shown == f"np.{default.__name__}"
        elif kind != "None":  # only there for scikit-learn's API
            assert shown.replace('"', "'") == repr(default)
        is_obvious = names in ("X", "y") or name.endswith(("transform", "decode"))
        assert text.endswith((".", ":")) or is_obvious, f"{names} has no description"


@pytest.mark.parametrize("name", [name for name in PUBLIC if not inspect.isclass(PUBLIC[name])])
def test_functions_document_returned_value(name):
    assert {"Returns", "Yields"} & sections_of(PUBLIC[name]).keys()


@pytest.mark.parametrize("name", [name for name in PUBLIC if inspect.isclass(PUBLIC[name])])
def test_classes_document_examples_and_attributes(name):
    sections, wanted = (
        sections_of(PUBLIC[name]),
        {"Parameters", "Attributes", "See Also", "Examples"},
    )
    if name == "skclf.Network":  # a base class, whose subclasses have parameters and are not fitted
        wanted -= {"Parameters", "Attributes"}
    assert wanted <= sections.keys()
    assert ">>> " in sections["Examples"]
    for attribute, (_, text) in entries_of(sections.get("Attributes", "")).items():
        assert attribute.endswith("_")
        assert text.endswith("."), f"{attribute} has no description"


# It only does what scikit-learn's does.
WITHOUT_EXAMPLE = {"score"}


@pytest.mark.parametrize("name", PUBLIC)
def test_functions_and_methods_have_examples(name):
    text = sections_of(PUBLIC[name]).get("Examples", "")
    assert (">>> " in text) == (name.rpartition(".")[2] not in WITHOUT_EXAMPLE)
    assert "+SKIP" not in text
    assert not re.search(r"^(True|False)$", text, flags=re.MULTILINE), "prints more than that"


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_fitted_attributes_are_documented(name):
    found = list(entries_of(sections_of(getattr(skclf, name))["Attributes"]))
    assert [attribute for attribute in found if attribute in FITTED] == FITTED
    own = {"MultilabelDenseClassifier": {"label_names_"}}
    own["ShapeConvClassifier"] = {"image_shape_", "label_names_"}
    own["NetworkClassifier"] = {"input_shape_", "label_names_"}
    assert set(found) - set(FITTED) == own.get(name, set())


@pytest.mark.parametrize("name", ["history_", "model_"])
def test_properties_have_docstrings(name):
    for classifier in CLASSIFIERS:
        assert inspect.getdoc(getattr(getattr(skclf, classifier), name)).endswith(".")


@pytest.mark.parametrize("section", ["Parameters", "Attributes"])
@pytest.mark.parametrize("name", CLASSIFIERS[1:])
def test_shared_entries_are_identical(name, section):
    first = entries_of(sections_of(skclf.BinaryDenseClassifier)[section])
    other = entries_of(sections_of(getattr(skclf, name))[section])
    shared = [each for each in other if each in first and each not in OWN_PARAMETERS]
    assert len(shared) > 6
    for each in set(shared) - OWN_TEXTS.get(name, set()):
        kinds = [found[each][0] for found in (first, other)]
        if each in OWN_DEFAULTS:
            kinds = [kind.partition("default=")[0] for kind in kinds]
        assert kinds[0] == kinds[1]
        assert first[each][1] == other[each][1]


def test_all_differing_parameters_are_listed():
    # Parameters that the test above doesn't compare must be listed as intentionally different.
    found = [set(inspect.signature(getattr(skclf, name)).parameters) for name in CLASSIFIERS]
    differing = set.union(*found) - set.intersection(*found)
    assert differing == OWN_PARAMETERS - {"loss"} | HIDDEN_LAYER_PARAMETERS


SHARED_TEXTS = Path(__file__).parents[1] / ".ci" / "shared_texts.py"


@pytest.fixture
def tree(tmp_path):
    """A copy of the files that shared_texts.py reads, which a test may change."""
    if not SHARED_TEXTS.exists():
        pytest.skip("only a clone of the repository has the script")
    shutil.copytree(SHARED_TEXTS.parent, tmp_path / ".ci")
    (tmp_path / "skclf").mkdir()
    for file in Path(skclf.__file__).parent.glob("*.py"):
        shutil.copy(file, tmp_path / "skclf")
    return tmp_path


def run_shared_texts(tree, *options):
    command = [sys.executable, tree / ".ci" / "shared_texts.py", *options]
    return subprocess.run(command, capture_output=True, text=True)


def replace(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def sources(tree):
    return {file.name: file.read_text(encoding="utf-8") for file in tree.glob("skclf/*.py")}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("_dense.py", "Number of passes over the training rows.", "Number of epochs."),
        (
            "_dense.py",
            "        Dropout rate after each hidden dense layer, in the range [0, 1).\n",
            "",
        ),
        (
            "_shape_conv.py",
            "    epochs : int, default=20\n        Number of passes over the training rows.\n\n",
            "",
        ),
        ("_shape_conv.py", "    epochs : int, default=20\n", "    epochs : int, default=10\n"),
        ("_multilabel.py", "    n_epochs_ : int\n", "    n_epochs_\n"),
        ("_multilabel.py", "stratification [1]_, so that", "stratification [1]_: so that"),
    ],
    ids=["text", "missing text", "missing entry", "default", "missing type", "class-specific text"],
)
def test_shared_texts_detects_and_restores_changes(tree, file, old, new):
    before = sources(tree)
    replace(tree / "skclf" / file, old, new)
    changed = sources(tree)
    checked = run_shared_texts(tree, "--check")
    assert checked.returncode == 1
    assert f"+++ skclf/{file} with shared_texts.txt" in checked.stdout
    assert "Run python .ci/shared_texts.py" in checked.stderr
    assert sources(tree) == changed
    assert run_shared_texts(tree).returncode == 0
    assert sources(tree) == before
    assert run_shared_texts(tree, "--check").returncode == 0


def test_shared_texts_updates_every_class(tree):
    replace(
        tree / ".ci" / "shared_texts.txt",
        "Number of passes over the training rows.",
        "Number of epochs.",
    )
    assert run_shared_texts(tree).returncode == 0
    written = "".join(sources(tree).values())
    assert "Number of passes over the training rows." not in written
    assert written.count("epochs : int, default=20\n        Number of epochs.\n\n") == len(
        CLASSIFIERS
    )


def test_shared_texts_follows_changed_signature(tree):
    file = tree / "skclf" / "_dense.py"
    replace(file, "        l2: float = 0.0,\n", "")
    replace(
        file,
        '        activation: str = "relu",\n',
        '        l2: float = 0.5,\n        activation: str = "relu",\n',
    )
    assert run_shared_texts(tree).returncode == 0
    first, second, third, *_ = re.findall(
        r"^    (\w+ : .*)", sources(tree)["_dense.py"], re.MULTILINE
    )
    assert first == "hidden_layer_sizes : int or array-like of int, default=(16, 16)"
    assert (second, third) == ("l2 : float, default=0.5", 'activation : str, default="relu"')


def test_shared_texts_reports_undescribed_parameter(tree):
    replace(
        tree / "skclf" / "_dense.py",
        "        l2: float = 0.0,\n",
        "        l1=0.0,\n        l2: float = 0.0,\n",
    )
    result = run_shared_texts(tree)
    assert result.returncode == 1
    assert (
        "Neither the docstring nor shared_texts.txt describes the parameter 'l1'." in result.stderr
    )


# numpydoc checks that skclf ignores: an extended summary, an example and a See Also for each method
# (ES01, EX01, SA01), since the class has them; a Returns section next to Yields (RT01); and a bare
# type in the first line of Returns (RT02), since scikit-learn also names the returned value there.
IGNORED_CHECKS = {"ES01", "EX01", "SA01", "RT01", "RT02"}


@pytest.mark.parametrize("name", PUBLIC)
def test_numpydoc_validation(name):
    faults = [fault for fault in validate(name)["errors"] if fault[0] not in IGNORED_CHECKS]
    assert faults == []


def test_numpydoc_finds_docstring():
    docstring = validate("skclf.datasets.make_shapes")["docstring"]
    assert docstring.startswith("Generate greyscale images")


GUIDE = Path(__file__).parents[1] / "docs" / "guide" / "network.rst"


def test_guide_lists_layers_computed_by_numpy():
    if not GUIDE.exists():
        pytest.skip("only a clone of the repository has the guide")
    text = GUIDE.read_text(encoding="utf-8")
    begin = text.index("Predicting without TensorFlow\n---")
    table = text[begin : text.index("All other nets predict through Keras", begin)]
    layers = {name for kind in KINDS.values() for name in kind.keras_names}
    listed = set(re.findall(r"``([A-Z]\w+)``", table))
    assert {name for name in layers if hasattr(keras.layers, name)} <= listed <= layers
    unknown = set(re.findall(r'``"(\w+)"``', table))
    names = {name for name, member in vars(keras.activations).items() if inspect.isfunction(member)}
    assert names - {"deserialize", "get", "serialize"} - ACTIVATIONS.keys() <= unknown
    assert unknown.isdisjoint(ACTIVATIONS)


def test_guide_lists_losses():
    if not GUIDE.exists():
        pytest.skip("only a clone of the repository has the guide")
    text = GUIDE.read_text(encoding="utf-8")
    begin = text.index("Losses\n---")
    table = text[begin : text.index("You can also pass instances of Keras", begin)]
    heads = {"error": "sigmoid", "softmax": "softmax", "one sigmoid unit": None}
    for row in re.split(r"\n   \* - ", table)[2:]:
        names, two, more, *_ = re.split(r"\n     - ", row)
        head = heads[more if more == "error" else two]
        assert set(re.findall(r'``"(\w+)"``', names)) == {
            n for n, k in LOSSES.items() if k.head == head
        }
