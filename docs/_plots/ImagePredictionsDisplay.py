from skclf import ShapeConvClassifier
from skclf.datasets import make_shapes
from skclf.plots import ImagePredictionsDisplay

shapes = make_shapes(400, image_shape=(16, 16), radius=(3, 6), random_state=0)
X, y = shapes.data, shapes.target
clf = ShapeConvClassifier(epochs=15, random_state=0).fit(X[:300], y[:300])
ImagePredictionsDisplay.from_estimator(clf, X[300:], y[300:], n_images=8)
