"""The door to TensorFlow.

`Net` is a `keras.Model` that trains on NumPy arrays and CSR rows with its own seeded batch order.
The engine owns every tensor; what goes in and what comes out are NumPy arrays and SciPy CSR
matrices. It knows nothing of scikit-learn, SciKeras or labels.
"""

from skclf.engine._arrays import Batches, by_value
from skclf.engine._model import Net

__all__ = ["Batches", "Net", "by_value"]
