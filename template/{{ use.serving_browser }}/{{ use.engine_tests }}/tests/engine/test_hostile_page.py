"""Names and values of the data stand in the app as text: a real browser runs none of them."""

from pathlib import Path

from playwright.sync_api import Page

from . import chromium, edge_app
from .hostile import CLASSES, COLUMNS, HOSTILE, TEXT, VALUES

KINDS = """() => [...document.body.querySelectorAll("*")].flatMap((element) => {
  const tag = element.tagName.toLowerCase();
  const names = element.getAttributeNames().filter((name) => !/^(id|for|aria-.*)$/.test(name));
  const schemes = ["href", "src", "action"].map((name) => element[name] && `${name} ${name in
    element ? String(element[name]).split(":")[0] : ""}`).filter(Boolean);
  return [tag, ...[...names, ...schemes].map((name) => `${tag} ${name}`)];
})"""


def made_of(page: Page, url: str) -> tuple[set[str], str]:
    """The elements, attributes and schemes of the filled app, and its text."""
    edge_app.ready(page, url).locator("#typical").click()
    page.locator("#why").wait_for()
    return set(page.evaluate(KINDS)), page.locator("body").inner_text()


def test_the_app_shows_names_and_values_as_text(hostile: Path, harmless: Path) -> None:
    ran: list[str] = []
    found = []
    with chromium.started() as browser:
        for folder in (hostile, harmless):
            page = browser.new_page()
            page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
            page.on("pageerror", lambda error: ran.append(str(error)))
            with edge_app.served(edge_app.app_of(folder)) as url:
                found.append(made_of(page, url))

    (parts, text), (plain, _) = found
    assert parts <= plain
    assert not ran
    for word in (*COLUMNS[:4], *CLASSES, *VALUES[:3], TEXT):
        assert "".join(HOSTILE[word].split()) in "".join(text.split()), word
    assert "".join(HOSTILE["second"].split()) in "".join(text.split())
