"""Start each way of serving in a fresh process, and compare start-up, answers and memory.

``python examples/serving/compare.py`` trains first. TensorFlow, Keras and SciKeras can't be
imported in skclf's process; with ``--python path`` it runs in another environment, in which they
are not even installed. In onnxruntime's process skclf and scikit-learn can't be imported either.
Each way is started several times in turn (with ``SKCLF_QUICK=1`` once), and the medians count.
Memory is the most that the process had; that needs Linux or macOS.
"""

import argparse
import contextlib
import http.client
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(__file__).parent
ROUNDS, N_ANSWERS = (1, 20) if os.environ.get("SKCLF_QUICK") == "1" else (5, 200)
ROW = [12.0, 80.0, 33.0, 41.0]
MANY_ROWS = 1_000

FOR_TRAINING = ["tensorflow", "keras", "scikeras"]
BLOCKED = """
import runpy, sys
sys.modules.update(dict.fromkeys({modules!r}))
sys.argv = sys.argv[1:]
sys.path[0] = {folder!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def blocking(modules, script):
    """The command that runs a script in a process that can't import these modules."""
    return [sys.executable, "-c", BLOCKED.format(modules=modules, folder=str(FOLDER)), *script]


def skclf_command(folder, python=None):
    """The command for skclf's server; without another `python`, TensorFlow is blocked in this."""
    script = [str(FOLDER / "serve.py"), str(folder / "model.joblib")]
    return [python, *script] if python is not None else blocking(FOR_TRAINING, script)


def onnx_command(folder):
    """The command for onnxruntime's server, which needs NumPy besides and nothing else."""
    script = [str(FOLDER / "serve_onnx.py"), str(folder / "model.onnx")]
    return blocking([*FOR_TRAINING, "skclf", "sklearn", "scipy", "onnx"], script)


def keras_command(folder, *options):
    """The command for Keras's server."""
    return [sys.executable, str(FOLDER / "serve_keras.py"), str(folder / "model.keras"), *options]


@contextlib.contextmanager
def running(command):
    """Start a server; give the process and a connection, and end the process afterwards."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip()
        if not address:
            raise RuntimeError(f"{' '.join(command)} ended without serving.")
        with contextlib.closing(http.client.HTTPConnection(urlsplit(address).netloc)) as connection:
            yield process, connection
    finally:
        process.kill()
        process.communicate()


def ask(connection, rows):
    """Status and answer of the server."""
    connection.request("POST", "/", json.dumps({"rows": rows}))
    response = connection.getresponse()
    return response.status, json.load(response)


def peak_memory(process):
    """End a process; return the most memory that it had, in megabytes."""
    process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / 1e6 if sys.platform == "darwin" else usage.ru_maxrss * 1024 / 1e6


def measure(command):
    """Seconds from the start to the first answer, milliseconds of later ones, and megabytes."""
    start = time.perf_counter()
    with running(command) as (process, connection):
        status, first = ask(connection, [ROW])
        startup = time.perf_counter() - start
        if status != 200:
            raise RuntimeError(f"{' '.join(command)} answered {first}.")
        one = milliseconds(connection, [ROW], N_ANSWERS)
        many = milliseconds(connection, [ROW] * MANY_ROWS, N_ANSWERS // 4)
        numbers = startup, one, many, peak_memory(process)
    return numbers, first["probabilities"][0]


def milliseconds(connection, rows, n_times):
    """Median time of an answer to these rows."""
    times = []
    for _ in range(n_times):
        start = time.perf_counter()
        ask(connection, rows)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def commands_for(folder, python=None):
    """The command of each way, by its name; that of ONNX is left out where it can't run."""
    commands = {"skclf": skclf_command(folder, python)}
    if (folder / "model.onnx").exists() and importlib.util.find_spec("onnxruntime"):
        commands["onnxruntime"] = onnx_command(folder)
    else:
        print("Without ONNX, for which the packages onnx and onnxruntime must be installed.")
    commands["Keras, model.predict(rows)"] = keras_command(folder)
    commands["Keras, model(rows)"] = keras_command(folder, "--direct")
    return commands


def compare(folder, python=None):
    """Medians for each way, by its name.

    Raises
    ------
    RuntimeError
        If a server fails, or the ways don't agree on the probabilities.
    """
    commands = commands_for(folder, python)
    measured = {name: [] for name in commands}
    for _ in range(ROUNDS):
        answers = {}
        for name, command in commands.items():
            numbers, answers[name] = measure(command)
            measured[name].append(numbers)
        each_class = zip(*answers.values(), strict=True)
        if max(max(numbers) - min(numbers) for numbers in each_class) > 1e-5:
            raise RuntimeError(f"The ways don't agree: {answers}.")
    return {
        name: [statistics.median(numbers) for numbers in zip(*runs, strict=True)]
        for name, runs in measured.items()
    }


def main():
    """Train, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", help="the Python of skclf's process, one without TensorFlow")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(FOLDER / "train.py"), folder], check=True)
        results = compare(Path(folder), given.python)
    titles = "first answer (s)", "one row (ms)", f"{MANY_ROWS:,} rows (ms)", "memory (MB)"
    print(" " * 28, *(f"{title:>18}" for title in titles), sep="")
    for name, (startup, one, many, memory) in results.items():
        print(f"{name:28}{startup:18.2f}{one:18.2f}{many:18.1f}{memory:18.0f}")


if __name__ == "__main__":
    main()
