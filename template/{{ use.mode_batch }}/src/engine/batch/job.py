"""A job: one input scored by one version of the model. Its files are its whole state.

    <output>/<name>-<fingerprint>/predictions/part-00000.parquet    a part that is finished
                                  rejects/part-00000.csv            its bad rows, if it has any
                                  log/part-00000.jsonl              what monitoring will see of it
                                  run.json                          written last: all is finished

Every file is written beside its place and moved there in one step. The fingerprint covers the bytes
of the input, the model, the tables looked up, the size of a part and how much is explained: where
one of them differs, the output is another folder, and nothing finished is mixed with it.
"""

import hashlib
from datetime import UTC, datetime

import msgspec

from engine.batch.input.file import InputFile
from engine.batch.input.parts import Layout, Part, divide
from engine.batch.rows import schema
from engine.batch.rows.lookup import tables_of
from engine.core.errors import DataError, SettingsError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry.bundle import Bundle
from engine.registry.registry import Registry

MANIFEST = "run.json"
FORM = "1"  # of the output; another form is another folder


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """All that a process needs to score a part, wherever it runs."""

    input: str
    mark: str
    """That of the input when it was divided; a part read under another one is thrown away."""
    layout: Layout
    store: str
    version: int
    run_id: str
    output: str
    folder: str
    fingerprint: str
    explain: int
    """How many features are named for each prediction."""
    log_step: int
    """Every row whose number is a multiple of this is logged; 0: none."""
    at: datetime
    """When this attempt began: rows without a moment get the looked-up values of then."""
    tables: list[str]
    """The digests of the tables in which features are looked up."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an input; `run.json`."""

    input: str
    input_sha256: str
    fingerprint: str
    version: int
    run_id: str
    rows: int
    scored: int
    rejected: int
    parts: int
    finished: str


def plan(config: Settings, source: str, output: str | None = None) -> Job:
    """What is to be done for an input by the champion.

    Raises RegistryError without a champion, DataError when the input is empty or not of the
    contract's form, or a table breaks a rule. Nothing is written to the output.
    """
    version, bundle = Registry(Storage(config.store)).load()
    file = InputFile(source)
    mark = file.mark()
    layout = divide(file, bundle.contract.dataset, config.part_rows)
    schema.require(file, layout, bundle.contract)
    tables = tables_of(bundle.contract).digests
    size = f"{config.part_rows}, {config.explain} reasons" if config.explain else config.part_rows
    fingerprint = _fingerprint(layout, bundle, str(size), tables)
    stem = file.name.rpartition(".")[0] or file.name
    log_rows = config.log_rows if log_of(config) else 0
    return Job(
        input=source,
        mark=mark,
        layout=layout,
        store=config.store,
        version=version,
        run_id=bundle.manifest.run_id,
        output=output or config.output,
        folder=f"{stem}-{fingerprint}",
        fingerprint=fingerprint,
        explain=config.explain,
        log_step=-(-layout.rows // log_rows) if log_rows else 0,
        at=datetime.now(UTC),
        tables=tables,
    )


def log_of(config: Settings) -> Storage | None:
    """Where predictions are logged and outcomes are kept; None: nowhere.

    Raises SettingsError for standard output: nobody collects what a batch says.
    """
    if config.prediction_log == "-":
        raise SettingsError("prediction_log is -; a batch needs a folder or the URL of a store")
    return Storage(config.prediction_log) if config.prediction_log else None


def _fingerprint(layout: Layout, bundle: Bundle, size: str, tables: list[str]) -> str:
    said = "\n".join([FORM, layout.digest, bundle.digest, size, *tables])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def place(job: Job) -> Storage:
    """The folder of the job."""
    return Storage(f"{job.output.rstrip('/')}/{job.folder}")


def name(kind: str, part: Part) -> str:
    """The file of a part: kind is predictions, rejects or log."""
    ending = {"predictions": "parquet", "rejects": "csv", "log": "jsonl"}[kind]
    return f"{kind}/part-{part.number:05}.{ending}"


def finished(job: Job) -> Manifest | None:
    """The manifest, when the job is done."""
    storage = place(job)
    if not storage.exists(MANIFEST):
        return None
    try:
        return msgspec.json.decode(storage.read(MANIFEST), type=Manifest)
    except msgspec.DecodeError as error:
        raise DataError(
            f"{storage.url}/{MANIFEST} is broken ({error}); delete it and start again"
        ) from None


def to_do(job: Job) -> list[Part]:
    """The parts that are not finished yet."""
    done = set(place(job).list("predictions"))
    return [
        part for part in job.layout.parts if name("predictions", part).split("/")[1] not in done
    ]


def moment() -> str:
    """Now, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
