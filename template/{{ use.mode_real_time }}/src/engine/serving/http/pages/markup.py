"""HTML without a template engine: whatever a contract holds arrives as text, never as markup."""

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from engine.serving.http.replies import Header, Reply

# Only this server's own files: no script in a page, nothing from elsewhere, no frame around it.
OWN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HTML = "text/html; charset=utf-8"


class Markup(NamedTuple):
    """A piece of HTML that is whole and safe."""

    html: str


def tag(name: str, *inside: str | Markup, **attributes: str) -> Markup:
    """An element; text in it and in its attributes is escaped. `class_` is the attribute class."""
    pairs = [f' {key.rstrip("_").replace("_", "-")}="{escape(v)}"' for key, v in attributes.items()]
    return Markup(f"<{name}{''.join(pairs)}>{joined(*inside).html}</{name}>")


def joined(*pieces: str | Markup) -> Markup:
    """Pieces one after the other."""
    texts = [piece.html if isinstance(piece, Markup) else escape(piece) for piece in pieces]
    return Markup("".join(texts))


def table(name: str, head: tuple[str, ...], rows: Iterable[tuple[str | Markup, ...]]) -> Markup:
    """A table that scrolls by itself where the screen is narrow; no two have one name."""
    top = tag("tr", *(tag("th", name, scope="col") for name in head))
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    whole = tag("table", tag("thead", top), tag("tbody", *body))
    return tag("div", whole, class_="wide", tabindex="0", role="region", aria_label=name)


def page(title: str, *body: Markup, back: str = "./") -> bytes:
    """A whole page in the style of the form; `back` leads to its folder."""
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        tag("title", title).html,
        f'<link rel="stylesheet" href="{back}app/style.css">',
        f'<link rel="stylesheet" href="{back}app/pages.css">',
        f'<link rel="icon" href="{back}app/icon.svg" type="image/svg+xml">',
        "</head>\n<body>",
        *(piece.html for piece in body),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts).encode()


def reply(body: bytes, kind: str = HTML, *, policy: str = OWN, status: int = 200) -> Reply:
    """The answer that carries a page or one of its files, and what a browser may do with it."""
    return Reply(status, body, headers(kind, policy))


def headers(kind: str, policy: str) -> tuple[Header, ...]:
    """The headers of everything that is made for a browser."""
    return (
        (b"content-type", kind.encode()),
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-cache"),
    )
