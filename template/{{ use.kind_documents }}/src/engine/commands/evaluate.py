"""The verbs `evaluate` and `reproduce`: measure a version again, repeat a run."""

import argparse

from engine.answering.answerer import Answerer
from engine.contract.read import load_contract
from engine.core.errors import GateFailed, RunError
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.evaluation import gates, judging, questions
from engine.evaluation.measure import measure
from engine.evaluation.reproduce import reproduce as repeat
from engine.evaluation.searching.reranked import searched_by
from engine.registry.registry import Registry
from engine.retrieval import rerank


def main(argv: list[str]) -> int:
    """Measure a version, or repeat a run."""
    return reproduce(argv) if argv[0] == "reproduce" else evaluate(argv)


def reproduce(argv: list[str]) -> int:
    """Repeat a run and compare its files bit for bit."""
    parser = argparse.ArgumentParser(prog="run.py reproduce", description=reproduce.__doc__)
    parser.add_argument("run", help="a run id; python3 run.py history lists them")
    options = parser.parse_args(argv[1:])
    config = load_settings()
    found = repeat(Storage(config.store), options.run, config)
    if found:
        raise RunError(f"run {options.run} was not reproduced\n" + "\n".join(found))
    print(f"run {options.run} was reproduced: every file of the index is the same, bit for bit")
    return 0


def evaluate(argv: list[str]) -> int:
    """Ask a registered version the questions of a file, and hold it against the gates of now."""
    parser = argparse.ArgumentParser(prog="run.py evaluate", description=evaluate.__doc__)
    parser.add_argument("file", nargs="?", help="questions, one JSON object to a line")
    parser.add_argument("--version", type=int, help="which version (default: the champion)")
    parser.add_argument(
        "--for-people", metavar="FILE", help="write the answers into a new file, to be judged"
    )
    options = parser.parse_args(argv[1:])
    config, contract = load_settings(), load_contract()
    version, bundle = Registry(Storage(config.store)).load(options.version)
    answerer = Answerer(bundle, config)
    asked = questions.load(options.file or contract.questions, answerer.index.lexical.names())
    print(f"version {version}, run {bundle.manifest.run_id}, {len(asked.asked)} questions")
    for warning in asked.warnings:
        print(f"warning: {warning}")
    reranker = rerank.of_version(bundle.files, config, bundle.contract.retrieval)
    measured = measure(answerer, asked, config, reranker)
    found, right = dict(measured.metrics), asked.part("test", answerable=True)
    if right:
        rows = searched_by(bundle, answerer.index, right, config)
        found |= {f"search.test.{name}": value for name, value in rows.items()}
    verdicts = gates.check(contract, found, measured.p99_ms, None)
    print(gates.table(verdicts))
    if options.for_people:
        many = judging.sample(asked, measured.given, options.for_people)
        print(f"{many} answers to test questions are in {options.for_people}, for people to judge")
    if contract.judge.model:
        by = answerer.model if measured.by_model else ""
        told = judging.judged(contract.judge, config, asked, measured.given, by)
        print(*judging.lines(told, contract.judge), sep="\n")
    if failed := ", ".join(gate.name for gate in verdicts if gate.verdict == "failed"):
        raise GateFailed(f"version {version} does not keep: {failed}")
    return 0
