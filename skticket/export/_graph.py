"""What converters add to: nodes and constants of an ONNX graph."""

import numpy as np

from ..utils import extra
from ._compact import compact

with extra("onnx", "ONNX graphs"):
    from onnx import TensorProto
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType


class Graph:
    """What a converter adds to, in the precision of its inputs."""

    def __init__(self, scope, operator, container):
        self._scope, self._container = scope, container
        self._inputs = [(v.full_name, type(v.type)) for v in operator.inputs]
        self._is_double = is_double(operator)
        self.dtype = np.float64 if self._is_double else np.float32

    def X(self):
        """Return the name of the inputs, in the graph's own type."""
        own_type = DoubleTensorType if self._is_double else FloatTensorType
        to = TensorProto.DOUBLE if self._is_double else TensorProto.FLOAT
        columns = [
            name if kind is own_type else self.node("Cast", [name], to=to)
            for name, kind in self._inputs
        ]
        return columns[0] if len(columns) == 1 else self.node("Concat", columns, axis=1)

    def node(self, kind, inputs, output=None, **attributes):
        """Add a node, and return the name of its output."""
        output = output or self._scope.get_unique_variable_name(kind.lower())
        name = self._scope.get_unique_operator_name(kind)
        self._container.add_node(kind, inputs, output, name=name, **attributes)
        return output

    def constant(self, values):
        """Add an array of numbers or strings, and return its name."""
        values = np.asarray(values)
        if values.dtype.kind == "f":
            values = values.astype(self.dtype)
            kind = TensorProto.DOUBLE if self._is_double else TensorProto.FLOAT
        elif values.dtype.kind in "biu":
            values, kind = values.astype(np.int64), TensorProto.INT64
        else:
            values = np.array([value.encode() for value in values.ravel().tolist()])
            kind = TensorProto.STRING
        name = self._scope.get_unique_variable_name("constant")
        self._container.add_initializer(name, kind, values.shape, values.ravel())
        return name

    def outputs_of(self, ticket, X):
        """Add the network of a ticket, up to the outputs of its last layer."""
        inputs, layers = compact(ticket)
        n_inputs = next(iter(ticket.mask.values())).shape[1]
        if len(inputs) < n_inputs:
            X = self.columns(X, inputs)
        for number, (weights, biases) in enumerate(layers, start=1):
            X = self.node("Gemm", [X, self.constant(weights.T), self.constant(biases)])
            if number < len(layers):
                X = self.node("Relu", [X])
        return X

    def columns(self, X, positions, output=None):
        """Add a choice of columns."""
        # onnxruntime's Gather takes ten times as long along rows.
        inputs = [X, self.constant(positions)]
        return self.node("ArrayFeatureExtractor", inputs, output, op_domain="ai.onnx.ml")


def is_double(operator):
    return all(isinstance(v.type, DoubleTensorType) for v in operator.inputs)


def n_rows(operator):
    return operator.inputs[0].get_first_dimension()


def numbers_type(operator):
    return DoubleTensorType if is_double(operator) else FloatTensorType
