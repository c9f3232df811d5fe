"""What every rival of the benchmark of search does: build, be asked, and say what was found."""

import argparse
import json
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rag_encoder import Encode, encoder

Search = Callable[[str], list[str]]
"""A question in, the names of the documents of its passages out, the best passage first."""
Build = Callable[[Sequence[tuple[str, str]], Encode, bool], tuple[int, Search]]
"""Names and texts, the encoder, and whether texts are cut: the number of passages, the search."""
WARM, MOST, SECONDS = 5, 200, 120.0  # questions that are not timed; that are; and for so long


def main(build: Build) -> None:
    """Print as JSON what `build` finds for a collection, or how long it takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["quality", "speed"])
    parser.add_argument("file", type=Path, help="texts by name, and questions")
    parser.add_argument("encoder", help="as rag_encoder.py has it")
    options = parser.parse_args()
    given = json.loads(options.file.read_text("utf-8"))
    texts = [(name, f"{title}\n{text}") for name, (title, text) in given["texts"].items()]
    questions, encode = [question for question, _ in given["questions"]], encoder(options.encoder)
    if options.what == "quality":
        passages, search = build(texts, encode, True)
        found = [search(question) for question in questions]
        print(json.dumps({"passages": passages, "found": found}))
        return
    said = [*(text for _, text in texts), *questions]
    vectors = dict(zip(said, encode(said), strict=True))
    start = time.perf_counter()
    _, search = build(texts, lambda asked: np.stack([vectors[text] for text in asked]), False)
    built, took = time.perf_counter() - start, list[float]()
    for question in questions[:WARM]:
        search(question)
    end = time.monotonic() + SECONDS
    for question in questions[WARM : WARM + MOST]:
        start = time.perf_counter()
        search(question)
        took.append(time.perf_counter() - start)
        if time.monotonic() > end:
            break
    middle, slow = np.percentile(took, [50, 99]) * 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps([built, None, middle, slow, peak]))
