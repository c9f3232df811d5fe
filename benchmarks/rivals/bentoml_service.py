"""The handler behind BentoML: bentoml serve bentoml_service:Handler --port 3000."""

import bentoml
from onnx_handler import Request, Response, Row, predict


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Handler:
    """One worker, on whose event loop the model answers, as it takes microseconds."""

    @bentoml.api(route="/v1/predict")
    async def predict(self, rows: list[Row]) -> Response:  # type: ignore[valid-type]
        """Score the rows."""
        return predict(Request(rows=rows))
