"""A bundle of the project's own contract around a few documents: enough for registry and server."""

from collections.abc import Mapping
from pathlib import Path

from engine.contract.read import load_contract
from engine.core.storage import Storage
from engine.corpus import formats
from engine.corpus.document import Document
from engine.registry.bundle import CONTRACT, INDEX, PROMPT, Bundle, Manifest, write_bundle
from engine.registry.registry import Registry
from engine.retrieval import lexical
from engine.retrieval.split import spans

ROOT = Path(__file__).parents[2]
PART = PROMPT
METRICS = {"search.test.hit_at_5": 1.0}
TEXTS = {
    "cats.md": "# Cats\n\nA cat sleeps for 14 hours a day. Cats hunt at dusk and at dawn.\n",
    "tea.md": "# Tea\n\nGreen tea is poured at 75 degrees. Black tea needs boiling water.\n",
    "trains.txt": "Trains\n\nThe night train to Oslo leaves at 22:40 from platform 6.\n",
}


def documents(texts: Mapping[str, str] = TEXTS) -> list[Document]:
    """Documents of these texts."""
    found = []
    for name, text in texts.items():
        title, read, headings = formats.read(name, text.encode())
        found.append(Document(name, title, read, headings, "digest"))
    return found


def make(
    folder: Path,
    run_id: str,
    content: bytes = b"{passages} {question}",
    contract: str = "",
    texts: Mapping[str, str] = TEXTS,
    files: Mapping[str, bytes] | None = None,
) -> str:
    """Fill a folder with the bundle of a run; returns its digest."""
    text = contract or (ROOT / "contract.toml").read_text("utf-8")
    folder.mkdir(parents=True)
    (folder / CONTRACT).write_text(text, encoding="utf-8")
    (folder / PROMPT).write_bytes(content)
    made = documents(texts)
    cut = {each.name: spans(each.text, 1000, 200) for each in made}
    (folder / INDEX).write_bytes(lexical.build(made, cut))
    for name, more in (files or {}).items():
        (folder / name).write_bytes(more)
    manifest = Manifest(
        run_id=run_id,
        created="2026-01-31T12:00:00+00:00",
        family="bm25",
        documents=len(made),
        passages=sum(map(len, cut.values())),
        metrics=METRICS,
        examples=["How long does a cat sleep?"],
        contract_fingerprint=load_contract(folder / CONTRACT).fingerprint,
        corpus_hash="corpus",
        prompt_version="1",
        versions={},
    )
    return write_bundle(folder, manifest)


def content(bundle: Bundle) -> bytes:
    """What tells one bundle from another."""
    return bundle.files[PART]


def register(place: Storage, scratch: Path, run_id: str) -> int:
    """Make a bundle and register it; returns its version."""
    digest = make(scratch / run_id, run_id, run_id.encode())
    return Registry(place).register(scratch / run_id, run_id, digest, METRICS)
