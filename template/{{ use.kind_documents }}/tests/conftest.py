"""What the tests stand on: the contract, the documents, and an index of them, built once."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from engine.answering.answerer import Answerer
from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.corpus import load as corpora
from engine.corpus.load import Corpus
from engine.evaluation import build, questions
from engine.evaluation.questions import Questions
from engine.registry import runs
from engine.registry.bundle import Bundle
from engine.registry.registry import Registry


class Built(NamedTuple):
    """An index built for the tests."""

    record: runs.RunRecord
    store: Path
    """Where it is version 1 and the champion; yours is left alone."""
    folder: Path
    """Its bundle, not in any store."""
    digest: str
    bundle: Bundle


@pytest.fixture(scope="session")
def contract() -> Contract:
    """What contract.toml says, without the language model, so that nothing is sent."""
    found = load_contract()
    return msgspec.structs.replace(found, answer=msgspec.structs.replace(found.answer, model=""))


@pytest.fixture(scope="session")
def corpus(contract: Contract) -> Corpus:
    """The documents that `src/app/documents.py` gives."""
    return corpora.load(contract)


@pytest.fixture(scope="session")
def asked(contract: Contract, corpus: Corpus) -> Questions:
    """The questions about these documents."""
    return questions.load(contract.questions, {d.name for d in corpus.documents})


@pytest.fixture(scope="session")
def built(contract: Contract, corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """An index, built as `python3 run.py index` builds one."""
    folder, store = tmp_path_factory.mktemp("bundle"), tmp_path_factory.mktemp("store")
    settings = load_settings(env={})
    record, digest = build.build(contract, corpus, settings, folder, None)
    registry = Registry(Storage(store))
    runs.save(registry.storage, record, folder)
    registry.register(folder, record.run_id, digest, record.metrics)
    registry.promote()
    return Built(record, store, folder, digest, registry.load()[1])


@pytest.fixture(scope="session")
def answerer(built: Built) -> Answerer:
    """The index, ready to answer."""
    return Answerer(built.bundle)


@pytest.fixture
def settings(built: Built, tmp_path: Path) -> Settings:
    """What settings.toml says, with the store of the tests and a log of their own."""
    found = load_settings(env={})
    return msgspec.structs.replace(
        found,
        store=str(built.store),
        prediction_log=str(tmp_path / "logs"),
        llm_url="",
        vector_url="",
    )
