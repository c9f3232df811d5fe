"""The function of a render by Lambda's real runtime client, asked by the stand-in of its tests.

    python lambda_client.py STORE BODIES SECONDS     # in the render; prints what was measured

One call after the other, as an environment of Lambda answers them. `cold` is from the start of the
process to its first answer: the platform's own start of a machine and of an image comes on top. The
prediction log goes to standard output, as on the platform, and is read and thrown away.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.engine.conformance import Case
from tests.engine.gateways import function_url, sent_back
from tests.engine.runtime_api import function

from benchmarks.load import cpu_seconds, pss

JSON = {"Content-Type": "application/json"}
WARM = 100


def main(store: str, bodies: str, seconds: str) -> dict[str, Any]:
    """Start it, ask it for as long as said, and end it."""
    lines = Path(bodies).read_bytes().splitlines()
    events = [function_url(Case("", 200, "POST", "/v1/predict", line, JSON)) for line in lines]
    begun = time.perf_counter()
    with function(Path.cwd(), store=store, prediction_log="-") as (api, process):
        assert process.stdout
        threading.Thread(target=lambda out: [*out], args=[process.stdout], daemon=True).start()
        answers = [sent_back(api.invoke(events[0]).reply)]
        cold = time.perf_counter() - begun
        for number in range(WARM):
            answers.append(sent_back(api.invoke(events[number % len(events)]).reply))
        before, begun = cpu_seconds(process.pid), time.perf_counter()
        took: list[float] = []
        while (start := time.perf_counter()) < begun + float(seconds):
            outcome = api.invoke(events[len(took) % len(events)])
            took.append(time.perf_counter() - start)
            assert outcome.kind == "response", outcome
        passed = time.perf_counter() - begun
        cpu, memory = cpu_seconds(process.pid) - before, pss(process.pid)
    assert {each.status for each in answers} == {200}
    took.sort()
    return {
        "answer": answers[0].body.decode(),
        "cold": cold,
        "cpu": cpu / len(took) * 1e6,
        "megabytes": memory,
        "rate": len(took) / passed,
        "p50": took[len(took) // 2] * 1000,
        "p99": took[len(took) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
