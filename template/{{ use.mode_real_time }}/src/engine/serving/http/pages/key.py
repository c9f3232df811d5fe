"""The key of the server: in the header X-API-Key, and for a report as a browser can send it too."""

import base64
import binascii
import hmac

from engine.serving.http.body import Scope

ASKS = (b"www-authenticate", b'Basic realm="the key of this server", charset="UTF-8"')


def is_given(scope: Scope, key: bytes, *, by_password: bool = False) -> bool:
    """Whether a request holds the key; with `by_password` also as any user's password (RFC 7617).

    A browser sends a password by itself, also where another site makes it ask. So it opens what is
    only read, and nothing that is taken down or counted.
    """
    sent = dict(scope["headers"])
    if hmac.compare_digest(sent.get(b"x-api-key", b""), key):
        return True
    return by_password and hmac.compare_digest(_password(sent.get(b"authorization", b"")), key)


def is_browser(scope: Scope) -> bool:
    """Whether whoever asks would rather have a page than JSON."""
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")


def _password(header: bytes) -> bytes:
    scheme, _, sent = header.partition(b" ")
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(sent.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
