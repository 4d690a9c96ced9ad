"""An ONNX graph that answers, by ONNX Runtime with one thread; torch is not needed."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from palate._optional import require
from palate.errors import BundleError, DataError
from palate.types import Float32Array

__all__ = ["Session"]

_ERRORS_ONLY: Final = 3


class Session:
    """One graph, ready.

    A service has a process a core: further threads of a graph would only wait for each other.

    Args:
        content: Of an ONNX file.
        name: For errors.

    Raises:
        BundleError: The content is no graph that this ONNX Runtime reads.
        MissingExtraError: ONNX Runtime is not installed.
    """

    def __init__(self, content: bytes, name: str) -> None:
        runtime = require("onnxruntime", extra="realtime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        faults = require("onnxruntime.capi.onnxruntime_pybind11_state", extra="realtime")
        try:
            self._session: Any = runtime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except (
            faults.Fail,
            faults.InvalidProtobuf,
            faults.InvalidGraph,
            faults.NotImplemented,
            faults.InvalidArgument,
            faults.RuntimeException,
        ) as error:
            raise BundleError(
                f"{name} is no graph that can be run: {error}", hint="fit and save the model again"
            ) from error
        # They derive from Exception alone, so nothing that guards a stage or a batch knows them.
        self._faults = (faults.Fail, faults.InvalidArgument, faults.RuntimeException, ValueError)
        self._name = name
        self.inputs: dict[str, tuple[int | str, ...]] = {
            one.name: tuple(one.shape) for one in self._session.get_inputs()
        }
        self.outputs: tuple[int | str, ...] = tuple(self._session.get_outputs()[0].shape)

    def __call__(self, **inputs: np.ndarray) -> Float32Array:
        """The graph's output; an input that it does not have is left out.

        Raises:
            DataError: An input is missing, or has another shape or dtype than the graph's.
        """
        given = {name: one for name, one in inputs.items() if name in self.inputs}
        try:
            found: Float32Array = self._session.run(None, given)[0]
        except self._faults as error:
            raise DataError(
                f"{self._name} cannot answer what it was given: {error}",
                hint="shapes and dtypes are those of the graph's inputs",
            ) from error
        return found
