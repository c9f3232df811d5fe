"""A client of the Open Inference Protocol over gRPC, which sends requests that are made already.

    python grpc_client.py ADDRESS BODIES ask NUMBER               # prints the answer to one of them
    python grpc_client.py ADDRESS BODIES load CALLERS SECONDS     # prints what was measured

Bytes go out and come in as they are, so that a message costs this client as little as it can. Even
so Python is slower than wrk: its share stands in the latency and, with many callers, in the rate.
"""

import asyncio
import json
import struct
import sys
import time
from pathlib import Path
from typing import Any

import grpc.aio
from tritonclient.grpc import service_pb2

METHOD = "/inference.GRPCInferenceService/ModelInfer"
NUMBERS = {"FP32": (4, "f"), "FP64": (8, "d")}


async def ask(call: Any, request: bytes) -> dict[str, Any]:
    """The tensors of numbers in an answer, as JSON has them over HTTP."""
    answer = service_pb2.ModelInferResponse.FromString(await call(request))
    outputs = []
    for number, each in enumerate(answer.outputs):
        if each.datatype in NUMBERS:
            size, letter = NUMBERS[each.datatype]
            raw = answer.raw_output_contents[number : number + 1] or [b""]
            data = [*struct.unpack(f"<{len(raw[0]) // size}{letter}", raw[0])]
            contents = each.contents  # where the server does not send bytes
            outputs.append({"name": each.name, "data": data or [*contents.fp64_contents]})
    return {"outputs": outputs}


async def load(call: Any, requests: list[bytes], callers: int, seconds: float) -> dict[str, Any]:
    """As many callers as said, each of whom asks again as soon as it has an answer."""
    took: list[float] = []
    begun = time.perf_counter()

    async def caller(number: int) -> None:
        while (start := time.perf_counter()) < begun + seconds:
            await call(requests[number % len(requests)])
            took.append(time.perf_counter() - start)
            number += callers

    await asyncio.gather(*(caller(number) for number in range(callers)))
    passed = time.perf_counter() - begun
    took.sort()
    p50, p99 = (took[int(len(took) * share)] * 1000 for share in (0.5, 0.99))
    return {"n": len(took), "us": passed * 1e6, "p50": p50, "p99": p99, "failed": 0}


async def main(address: str, bodies: str, what: str, *numbers: str) -> dict[str, Any]:
    """Connect, then ask or load; an answer that is an error ends it."""
    lines = Path(bodies).read_text(encoding="utf-8").split()
    requests = [bytes.fromhex(line) for line in lines]
    async with grpc.aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        call = channel.unary_unary(METHOD)
        if what == "ask":
            return await ask(call, requests[int(numbers[0])])
        return await load(call, requests, int(numbers[0]), float(numbers[1]))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
