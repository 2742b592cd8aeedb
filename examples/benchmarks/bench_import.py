"""``import skclf`` and the import of scikit-learn's own net, each in a new interpreter."""

import subprocess
import sys

from _run import ROOT, Benchmark, Check, Goal, main

PROGRAM = """
import sys, time
sys.path.insert(0, {root!r})
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
print(int(not {{"tensorflow", "keras"}} & sys.modules.keys()))
"""


def import_seconds(statement):
    """Time an import statement, and check whether it loaded TensorFlow or Keras."""
    program = PROGRAM.format(root=str(ROOT), statement=statement)
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    elapsed, without = output.split()
    return {"import (s)": float(elapsed), "without TensorFlow": int(without)}


def run_skclf(folder, seed):
    """All public names."""
    return import_seconds("import skclf")


def run_scikit_learn(folder, seed):
    """The modules that a user of `MLPClassifier` imports."""
    return import_seconds("import sklearn.base, sklearn.neural_network")


BENCHMARK = Benchmark(
    "Import",
    __file__,
    {"skclf": run_skclf, "scikit-learn": run_scikit_learn},
    goals=[Goal("import (s)", "scikit-learn", 1)],
    checks=[Check("without TensorFlow", at_least=1)],
    rounds=15,
)

if __name__ == "__main__":
    main(BENCHMARK)
