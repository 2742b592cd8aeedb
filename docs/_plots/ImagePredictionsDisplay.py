from skclf import ShapeConvClassifier
from skclf.datasets import make_shapes
from skclf.plots import ImagePredictionsDisplay

X, y = make_shapes(400, image_shape=(16, 16), radius=(3, 6), random_state=0, return_X_y=True)
clf = ShapeConvClassifier(epochs=5, random_state=0).fit(X[:300], y[:300])
ImagePredictionsDisplay.from_estimator(clf, X[300:], y[300:], n_images=8)
