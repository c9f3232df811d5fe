"""The pages of the server in a real browser: with the keyboard, in the dark, on a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from . import chromium
from .conftest import CONTRACTS
from .http_server import in_thread
from .made_up import inside, requests

pytestmark = pytest.mark.parametrize(
    "contract_file", CONTRACTS[:2], indirect=True, ids=["own", "awkward"]
)
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOCUS = """() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const isSeen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return [element.id || element.textContent.trim(), isSeen];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this module."""
    with chromium.started() as found:
        yield found


@pytest.fixture(scope="module")
def server(trained: Path) -> Iterator[Any]:
    """A server for the champion of each contract; it takes its time where the machine is busy."""
    patient = {"deadline_ms": 60_000, "lookup_ms": 60_000}
    with in_thread(trained / "store", **patient) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Any) -> Iterator[Page]:
    """The form, ready; an error of a script, or of the policy, fails the test."""
    faults: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.extend([said.text] * (said.type == "error")))
    yield opened(page, server[0])
    page.context.close()
    assert [fault for fault in faults if not fault.startswith("Failed to load resource")] == []


def opened(page: Page, client: httpx.Client) -> Page:
    """The form of the server, once it can be filled in."""
    page.goto(str(client.base_url))
    page.get_by_text("Ready. Fill in the form").wait_for()
    return page


def fill(page: Page, row: dict[str, Any], contract: Any) -> None:
    """Fill in a row."""
    for i, field in enumerate(page.request.get(f"{page.url}v1/form").json()["features"]):
        value, place = row[field["name"]], page.locator(f"#field-{i}")
        if field["type"] == "boolean":
            at = {True: f"#field-{i}", False: f"#field-{i}-1", None: f"#field-{i}-2"}
            page.locator(at[value]).check()
        elif field["type"] == "category":
            open_to = value in contract.columns[field["name"]].values
            place.select_option(value=value if open_to else "")
        elif field["type"] == "datetime":
            place.fill((value or "").removesuffix("Z")[:16])
        else:
            place.fill("" if value is None else str(value))


def predict(page: Page) -> str:
    """Fill in a typical case; what the page says to it."""
    page.locator("#typical").click()
    page.locator("#why").wait_for()
    return page.locator("#headline").inner_text()


def test_a_row_filled_in_gets_the_answer_of_the_server(page: Page, server: Any) -> None:
    contract = server[1].model.now.contract
    [row] = requests(contract)
    fill(page, row, contract)

    with page.expect_response("**/v1/predict?explain=true") as answering:
        page.get_by_role("button", name="Predict").click()
    page.locator("#why").wait_for()

    answer = answering.value.json()["predictions"][0]
    said = page.locator("#result").inner_text()
    if contract.classes:
        assert f"“{answer['label']}”" in page.locator("#headline").inner_text()
        for label, share in answer["probabilities"].items():
            assert f"{label}\n{share:.0%}".replace("%", " %") in said or not 0.01 < share < 0.99
    else:
        assert f"{answer['value']:.3g}" in said.replace(",", "")
    told = [c for c in answer["explanation"]["changes"] if abs(c["change"]) >= 0.01]
    if contract.classes:
        assert page.locator("#reasons li").count() == min(len(told), 5)


def test_the_project_is_in_the_title_and_what_answers_beside_the_form(page: Page) -> None:
    assert page.title() == "Model: predict"
    assert page.locator("#about").get_by_text("version 1", exact=True).is_visible()
    assert page.locator("#headline").inner_text() == ""


def test_an_answer_that_the_contract_alone_would_not_give_is_shown(
    page: Page, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `decide.py` answers counts, not what the page would work out from the probabilities."""
    model = server[1].model.now
    answers = model.answers

    def altered(answer: dict[str, Any]) -> dict[str, Any]:
        if "value" in answer:
            return {**answer, "value": answer["value"] + 1000}
        shares = answer["probabilities"]
        return {**answer, "label": min(shares, key=shares.get)}

    def other(scores: Any) -> list[dict[str, Any]]:
        return [altered(answer) for answer in answers(scores)]

    monkeypatch.setattr(model, "answers", other)
    with page.expect_response("**/v1/predict?explain=true") as answering:
        said = predict(page)

    answer = answering.value.json()["predictions"][0]
    if "value" in answer:
        assert f"{answer['value']:.0f}" in said.replace(",", "")
    else:
        assert f"answered with “{answer['label']}”" in said


def test_faults_that_only_the_server_finds_lead_to_their_field(page: Page, server: Any) -> None:
    client, _ = server
    name = client.get("/v1/form").json()["features"][0]["name"]
    predict(page)
    problem = {
        "row": 0,
        "column": name,
        "rule": "a text that is known",
        "value": "x",
        "detail": "-",
    }
    page.route(
        "**/v1/predict?explain=true",
        lambda route: route.fulfill(
            status=422,
            content_type="application/problem+json",
            json={"status": 422, "detail": "no", "problems": [problem]},
        ),
    )
    page.get_by_role("button", name="Predict").click()
    page.locator("#faults").wait_for()

    assert "is “x”; it must be a text that is known." in page.locator("#faults").inner_text()
    page.locator("#faults a").click()
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"


def test_a_server_that_is_gone_or_overloaded_is_said(page: Page) -> None:
    predict(page)
    page.route("**/v1/predict?explain=true", lambda route: route.abort())
    page.get_by_role("button", name="Predict").click()
    page.get_by_text("The server does not answer").wait_for()
    page.unroute("**/v1/predict?explain=true")
    busy = {"status": 503, "detail": "too many are waiting; try again"}
    page.route(
        "**/v1/predict?explain=true",
        lambda route: route.fulfill(status=503, content_type="application/problem+json", json=busy),
    )
    page.get_by_role("button", name="Predict").click()
    page.get_by_text("too many are waiting").wait_for()
    assert page.locator("#headline").inner_text() == ""


def test_a_fallback_is_marked_as_what_it_is(
    page: Page, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(server[1].model.now, "explain", fail)
    page.locator("#typical").click()
    if server[1].model.now.contract.fallback.answer == "baseline":
        page.get_by_text("Not a prediction for this case").wait_for()
    else:
        page.get_by_text("The server refuses (503)").wait_for()
    assert page.locator("#why").is_hidden()


def test_the_key_is_asked_for_and_kept_in_memory_only(browser: Browser, trained: Path) -> None:
    with in_thread(trained / "store", api_key="sésame", deadline_ms=60_000) as (client, _):
        page = browser.new_page()
        page.goto(str(client.base_url))
        field = page.get_by_label("API key")
        field.fill("wrong")
        field.press("Enter")
        page.get_by_text("does not take this key").wait_for()
        field.fill("sésame")
        field.press("Enter")
        page.get_by_text("Ready. Fill in the form").wait_for()
        answered = predict(page)
        kept = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
        address = page.url
        page.reload()
        page.get_by_label("API key").wait_for()
        page.context.close()

    assert answered
    assert kept == [0, 0, ""]
    assert "same" not in address


def test_everything_can_be_done_with_the_keyboard_alone(page: Page, server: Any) -> None:
    fields = server[0].get("/v1/form").json()["features"]
    reached: list[str] = []

    def go(key: str, to: str) -> None:
        """Press a key until this element has the focus, which is always seen."""
        for _ in range(6 * len(fields) + 20):
            page.keyboard.press(key)
            name, is_seen = page.evaluate(FOCUS)
            assert is_seen, name
            reached.append(name)
            if name == to:
                return
        pytest.fail(f"{key} does not lead to {to}, only to {reached}")

    go("Tab", "Skip to the prediction")
    go("Tab", "typical")
    page.keyboard.press("Enter")
    page.locator("#why").wait_for()
    go("Tab", "How this is worked out")
    page.keyboard.press("Enter")
    page.locator("#method").wait_for()
    go("Tab", "How to ask from a program")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="POST /v1/predict").wait_for()

    for i in range(len(fields)):
        assert any(name.startswith(f"field-{i}") for name in reached)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(page: Page, server: Any, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    axe, options = Axe(), {"runOnly": STANDARDS}
    predict(page)
    page.locator("summary").click()
    states = {"answered": axe.run(page, options=options)}
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Predict").click()
    states["refused"] = axe.run(page, options=options)
    for path in ("docs", "card", "reports/monitor"):
        page.goto(str(server[0].base_url.join(f"/{path}")))
        states[path] = axe.run(page, options=options)

    for state, found in states.items():
        violations = [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]]
        assert violations == [], state
        assert len(found.response["passes"]) > 8, state


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844), (320, 640)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_drawn_whole(
    page: Page, server: Any, width: int, height: int, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    predict(page)
    brightness = "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
    for path in ("", "docs", "card"):
        if path:
            page.goto(str(server[0].base_url.join(f"/{path}")))
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, path
        assert (page.evaluate(brightness) < 60) == (scheme == "dark")
        boxes = [each.bounding_box() for each in page.locator("h1, main").all()]
        assert all(box and box["width"] > 200 and box["height"] > 20 for box in boxes)


def test_a_report_runs_no_script(browser: Browser, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "store").symlink_to(trained / "store")
    (tmp_path / "reports").mkdir()
    report = "<style>p{color:rgb(1,2,3)}</style><p>rows</p><script>document.title='ran'</script>"
    (tmp_path / "reports/data.html").write_text(report)
    with inside(tmp_path), in_thread(tmp_path / "store") as (client, _):
        page = browser.new_page()
        page.goto(str(client.base_url.join("/reports/data")))
        shown = page.evaluate("getComputedStyle(document.querySelector('p')).color")
        title = page.title()
        page.context.close()

    assert shown == "rgb(1, 2, 3)"
    assert title != "ran"


def test_no_request_leaves_the_server(browser: Browser, server: Any) -> None:
    urls: list[str] = []
    context = browser.new_context()
    context.on("request", lambda request: urls.append(request.url))
    with chromium.elsewhere() as (foreign, asked):
        page = opened(context.new_page(), server[0])
        predict(page)
        page.evaluate("url => void fetch(url, {mode: 'no-cors'}).catch(() => 0)", foreign)
        page.evaluate("src => document.body.append(Object.assign(new Image(), {src}))", foreign)
        page.wait_for_timeout(500)
        for path in ("docs", "card"):
            page.goto(str(server[0].base_url.join(f"/{path}")))
        context.close()

    base = str(server[0].base_url)
    assert {url for url in urls if not url.startswith(base)} <= {foreign}
    assert asked == []
