"""From documents to a measured index: recorded, repeatable, and never registered past a gate."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from engine.answering import prompt
from engine.answering.answerer import Answerer
from engine.contract.read import FILE, load_contract
from engine.contract.schema import Contract
from engine.core import provenance
from engine.core.errors import BundleError, RegistryError, RunError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.corpus import load as corpora
from engine.corpus.load import Corpus
from engine.evaluation import card, gates, judging, metrics, questions
from engine.evaluation import inputs as inputs_of
from engine.evaluation.measure import encoded, measure, pools
from engine.evaluation.questions import Questions
from engine.evaluation.searching import lsa, reranked
from engine.registry import runs
from engine.registry.bundle import CONTRACT, INDEX, PROMPT, Manifest, load_bundle, write_bundle
from engine.registry.history import now
from engine.registry.registry import Registry
from engine.retrieval import dense, lexical, nearest, rerank, split
from engine.retrieval.index import Index
from engine.retrieval.lexical import Passage

EXAMPLES = 4
UNASKED = "no dev question has an answer here, so nothing speaks for vectors"


@dataclass
class Clock:
    """Says what is being done and keeps how long it took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step and show it as it starts and ends."""
        print(f"  {name} ...", end="", flush=True)
        start = time.perf_counter()
        try:
            yield
        except BaseException:
            print(flush=True)  # what went wrong begins a line of its own
            raise
        self.seconds[name] = round(time.perf_counter() - start, 3)
        print(f" {self.seconds[name]:.1f} s", flush=True)


@dataclass
class Candidate:
    """A way to search, with the files that a bundle needs for it."""

    family: str
    files: Mapping[str, bytes]
    choice: str


def index(settings: Settings) -> runs.RunRecord:
    """Build, measure and record an index; register it as challenger when no gate failed."""
    contract = load_contract()
    storage = Storage(settings.store)
    storage.check()
    corpus = corpora.load(contract)
    for line in corpora.lines(corpus):
        say(f"  {line}", sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        record, digest = build(contract, corpus, settings, folder, storage)
        print(gates.table(record.gates), end="\n\n")
        for line in judging.lines(record.judged, contract.judge):
            say(line)
        for warning in record.warnings:
            say(f"warning: {warning}", sys.stderr, "warning")
        place = card.write_run(storage, load_bundle(Storage(folder), "", digest), record)
        runs.save(storage, record, folder)
        print(f"the card of this run: {place}")
        if record.passed:
            version = Registry(storage).register(folder, record.run_id, digest, record.metrics)
            print(f"run {record.run_id} is version {version}, the challenger")
    return record


def build(
    contract: Contract,
    corpus: Corpus,
    settings: Settings,
    folder: Path,
    storage: Storage | None,
    written: str | Path = FILE,
    prompt_text: bytes | None = None,
) -> tuple[runs.RunRecord, str]:
    """Build an index and measure it; leaves a complete bundle in `folder`.

    `written` is the file of the contract. Returns the record and the bundle's digest. Without
    `storage` no champion is compared, and no vector store is asked.
    """
    clock, run_id = Clock(), runs.new_id()
    inputs = inputs_of.current_inputs(contract, corpus, settings)
    reranker = rerank.wanted(settings, contract.retrieval)
    asked = questions.load(contract.questions, {d.name for d in corpus.documents})
    with clock.step(f"cutting {len(corpus.documents)} documents into passages"):
        size, overlap = contract.splitter.size, contract.splitter.overlap
        cut = {d.name: split.spans(d.text, size, overlap) for d in corpus.documents}
        words = {INDEX: lexical.build(corpus.documents, cut)}
    passages = sum(map(len, cut.values()))
    with clock.step(f"encoding {passages} passages"):
        chosen, found, pooled = _chosen(contract, words, asked, settings)
    if reranker:
        with clock.step("reranking what the questions find"):
            always = contract.retrieval.rerank == "always"
            choice = reranked.chosen(reranker, asked, pooled, found, always=always)
        found |= choice.metrics
        if choice.files:
            chosen.files = {**chosen.files, **choice.files}
            found |= _as_search("reranked", choice.metrics)
        chosen.choice = f"{chosen.choice}. {choice.said}"
    text = prompt.load(contract.answer.prompt) if prompt_text is None else prompt_text
    with clock.step("writing the bundle"):
        for name, content in {**chosen.files, PROMPT: text}.items():
            (folder / name).write_bytes(content)
        shutil.copyfile(written, folder / CONTRACT)
        manifest = Manifest(
            run_id=run_id,
            created=now(),
            family=chosen.family,
            documents=len(corpus.documents),
            passages=passages,
            metrics={},
            contract_fingerprint=contract.fingerprint,
            corpus_hash=corpus.digest,
            prompt_version=prompt.version(text),
            versions=provenance.libraries(),
        )
        write_bundle(folder, manifest)
    made = load_bundle(Storage(folder), "")
    answerer = Answerer(made, settings if storage else None)
    store, lost = nearest.part("engine.evaluation.searching.stored"), list[str]()
    if store and storage and answerer.index.is_hybrid:
        with clock.step("measuring where vectors are searched"):
            more, lost = store.measure(made, answerer.index, asked, settings)
            found |= more
    with clock.step(f"asking {len(asked.asked)} questions"):
        used = rerank.of_version(made.files, settings, contract.retrieval)
        measured = measure(answerer, asked, settings, used)
        found |= measured.metrics
        champion = _champion(storage, asked, settings) if storage else None
        verdicts = gates.check(contract, found, measured.p99_ms, champion)
    judged = None
    if contract.judge.model and storage:
        with clock.step(f"letting {contract.judge.model} judge the answers"):
            by = answerer.model if measured.by_model else ""
            judged = judging.judged(contract.judge, settings, asked, measured.given, by)
    answerer.index.close()
    right = [q.question for q in asked.part("dev", answerable=True)]
    right = right or [f"What about {d.title}?" for d in corpus.documents]
    manifest = Manifest(
        **{
            **{name: getattr(manifest, name) for name in manifest.__struct_fields__},
            "metrics": found,
            "examples": right[:: max(1, len(right) // EXAMPLES)][:EXAMPLES],
            "typical": measured.typical,
        }
    )
    digest = write_bundle(folder, manifest)
    commit, dirty = provenance.git_state()
    by_model = f"{answerer.model} ({measured.by_model} answers)" if measured.by_model else ""
    record = runs.RunRecord(
        run_id=run_id,
        created=manifest.created,
        family=chosen.family,
        choice=chosen.choice,
        answers_by=by_model or "extractive",
        prompt_version=manifest.prompt_version,
        inputs=inputs,
        counts=_counts(asked, len(corpus.documents), passages),
        metrics=found,
        thresholds=measured.thresholds,
        slices=measured.slices,
        gates=verdicts,
        unread={each.name: each.reason for each in corpus.unread},
        warnings=[
            *asked.warnings,
            *filter(None, [rerank.warning(settings, contract.retrieval)]),
            *_said(contract, settings, measured.fallbacks),
            *lost,
        ],
        commit=commit,
        dirty=dirty,
        python=provenance.python_version(),
        versions=manifest.versions,
        seconds=clock.seconds,
        files={
            name: provenance.hash_of((folder / name).read_bytes())
            for name in sorted({*chosen.files, PROMPT, CONTRACT})
        },
        judged=judged,
    )
    return record, digest


def _chosen(
    contract: Contract, words: dict[str, bytes], asked: Questions, settings: Settings
) -> tuple[Candidate, dict[str, float], dict[str, list[list[Passage]]]]:
    """The way to search, how every way that was tried finds the documents of the questions, and
    what the chosen one finds for those of each split."""
    retrieval, found = contract.retrieval, dict[str, float]()
    plain = Candidate("bm25", words, 'retrieval.dense is "none"')
    base = Index(words, retrieval)
    texts = base.lexical.texts()
    other: Candidate | None = None
    if retrieval.dense == "endpoint":
        rows = encoded(texts, retrieval.encoder_model, settings)
        files = {**words, dense.VECTORS: dense.dumped(rows)}
        other = Candidate(f"bm25+{retrieval.encoder_model}", files, 'dense is "endpoint"')
    elif retrieval.dense == "measured" and not any(each.answerable for each in asked.asked):
        plain.choice = UNASKED  # whatever an encoder would cost, nobody would see what it is worth
    elif retrieval.dense != "none":
        fitted = lsa.fit(texts, retrieval.dimensions)
        plain.choice = "the corpus is too small for an encoder of its own"
        if fitted:
            other = Candidate("bm25+lsa", {**words, **fitted}, 'retrieval.dense is "lsa"')
    pooled: dict[tuple[str, str], list[list[Passage]]] = {}
    for split_ in ("dev", "test"):
        right = asked.part(split_, answerable=True)
        if not right:
            continue
        pooled["bm25", split_] = pools(base, right, retrieval.pool)
        if other:
            hybrid, vectors = Index(other.files, retrieval), None
            if hybrid.asks_encoder:
                said = [question.question for question in right]
                vectors = encoded(said, retrieval.encoder_model, settings)
            pooled["hybrid", split_] = pools(hybrid, right, retrieval.pool, vectors)
            hybrid.close()
        for (way, part), each in pooled.items():
            if part == split_:
                row = metrics.retrieval(right, [[p.document for p in pool] for pool in each])
                found |= {f"{way}.{part}.{name}": round(value, 6) for name, value in row.items()}
    base.close()
    best = other or plain
    if other and retrieval.dense == "measured":
        best = _measured(plain, other, found)
    name = "bm25" if best is plain else "hybrid"
    found |= _as_search(name, found)
    return best, found, {part: each for (way, part), each in pooled.items() if way == name}


def _as_search(name: str, found: Mapping[str, float]) -> dict[str, float]:
    """The measures of one way to search as those of the version."""
    return {
        key.replace(f"{name}.", "search.", 1): value
        for key, value in found.items()
        if key.startswith(f"{name}.")
    }


def _measured(plain: Candidate, other: Candidate, found: dict[str, float]) -> Candidate:
    """Vectors beside words only where the dev questions do not fare worse with them."""
    alone, beside = found.get("bm25.dev.ndcg_at_10"), found.get("hybrid.dev.ndcg_at_10")
    if alone is None or beside is None:
        plain.choice = UNASKED
        return plain
    said = f"nDCG@10 of the dev questions is {beside:.4f} with LSA beside BM25, {alone:.4f} without"
    plain.choice = other.choice = said
    return other if beside >= alone else plain


def _champion(storage: Storage, asked: Questions, settings: Settings) -> dict[str, float] | None:
    """How the champion's index finds the documents of the same test questions."""
    right = asked.part("test", answerable=True)
    try:
        _, bundle = Registry(storage).load()
    except (RegistryError, BundleError):
        return None
    if not right:
        return None
    champion = Index(bundle.files, bundle.contract.retrieval, settings)
    try:
        return reranked.searched_by(bundle, champion, right, settings)
    except RunError:
        if rerank.RERANKER not in bundle.files:
            raise
        said = "the champion's reranker is not here: its search is compared in the order it has"
        say(f"warning: {said}", sys.stderr, "warning")
        files = {n: c for n, c in bundle.files.items() if n != rerank.RERANKER}
        plain = msgspec.structs.replace(bundle, files=files)
        return reranked.searched_by(plain, champion, right, settings)
    finally:
        champion.close()


def _counts(asked: Questions, documents: int, passages: int) -> dict[str, int]:
    found = {"documents": documents, "passages": passages}
    for split_ in ("dev", "test"):
        found[f"{split_} with an answer"] = len(asked.part(split_, answerable=True))
        found[f"{split_} without an answer"] = len(asked.part(split_, answerable=False))
    return found


def _said(contract: Contract, settings: Settings, fallbacks: dict[str, int]) -> list[str]:
    """What the measurement could not do with the language model."""
    found = [f"{many} answers are extractive: {why}" for why, many in fallbacks.items()]
    if contract.answer.model and not settings.llm_url:
        found.append(
            f"answer.model is {contract.answer.model!r}, but llm_url in settings.toml is empty: "
            "the extractive baseline was measured"
        )
    return found
