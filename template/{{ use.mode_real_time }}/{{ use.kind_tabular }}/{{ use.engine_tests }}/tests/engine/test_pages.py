"""Pages for browsers: what they show, to whom, and that nothing of the data becomes markup."""

import base64
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from engine.contract.types import column_type
from engine.core.settings import Settings
from engine.serving.http.curl import WIDTH, command, wrapped
from engine.serving.http.pages import docs, markdown, markup
from engine.serving.http.pages.reports import Shelf
from engine.serving.http.replies import Refusal
from engine.serving.model import PATHS, REPORTS
from engine.serving.openapi import document

from .conftest import CONTRACTS
from .hostile import MARKDOWN
from .http_server import in_thread
from .made_up import inside, requests

WILD = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
one_contract = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])


class Markup(HTMLParser):
    """The elements and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down what a browser would act on."""
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]


@pytest.fixture(scope="module")
def server(trained: Path) -> Iterator[Any]:
    """A server for the champion of each contract."""
    with in_thread(trained / "store") as running:
        yield running


def test_the_form_and_its_files_come_with_a_policy_that_lets_nothing_out(server: Any) -> None:
    client, _ = server
    first = Markup(client.get("/").text)
    files = [address for address in first.addresses if not address.startswith("#")]
    imported = re.findall(r'(?m)^import .* from "\./([\w.]+)"', client.get("/app/main.js").text)

    assert {"app/main.js", "app/style.css", "app/icon.svg"} <= {*files}
    assert "scorer.js" in imported
    for path in ("/", "/docs", "/v1/form", *files, *(f"app/{name}" for name in imported)):
        reply = client.get(path)
        policy = reply.headers["content-security-policy"]
        assert reply.status_code == client.head(path).status_code == 200, path
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "http://" not in reply.text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in reply.text


def test_no_page_has_a_script_or_a_style_inside(server: Any) -> None:
    client, _ = server
    for path in ("/", "/docs", "/card"):
        found = Markup(client.get(path).text)

        assert found.handlers == []
        assert "style" not in found.elements
        assert found.elements.count("script") == (1 if path == "/" else 0)


def test_the_form_knows_what_a_request_holds_and_nothing_else(server: Any) -> None:
    client, app = server
    contract = app.model.now.contract
    form = client.get("/v1/form").json()

    assert [field["name"] for field in form["features"]] == [*contract.sent]
    looked_up = {name for name, column in contract.features.items() if column.table}
    assert {field["name"] for field in form["looked_up"]} == looked_up
    for field in form["features"]:
        if "typical" in field and field["typical"] is not None:
            msgspec.convert(field["typical"], column_type(contract.sent[field["name"]]))
        assert field["name"] not in contract.personal or "typical" not in field


def test_a_typical_case_is_answered_and_explained(server: Any) -> None:
    client, app = server
    form = client.get("/v1/form").json()
    [usual] = requests(app.model.now.contract)
    row = {f["name"]: f.get("typical", usual[f["name"]]) for f in form["features"]}

    reply = client.post("/v1/predict?explain=true", json={"rows": [row]})

    assert reply.status_code == 200, reply.text
    known = {field["name"] for field in [*form["features"], *form["looked_up"]]}
    [answer] = reply.json()["predictions"]
    assert {change["feature"] for change in answer["explanation"]["changes"]} <= known


def test_the_page_on_the_interface_says_what_the_document_says(server: Any) -> None:
    client, _ = server
    described, page = client.get("/openapi.json").json(), client.get("/docs")
    found = Markup(page.text)

    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in page.text
            assert f'id="{operation["operationId"]}"' in page.text
    for name in described["components"]["schemas"]:
        assert f'id="schema-{name}"' in page.text
    targets = {address[1:] for address in found.addresses if address.startswith("#")}
    assert targets <= set(re.findall(r'id="([^"]+)"', page.text))
    assert {"./", "openapi.json"} <= set(found.addresses)


def test_a_new_version_is_described_by_the_next_request(server: Any) -> None:
    client, app = server
    before, live = client.get("/v1/form").json()["version"], app.model.now
    app.model.now = app.model.models.open(before + 1, live.predictor.bundle)
    try:
        assert client.get("/v1/form").json()["version"] == before + 1
    finally:
        app.model.now = live


@one_contract
def test_hostile_names_and_values_stay_text(server: Any) -> None:
    _, app = server
    live = app.model.now
    described = document(live, PATHS, has_key=True)
    described["info"] |= {"title": WILD, "description": WILD}
    row = described["components"]["schemas"]["PredictRequest"]["properties"]["rows"]["items"]
    row["properties"] = {WILD: {"enum": [WILD], "description": WILD}}
    body = described["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]
    body["examples"] = {"example": {"value": {"rows": [{WILD: WILD}]}}}

    text = docs.made(described).decode()

    found = Markup(text)
    assert "script" not in found.elements
    assert "img" not in found.elements
    assert found.handlers == []
    assert text.count("&lt;script&gt;alert(1)") >= 5


def test_markup_escapes_text_and_attributes() -> None:
    found = markup.tag("p", WILD, markup.tag("b", "whole"), title=WILD).html

    assert found.count("<") == 4
    assert Markup(found).elements == ["p", "b"]


@one_contract
def test_reports_are_shown_as_they_were_written_and_again_when_they_change(
    trained: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store.symlink_to(trained / "store")
    with in_thread(store) as (client, _):
        for report in REPORTS:
            missing = client.get(report.path)
            assert missing.status_code == 404
            assert report.made_by in missing.text
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports/data.html").write_text("<p>first</p><script>alert(1)</script>")
        (tmp_path / "MODEL_CARD.md").write_text(f"# A card\n{WILD}")
        first, card = client.get("/reports/data"), client.get("/card")
        (tmp_path / "reports/data.html").write_text("<p>and another</p>")
        second = client.get("/reports/data")

    assert "<p>first</p>" in first.text
    policy = first.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "and another" in second.text
    assert "<h2>A card</h2>" in card.text
    assert "<script>" not in card.text


def outline(text: str) -> list[str]:
    """The elements of a page and what they hold; not how they look or how deep headings are."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            del attrs
            found.extend([] if tag == "div" else ["<h>" if re.match(r"h\d", tag) else f"<{tag}>"])

        def handle_data(self, data: str) -> None:
            found.extend(data.split())

    Reader().feed(text)
    return found


def test_the_card_is_shown_as_markdown_says(trained: Path, hostile: Path) -> None:
    """As markdown-it, which is not in the image, understands the same text."""
    for folder in (trained, hostile):
        text = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")

        shown = markup.joined(*markdown.blocks(text)).html

        assert outline(shown) == outline(MARKDOWN.render(text))
        assert "<h3>Quality on test rows</h3>" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`` a`b ``", "<p><code>a`b</code></p>"),
        (r"\*not strong\*, &lt;b&gt; \|", "<p>*not strong*, &lt;b&gt; |</p>"),
        ("<b>no</b> [a](javascript:b)", "<p>&lt;b&gt;no&lt;/b&gt; [a](javascript:b)</p>"),
        ("**a `*` b**", "<p><strong>a <code>*</code> b</strong></p>"),
        ("a line\n- one\n  more\n- two", "<p>a line</p><ul><li>one more</li><li>two</li></ul>"),
        ("```toml\n**a**\n\n<b>", '<pre tabindex="0"><code>**a**\n\n&lt;b&gt;</code></pre>'),
        ("| no | table", "<p>| no | table</p>"),
        ("###### deep", "<p>###### deep</p>"),
    ],
)
def test_what_is_no_markdown_stays_text(text: str, shown: str) -> None:
    assert markup.joined(*markdown.blocks(text)).html == shown


def test_two_tables_below_one_heading_have_two_names() -> None:
    table = "| a | b |\n| --- | ---: |\n| 1 \\| 2 | 3 |\n"

    text = markup.joined(*markdown.blocks(f"# Both\n{table}\n{table}")).html

    assert [text.count(f'aria-label="{name}"') for name in ("Both", "Both, table 2")] == [1, 1]
    assert text.count('<td>1 | 2</td><td class="number">3</td>') == 2


def test_a_report_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.serving.http.pages.reports.MOST_BYTES", 10)
    scope = {"headers": [(b"host", b"localhost:8000")]}
    with inside(tmp_path):
        Path("reports").mkdir()
        Path("reports/data.html").write_text("more than ten bytes")

        reply = Shelf(REPORTS[1], Settings())(scope)

    assert reply.status == 413
    assert b"more than" not in reply.body


@one_contract
@pytest.mark.parametrize(
    ("host", "named", "is_shown"),
    [
        ("127.0.0.1", "127.0.0.1:8000", True),
        ("127.0.0.1", "localhost:8000", True),
        ("localhost", "LOCALHOST", True),
        ("::1", "[::1]:8000", True),
        ("127.0.0.1", "attacker.example:8000", False),
        ("127.0.0.1", "127.0.0.1.attacker.example", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "127.0.0.1:8000", False),
    ],
)
def test_without_a_key_only_this_machine_is_shown_reports(
    trained: Path, host: str, named: str, is_shown: bool
) -> None:
    shelf, scope = Shelf(REPORTS[0], Settings(host=host)), {"headers": [(b"host", named.encode())]}

    with inside(trained):
        if is_shown:
            assert shelf(scope).status == 200
        else:
            with pytest.raises(Refusal, match="reports hold data"):
                shelf(scope)


@one_contract
def test_with_a_key_the_form_and_reports_need_it_and_the_page_that_asks_for_it_does_not(
    trained: Path,
) -> None:
    with in_thread(trained / "store", api_key="sésame") as (client, _):
        paths = ["/v1/form", *(report.path for report in REPORTS)]
        without = {
            p: httpx.get(client.base_url.join(p)).status_code for p in (*paths, "/", "/docs")
        }
        with_it = {p: client.get(p).status_code for p in paths}
        links = [address for address, _ in client.get("/v1/form").json()["pages"]]

    assert {without[path] for path in paths} == {401}
    assert (without["/"], without["/docs"]) == (200, 200)
    assert 401 not in with_it.values()
    assert with_it["/card"] == 200
    assert links == ["docs", *(report.path[1:] for report in REPORTS), "openapi.json"]


def password(key: str, user: str = "") -> dict[str, str]:
    """What a browser sends once somebody has typed a password, and what it can show."""
    sent = base64.b64encode(f"{user}:{key}".encode()).decode()
    return {"Accept": "text/html,*/*;q=0.8", "Authorization": f"Basic {sent}"}


@one_contract
def test_a_browser_is_asked_for_the_key_and_told_what_else_opens_a_report(trained: Path) -> None:
    page = {"Accept": "text/html"}
    with in_thread(trained / "store", api_key="sésame") as (client, _):
        for report in REPORTS:
            url = client.base_url.join(report.path)
            asked, program = (httpx.get(url, headers=of) for of in (page, {}))
            opened = [httpx.get(url, headers=password("sésame", user)) for user in ("", "me")]

            assert (asked.status_code, program.status_code) == (401, 401)
            assert asked.headers["www-authenticate"].startswith("Basic ")
            assert program.headers["www-authenticate"] == "ApiKey"
            assert program.json()["status"] == 401
            assert (
                f"-H &quot;X-API-Key: $APP_API_KEY&quot; -o {report.file.split('/')[-1][:-4]}"
                in (asked.text.replace(" \\\n ", ""))
            )
            assert report.file in asked.text
            assert {reply.status_code for reply in opened} == {
                200 if report.path == "/card" else 404
            }


@one_contract
@pytest.mark.parametrize(
    "sent",
    [
        password("sesame"),
        password(""),
        {"Authorization": "Basic sésame".encode()},
        {"Authorization": "Basic !"},
        {"Authorization": "Bearer OnPDqXNhbWU="},
    ],
)
def test_a_wrong_password_opens_nothing(trained: Path, sent: dict[str, Any]) -> None:
    with in_thread(trained / "store", api_key="sésame") as (client, _):
        assert httpx.get(client.base_url.join("/card"), headers=sent).status_code == 401


@one_contract
def test_a_password_opens_reports_only(trained: Path) -> None:
    """Another site can make a browser send it; whatever counts wants the header."""
    with in_thread(trained / "store", api_key="k") as (client, app):
        rows = {"rows": requests(app.model.now.contract)}
        replies = [
            httpx.request(method, client.base_url.join(path), headers=password("k"), **body)
            for method, path, body in (
                ("GET", "/v1/form", {}),
                ("GET", "/v1/model", {}),
                ("POST", "/v1/predict", {"json": rows}),
            )
        ]

    assert {reply.status_code for reply in replies} == {401}
    assert {reply.headers["www-authenticate"] for reply in replies} == {"ApiKey"}


@one_contract
def test_pages_can_be_turned_off(trained: Path) -> None:
    with in_thread(trained / "store", pages=False) as (client, _):
        paths = ("/", "/docs", "/card", "/app/main.js", "/reports/data", "/v1/form")
        codes = {client.get(path).status_code for path in paths}
        predicts = client.get("/v1/model").status_code

    assert codes == {404}
    assert predicts == 200


@one_contract
def test_no_path_leads_to_another_file(server: Any) -> None:
    client, _ = server
    for path in (
        "/app/../settings.toml",
        "/app/%2e%2e/settings.toml",
        "/app/",
        "/app/contract.d.ts",
    ):
        assert client.get(path).status_code == 404


def test_pages_are_counted_together_and_without_a_model_they_say_so(tmp_path: Path) -> None:
    with in_thread(tmp_path / "store") as (client, _):
        answers = {path: client.get(path).status_code for path in ("/", "/docs", "/v1/form")}
        counted = client.get("/metrics").text

    assert answers == {"/": 200, "/docs": 503, "/v1/form": 503}
    assert 'http_requests_total{path="page",project="model",status="503"} 2.0' in counted
    assert 'path="/docs"' not in counted


def test_a_request_as_a_command_fits_a_terminal_and_is_the_same_json(any_contract: Any) -> None:
    body = {"rows": requests(any_contract, 3)}

    text = wrapped(body)

    assert msgspec.json.decode(text) == msgspec.json.decode(msgspec.json.encode(body))
    names = max(len(name) for name in any_contract.sent)
    assert all(len(line) <= max(WIDTH, 220 + names) for line in text.splitlines())
    if all(name.isascii() and len(name) < 30 for name in any_contract.sent):
        assert max(map(len, command("http://127.0.0.1:8000/v1/predict", body).splitlines())) <= 80


def test_a_question_too_long_for_a_terminal_is_kept_in_a_file(tmp_path: Path) -> None:
    file, url = tmp_path / "reports/example.json", "http://127.0.0.1:8000/v1/predict"
    short = {"rows": [{"a": 1}]}
    long = {"rows": [{f"sensor_{i:03}": i for i in range(400)}]}

    assert command(url, short, file=file) == command(url, short)
    assert not file.exists()
    said = command(url, long, file=file)

    assert said.endswith(f"-d @{file}")
    assert len(said.splitlines()) == 3
    assert msgspec.json.decode(file.read_bytes()) == long
