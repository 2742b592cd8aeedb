from sklearn.datasets import load_digits

from skclf import MulticlassDenseClassifier
from skclf.plots import HistoryDisplay

X, y = load_digits(return_X_y=True)
clf = MulticlassDenseClassifier(64, epochs=40, validation_split=0.25, random_state=0)
HistoryDisplay.from_estimator(clf.fit(X / 16, y))
