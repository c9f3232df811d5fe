"""HTTP paths of your own, beside those of the engine.

`application` may be any ASGI application, such as one of Starlette or FastAPI (add the package to
the group `serve` in pyproject.toml). It is asked for every path that is not the engine's, behind
the same server; the API key of the engine does not guard it. The engine has the paths of its API,
and those of its pages: /, /docs, /card, /app/ and /reports/ are yours with `pages = false` in
settings.toml.
"""

from engine.contract.app import ASGI

application: ASGI | None = None
