"""ONNX graphs of tickets: importing this module tells skl2onnx how.

`skl2onnx.to_onnx(model, X[:1])` then takes a `WinningTicketClassifier`, `WinningTicketRegressor`,
`TicketTransformer` or `TicketSelector`, by itself or within a Pipeline. The graph holds what is
left of the network: units and inputs that the ticket has cut off are not in it. It computes in the
precision of X, and agrees with the estimator to rounding.

Examples
--------
>>> import onnxruntime
>>> import skticket.export
>>> from skl2onnx import to_onnx
>>> from sklearn.datasets import load_iris
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> from skticket import WinningTicketClassifier
>>> X, y = load_iris(return_X_y=True)
>>> clf = WinningTicketClassifier((30, 10), rounds=3, random_state=0)
>>> model = make_pipeline(StandardScaler(), clf).fit(X, y)
>>> graph = to_onnx(model, X[:1], options={"zipmap": False})
>>> session = onnxruntime.InferenceSession(graph.SerializeToString())
>>> labels, probabilities = session.run(None, {"X": X})
>>> bool((labels == model.predict(X)).all())
True
"""

from ._compact import compact
from ._onnx import graph_of, register_converters
from ._tables import NO_DATE, table_inputs

__all__ = ["NO_DATE", "compact", "graph_of", "register_converters", "table_inputs"]

register_converters()
