"""Prediction of labels for 2,000 images and for a single one, with three convolutional nets.

- 64x64: one block of 8 filters, on grey images
- 28x28: blocks of 32 and 64 filters, on grey images, as for MNIST
- 32x32x3: the same blocks on colour images, as for CIFAR-10

Each net ends with a layer of 10 units and 10 classes. skclf trains the nets for one epoch. Keras
and onnxruntime use the same weights, so all should predict the same labels ("agreement" is the
share of equal labels). On the "busy machine", another process keeps multiplying matrices on all
cores.
"""

import subprocess
import sys

from _run import QUICK, Benchmark, Check, Goal, main, median_seconds

N_IMAGES = 100 if QUICK else 2_000
NETS = {
    "64x64": ((64, 64, 1), (8,)),
    "28x28": ((28, 28, 1), (32, 64)),
    "32x32x3": ((32, 32, 3), (32, 64)),
}
BUDGET = 0.1 if QUICK else 3.0
BUSY = "skclf, busy machine"
OTHER_WORK = "import numpy as np; a = np.ones((2000, 2000))\nwhile True: a @ a"
MANY, ONE = f"{N_IMAGES:,} of {{}} (s)", "1 of {} (ms)"


def make_images(shape):
    """Noise, brighter in one of ten bands, and the number of the band."""
    import numpy as np

    rng = np.random.default_rng(0)
    y = np.arange(N_IMAGES) % 10
    images = rng.random((N_IMAGES, *shape), dtype=np.float32)
    for band in range(10):
        rows = slice(band * shape[0] // 10, (band + 1) * shape[0] // 10)
        images[y == band, rows] += 0.5
    return images, y


def prepare(folder):
    """Save fitted classifiers, also as ONNX files, and the labels that they predict."""
    import joblib

    from skclf import ShapeConvClassifier
    from skclf.onnx import to_onnx

    for name, (shape, filters) in NETS.items():
        images, y = make_images(shape)
        classifier = ShapeConvClassifier(
            10, filters=filters, epochs=1, batch_size=64, random_state=0
        ).fit(images, y)
        joblib.dump(classifier, folder / f"{name}.joblib")
        joblib.dump(classifier.predict(images), folder / f"{name}.labels")
        to_onnx(classifier, folder / f"{name}.onnx")


def times(predictor, folder):
    """Seconds for all images, milliseconds for one, and the share of labels equal to skclf's.

    Parameters
    ----------
    predictor : callable
        Takes the name of a net, and returns a function from images to labels.
    """
    import joblib

    numbers, agreement = {}, []
    for name, (shape, _) in NETS.items():
        images, _ = make_images(shape)
        predict = predictor(name)
        one = images[:1]
        numbers[MANY.format(name)] = median_seconds(lambda p=predict, X=images: p(X), BUDGET)
        numbers[ONE.format(name)] = 1000 * median_seconds(lambda p=predict, X=one: p(X), BUDGET / 3)
        labels = joblib.load(folder / f"{name}.labels")
        agreement.append(float((predict(images) == labels).mean()))
    return {**numbers, "agreement": min(agreement)}


def run_skclf(folder, seed):
    """Classifiers loaded from a file, without TensorFlow."""
    import joblib

    return times(lambda name: joblib.load(folder / f"{name}.joblib").predict, folder)


def run_busy(folder, seed):
    """The same while another process keeps all cores busy."""
    with subprocess.Popen([sys.executable, "-c", OTHER_WORK]) as other:
        try:
            return run_skclf(folder, seed)
        finally:
            other.kill()


def run_keras(folder, seed):
    """``keras.Model.predict`` with skclf's weights."""
    import joblib

    def predictor(name):
        model = joblib.load(folder / f"{name}.joblib").model_
        return lambda images: model.predict(images, verbose=0).argmax(axis=1)

    return times(predictor, folder)


def run_onnxruntime(folder, seed):
    """skclf's ONNX files."""
    import onnxruntime

    def predictor(name):
        session = onnxruntime.InferenceSession(folder / f"{name}.onnx")
        [rows] = session.get_inputs()
        return lambda images: session.run(None, {rows.name: images.reshape(len(images), -1)})[0]

    return times(predictor, folder)


BENCHMARK = Benchmark(
    f"Predict images: {N_IMAGES:,} and one, nets of one and two blocks",
    __file__,
    {
        "skclf": run_skclf,
        BUSY: run_busy,
        "keras.Model.predict": run_keras,
        "onnxruntime": run_onnxruntime,
    },
    goals=[
        *(Goal(MANY.format(name), "keras.Model.predict", 1) for name in NETS),
        *(Goal(MANY.format(name), "skclf", 3, contender=BUSY) for name in NETS),
        *(Goal(MANY.format(name), "onnxruntime") for name in NETS),
        *(Goal(ONE.format(name), "keras.Model.predict", 1 / 10) for name in NETS),
        *(Goal(ONE.format(name), "onnxruntime", 3) for name in NETS),
    ],
    # skclf computes in another order: an image on the boundary may differ.
    checks=[Check("agreement", at_least=0.99)],
    prepare=prepare,
    rounds=3,
    needs={"onnxruntime": ("onnxruntime",)},
)

if __name__ == "__main__":
    main(BENCHMARK)
