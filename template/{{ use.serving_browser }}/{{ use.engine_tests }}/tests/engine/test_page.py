"""The page in a real browser: what it shows, what it refuses, and what it never does."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.edge import export, packages, trial
from engine.registry.registry import Registry

from . import chromium, edge_app
from .conftest import CONTRACTS

pytestmark = pytest.mark.parametrize(
    "contract_file", CONTRACTS[:2], indirect=True, ids=["own", "awkward"]
)
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = """async (url) => {
  const image = await createImageBitmap(await (await fetch(url)).blob());
  const drawn = new OffscreenCanvas(image.width, image.height).getContext("2d");
  drawn.drawImage(image, 0, 0);
  const pixels = new Uint32Array(drawn.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  return { colours: counts.size, largest: Math.max(...counts.values()) / pixels.length };
}"""

FOCUS = """() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const isSeen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return [element.id || element.textContent.trim(), isSeen];
}"""
WAYS_OUT = """(url) => {
  const add = (name, attributes) => {
    const made = Object.assign(document.createElement(name), attributes);
    document.body.append(made);
    return made;
  };
  const ways = {
    fetch: (to) => fetch(to, { mode: "no-cors" }),
    beacon: (to) => navigator.sendBeacon(to, "what was entered"),
    socket: (to) => new WebSocket(to.replace("http", "ws")),
    events: (to) => new EventSource(to),
    image: (src) => add("img", { src }),
    font: (to) => new FontFace("elsewhere", `url(${to})`).load(),
    script: (src) => add("script", { src }),
    style: (href) => add("link", { rel: "stylesheet", href }),
    frame: (src) => add("iframe", { src }),
    sound: (src) => add("audio", { src }),
    object: (data) => add("object", { data }),
    form: (action) => add("form", { action, method: "post", target: "elsewhere" }).submit(),
  };
  for (const [name, go] of Object.entries(ways)) void (async () => go(url + name))();
  return Object.keys(ways);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this module."""
    with chromium.started() as found:
        yield found


@pytest.fixture
def app(trained: Path) -> Path:
    """The exported app."""
    return edge_app.app_of(trained)


@pytest.fixture
def page(browser: Browser, app: Path) -> Iterator[Page]:
    """The app with its model loaded; an error of a script fails the test."""
    faults: list[str] = []
    with edge_app.served(app) as url:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield edge_app.ready(page, url)
        page.context.close()
    assert not faults


def predict(page: Page) -> str:
    """Fill in a typical case; what the page says to it."""
    page.locator("#typical").click()
    page.locator("#why").wait_for()
    return page.locator("#headline").inner_text()


def test_a_row_filled_in_gets_the_answer_of_python(page: Page, predictor_of: Any) -> None:
    [row] = trial.requests(predictor_of.contract)[:1]
    for name, column in predictor_of.contract.features.items():
        value, spaced = row[name], name.replace("_", " ").strip()
        label = spaced[:1].upper() + spaced[1:]
        if column.type == "boolean":
            answer = {True: "Yes", False: "No", None: "Not known"}[value]
            group = page.get_by_role("group", name=label, exact=True)
            group.get_by_label(answer, exact=True).check()
        elif column.type == "category":
            page.get_by_label(label, exact=True).select_option(value=value or "")
        elif column.type == "datetime":
            page.get_by_label(label, exact=True).fill((value or "").removesuffix("Z")[:16])
        else:
            page.get_by_label(label, exact=True).fill("" if value is None else str(value))
    page.get_by_role("button", name="Predict").click()
    page.locator("#why").wait_for()

    scores = trial.python(predictor_of, row)
    said = page.locator("#result").inner_text()

    if not predictor_of.classes:
        assert f"{scores[0]:.3g}" in said.replace(",", "")
    for name, score in zip(predictor_of.classes, scores, strict=False):
        assert f"{name}\n{score:.0%}".replace("%", " %") in said or not 0.01 < score < 0.99


def test_an_empty_form_names_each_field_that_must_be_given(page: Page, any_contract: Any) -> None:
    page.get_by_role("button", name="Predict").click()

    asked = [name for name, column in any_contract.features.items() if not column.nullable]
    links = page.locator("#faults a")
    assert links.count() == len(asked)
    assert page.evaluate("document.activeElement.id") == "faults"
    for i, (_, column) in enumerate(any_contract.features.items()):
        fault = page.locator(f"#field-{i}-fault")
        assert fault.is_visible() != column.nullable
        assert column.nullable or "is empty; it must be" in fault.inner_text()
    links.first.click()
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"


def test_a_value_out_of_range_is_named_with_its_rule(page: Page, any_contract: Any) -> None:
    predict(page)
    features = list(any_contract.features.values())
    i = next(i for i, column in enumerate(features) if column.max is not None)
    page.locator(f"#field-{i}").fill("1e30")
    page.get_by_role("button", name="Predict").click()

    said = page.locator("#faults").inner_text()

    assert "One field must be corrected" in said
    assert f"to {features[i].max:.15g}" in said
    page.locator(f"#field-{i}").fill("1,5 apples")
    page.get_by_role("button", name="Predict").click()
    assert "“1,5 apples”" in page.locator("#faults").inner_text()


def test_everything_can_be_done_with_the_keyboard_alone(page: Page, any_contract: Any) -> None:
    reached: list[str] = []

    def go(key: str, to: str) -> None:
        """Press a key until this element has the focus, which is always seen."""
        for _ in range(6 * len(any_contract.features) + 10):
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
    go("Shift+Tab", "Clear")
    page.keyboard.press("Enter")
    page.locator("#why").wait_for(state="hidden")
    go("Shift+Tab", "Predict")
    page.keyboard.press("Enter")
    page.locator("#faults").wait_for()
    [first, *_] = [i for i, c in enumerate(any_contract.features.values()) if not c.nullable]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate(FOCUS) == [f"field-{first}", True]
    fields = {f"field-{i}" for i in range(len(any_contract.features))}
    assert fields <= {name.rsplit("-", 1)[0] if name.count("-") == 2 else name for name in reached}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(page: Page, scheme: Any) -> None:
    modules = packages.install(edge_app.WEB, tools=True)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    contrast = (edge_app.WEB / "tests/contrast.js").read_text(encoding="utf-8").rstrip().rstrip(";")
    page.evaluate((modules / "axe-core/axe.min.js").read_text(encoding="utf-8"))
    for state in ("fresh", "answered", "refused"):
        if state == "answered":
            predict(page)
            page.locator("summary").click()
        if state == "refused":
            page.get_by_role("button", name="Clear").click()
            page.get_by_role("button", name="Predict").click()

        audit = page.evaluate("tags => axe.run({runOnly: tags})", STANDARDS)
        measured = page.evaluate(contrast[contrast.index("() =>") :])

        assert [(v["id"], v["nodes"][0]["html"]) for v in audit["violations"]] == [], state
        assert len(audit["passes"]) > 20
        assert [low for low in measured if low["ratio"] < low["least"]] == [], state
        assert len(measured) > 20


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844), (320, 640)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_drawn_whole(
    browser: Browser, page: Page, width: int, height: int, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    predict(page)
    picture = base64.b64encode(page.screenshot(full_page=True)).decode()
    empty = browser.new_page()  # without the app's policy, which lets nothing read a picture
    seen = empty.evaluate(COLOURS, f"data:image/png;base64,{picture}")
    empty.close()

    assert seen["colours"] > 50
    assert seen["largest"] < 0.9
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    for part in ("#form", "#result", "#headline"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert box["height"] > 20


def test_bars_stand_still_for_those_who_want_no_motion(page: Page, any_contract: Any) -> None:
    predict(page)
    moving = "getComputedStyle(document.querySelector('.bar span')).transitionDuration"
    if any_contract.classes:
        assert page.evaluate(moving) != "0s"
        page.emulate_media(reduced_motion="reduce")
        assert page.evaluate(moving) == "0s"


def test_dark_is_dark_and_light_is_light(page: Page) -> None:
    brightness = "() => Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"

    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(brightness)
    page.emulate_media(color_scheme="light")

    assert dark < 60 < 200 < page.evaluate(brightness)


def test_no_request_leaves_the_origin_of_the_page(browser: Browser, app: Path) -> None:
    urls: list[str] = []
    with edge_app.served(app) as url, chromium.elsewhere() as (foreign, asked):
        open_to_all = browser.new_page()
        open_to_all.goto(foreign)
        asked.clear()
        ways = open_to_all.evaluate(WAYS_OUT, foreign)
        for _ in range(100):
            if {*ways} <= {*asked}:
                break
            open_to_all.wait_for_timeout(100)
        assert {*ways} <= {*asked}
        open_to_all.close()
        asked.clear()
        context = browser.new_context()
        context.on("request", lambda request: urls.append(request.url))
        page = edge_app.ready(context.new_page(), url)
        page.get_by_text("It works offline from now on").wait_for()
        predict(page)
        page.wait_for_timeout(300)
        wanted = set(urls)
        page.evaluate(WAYS_OUT, foreign)
        page.wait_for_timeout(2000)
        context.close()

    assert {found for found in wanted if not found.startswith(url)} == set()
    assert {f"{url}model.onnx", f"{url}runtime/ort.wasm", f"{url}contract.json"} <= wanted
    assert asked == []


def test_it_works_without_a_server_after_the_first_visit(browser: Browser, app: Path) -> None:
    context = browser.new_context()
    with edge_app.served(app) as url:
        first = edge_app.ready(context.new_page(), url)
        first.get_by_text("It works offline from now on").wait_for()
        answered = predict(first)
        first.close()

    later = edge_app.ready(context.new_page(), url)

    assert predict(later) == answered
    later.reload()
    assert predict(later) == answered
    context.close()


def test_a_newer_version_is_offered_and_taken_whole(
    browser: Browser, app: Path, trained: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    shutil.copytree(app, site)
    _, bundle = Registry(Storage(trained / "store")).load()
    context = browser.new_context()
    with edge_app.served(site) as url:
        page = edge_app.ready(context.new_page(), url)
        page.get_by_text("It works offline from now on").wait_for()
        export.build(Settings(model_mb=50), bundle, 2, site, edge_app.WEB)
        page.reload()
        page.get_by_text("Use it now").wait_for()
        assert "version 1" in page.locator("#about").inner_text()
        page.get_by_text("Use it now").click()
        page.get_by_text("version 2", exact=True).wait_for()
        context.close()


def test_a_model_that_was_altered_is_not_used(browser: Browser, app: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(app, site)
    with (site / "model.onnx").open("ab") as model:
        model.write(b" ")
    with edge_app.served(site) as url:
        page = browser.new_page()
        page.goto(url)
        page.get_by_text("The model cannot run in this browser").wait_for()
        page.locator("#typical").click()
        page.get_by_text("Not a prediction for this case").wait_for()

        assert page.locator("#why").is_hidden()
        page.context.close()
