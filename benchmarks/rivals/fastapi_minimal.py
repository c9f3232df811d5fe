"""What a user would write instead: the handler behind FastAPI."""

import onnx_handler
from fastapi import FastAPI
from onnx_handler import Request, Response

app = FastAPI()


@app.post("/v1/predict")
async def predict(request: Request) -> Response:
    """Score the rows."""
    return onnx_handler.predict(request)
