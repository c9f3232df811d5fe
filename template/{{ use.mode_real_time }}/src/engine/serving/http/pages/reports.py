"""Reports that commands write, as pages: read when somebody asks, and never more than once each.

They hold data: shares, ranges, counts of small groups. So they are shown to whoever sits at this
machine, or to whoever has the key; a server that others reach without a key keeps them back.
"""

from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from engine.core.settings import Settings
from engine.serving.http.body import Scope
from engine.serving.http.curl import command
from engine.serving.http.pages.key import ASKS
from engine.serving.http.pages.markdown import blocks
from engine.serving.http.pages.markup import HTML, Markup, headers, page, reply, tag
from engine.serving.http.replies import Refusal, Reply

MOST_BYTES = 20_000_000
# A report brings its style inside itself and needs no script: none would run.
SEALED = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-popups"
)


class Report(NamedTuple):
    """Where a report is shown, what it is called, its file, and the command that writes it."""

    path: str
    title: str
    file: str
    made_by: str


class Shelf:
    """Shows one report; a file that did not change is not read again."""

    def __init__(self, report: Report, settings: Settings) -> None:
        self.report, self._settings = report, settings
        self._mark: tuple[int, int] | None = None
        self._shown: Reply | None = None

    def __call__(self, scope: Scope) -> Reply:
        """The report.

        Raises Refusal: 403 where nobody but this machine may see it.
        """
        _require_here(scope, self._settings)
        try:
            found = Path(self.report.file).stat()
        except OSError:
            return self._missing()
        mark = (found.st_mtime_ns, found.st_size)
        if self._shown is None or mark != self._mark:
            self._mark, self._shown = mark, self._read(found.st_size)
        return self._shown

    def _read(self, size: int) -> Reply:
        if size > MOST_BYTES:
            text = f"{self.report.file} has {size / 1e6:.0f} MB; open it where it is."
            return self._said(text, 413)
        try:
            content = Path(self.report.file).read_bytes()
        except OSError as error:
            return self._said(f"{self.report.file} cannot be read: {error.strerror}.", 404)
        if self.report.file.endswith(".html"):
            return Reply(200, content, headers(HTML, SEALED))
        whole = tag("main", *blocks(content.decode("utf-8", "replace")), class_="report card")
        return reply(page(self.report.title, _header(self.report), whole, back=_back(self.report)))

    def _missing(self) -> Reply:
        return self._said(f"It has not been made yet. Make it with: {self.report.made_by}", 404)

    def _said(self, text: str, status: int) -> Reply:
        body = page(
            self.report.title,
            _header(self.report),
            tag("main", tag("p", text)),
            back=_back(self.report),
        )
        return reply(body, status=status)


def locked(report: Report) -> Reply:
    """What a browser is answered that has no key: it asks for one, and this says how else."""
    asks = command(f'"$URL{report.path}"', with_key=True)
    ways = (
        tag("p", "It holds data, so it needs the key of this server: APP_API_KEY."),
        tag(
            "p",
            "A browser asks when the page is loaded: the key is the password, no user is needed.",
        ),
        tag("p", "With curl, where URL stands for the address of this server:"),
        tag("pre", tag("code", f"{asks} -o {Path(report.file).stem}.html"), tabindex="0"),
        tag("p", "On the machine of this server it is the file ", tag("code", report.file), "."),
    )
    whole = tag("main", *ways, class_="report card")
    found = reply(page(report.title, _header(report), whole, back=_back(report)), status=401)
    return found._replace(headers=(*found.headers, ASKS))


def _header(report: Report) -> Markup:
    link = tag("a", "Back to the form", href=_back(report))
    return tag("header", tag("h1", report.title), tag("p", link))


def _back(report: Report) -> str:
    return "../" * (report.path.count("/") - 1) or "./"


def _require_here(scope: Scope, settings: Settings) -> None:
    """A page elsewhere may give its own name this address, and then read what the server shows."""
    if settings.api_key:
        return
    named = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
    host = named.rpartition(":")[0] if named.rpartition(":")[2].isdigit() else named
    if not settings.is_local or not _is_here(host.strip("[]")):
        raise Refusal(
            403, "reports hold data: without a key (APP_API_KEY) only this machine is shown them"
        )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
