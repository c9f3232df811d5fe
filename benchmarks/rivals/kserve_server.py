"""KServe's own server around the handler, as its documentation has a custom predictor.

python kserve_server.py --model_name bench --http_port 8080    # the flags of KServe

Version 1 of its protocol holds the rows under `instances`, version 2 a tensor for each column.
"""

import argparse
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer, model_server
from onnx_handler import CLASSES, Request, predict


class OnnxModel(Model):
    """The handler as a model of KServe."""

    async def predict(
        self,
        payload: dict[str, Any] | InferRequest,
        headers: dict[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> dict[str, Any] | InferResponse:
        """Score the rows of either version."""
        del headers, response_headers
        if isinstance(payload, dict):
            answers = predict(Request(rows=payload["instances"])).predictions
            return {"predictions": [each.model_dump() for each in answers]}
        names = [tensor.name for tensor in payload.inputs]
        rows = zip(*(tensor.data for tensor in payload.inputs), strict=True)
        request = Request(rows=[dict(zip(names, row, strict=True)) for row in rows])
        answers = predict(request).predictions
        shares = [each.probabilities[name] for each in answers for name in CLASSES]
        labels = [each.label for each in answers]
        outputs = [
            InferOutput("label", [len(answers), 1], "BYTES", labels),
            InferOutput("probabilities", [len(answers), len(CLASSES)], "FP64", shares),
        ]
        return InferResponse(payload.id or "", self.name, outputs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    model = OnnxModel(parser.parse_args().model_name)
    model.ready = True
    ModelServer().start([model])
