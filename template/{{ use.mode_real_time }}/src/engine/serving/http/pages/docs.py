"""The OpenAPI document as one page to read: no script, nothing from elsewhere."""

from collections.abc import Iterator
from typing import Any

from engine.serving.http.curl import command
from engine.serving.http.pages.markup import Markup, joined, page, table, tag
from engine.serving.protocol import Json

MOST_NAMED = 12  # values of an enumeration
LARGEST = 3e38  # what lies beyond is the end of 32-bit floats, not a rule of the contract


def made(document: Json) -> bytes:
    """The page; every word of it stands in the document."""
    about, has_key = document["info"], "securitySchemes" in document["components"]
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    links = [
        tag("li", tag("a", f"{method.upper()} {path}", href=f"#{operation['operationId']}"))
        for method, path, operation in operations
    ]
    parts = [_operation(*each, has_key=has_key) for each in operations]
    schemas = [_schema(name, it) for name, it in document["components"]["schemas"].items()]
    version = f"Model version {about['version']}. {about['description']}"
    back = [tag("a", "The form", href="./"), tag("a", "openapi.json", href="openapi.json")]
    address = "URL stands for the address of this server."
    header = tag("header", tag("h1", about["title"]), tag("p", version))
    contents = tag("nav", tag("ul", *links), tag("p", *back), aria_label="On this page")
    return page(
        f"{about['title']}: how to ask",
        header,
        contents,
        tag("main", tag("p", address), *parts, tag("h2", "Bodies"), *schemas, class_="text"),
    )


def _operation(method: str, path: str, operation: Json, *, has_key: bool) -> Markup:
    parts = [
        tag("h2", tag("code", f"{method.upper()} {path}")),
        tag("p", operation["summary"] + "."),
    ]
    if "security" in operation:
        parts.append(tag("p", "The key goes into the header ", tag("code", "X-API-Key"), "."))
    if parameters := operation.get("parameters"):
        rows = [(tag("code", p["name"]), words(p["schema"]), p["description"]) for p in parameters]
        parts.append(table(f"Query of {path}", ("in the query", "what it may be", "meaning"), rows))
    body: Any = None
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(tag("p", f"Takes {kind}: ", _reference(media["schema"]), "."))
        body = next((one["value"] for one in media.get("examples", {}).values()), None)
    asks = command(f'"$URL{path}"', body, with_key=has_key and "security" in operation)
    parts.append(tag("pre", tag("code", asks), tabindex="0"))
    parts.append(
        table(f"Answers of {path}", ("answer", "meaning", "body"), _answers(operation["responses"]))
    )
    return tag("section", *parts, class_="card", id=operation["operationId"])


def _answers(responses: Json) -> Iterator[tuple[str | Markup, ...]]:
    for code, answer in responses.items():
        bodies = [
            joined(f"{kind} ", _reference(media["schema"]))
            for kind, media in answer.get("content", {}).items()
        ]
        yield code, answer["description"], joined(*bodies)


def _reference(schema: Json) -> Markup:
    name = schema.get("$ref", "").rpartition("/")[2]
    return tag("a", name, href=f"#schema-{name}") if name else joined()


def _schema(name: str, schema: Json) -> Markup:
    rows = [
        (tag("code", path), joined(words(it), "" if needed else "; may be left out"), said)
        for path, it, needed, said in fields(schema)
    ]
    about = [tag("p", schema["description"])] if schema.get("description") else []
    head = ("field", "what it may be", "meaning")
    shape = table(f"Fields of {name}", head, rows) if rows else tag("p", words(schema))
    return tag("section", tag("h3", name), *about, shape, class_="card", id=f"schema-{name}")


def fields(schema: Json, path: str = "") -> Iterator[tuple[str, Json, bool, str]]:
    """Every field below a schema: its path such as `rows[].age`, schema, if needed, meaning."""
    if schema.get("type") == "array":
        yield from fields(schema.get("items", {}), f"{path}[]")
    for name, it in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, it, name in schema.get("required", ()), it.get("description", "")
        yield from fields(it, here)


def words(schema: Json) -> str:
    """What a value may be."""
    if "anyOf" in schema:
        return " or ".join(words(each) for each in schema["anyOf"])
    if "enum" in schema:
        more = ["..."] if len(schema["enum"]) > MOST_NAMED else []
        return "one of " + ", ".join([*map(str, schema["enum"][:MOST_NAMED]), *more])
    match schema.get("type"):
        case "number" | "integer" as kind:
            return f"{'a whole number' if kind == 'integer' else 'a number'}{_range(schema)}"
        case "string":
            return _text(schema)
        case "array":
            most, least = schema.get("maxItems"), schema.get("minItems", 0)
            return f"a list of {least} to {most}" if most else "a list"
        case kind:
            known = {"boolean": "true or false", "object": "an object", "null": "null"}
            return known.get(str(kind), "any value")


def _text(schema: Json) -> str:
    if schema.get("format") == "date-time":
        return "a time such as 2026-01-31T12:00:00Z"
    if "maxLength" in schema:
        return f"a text of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    return "a text"


def _range(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    from_low = f" from {low:.15g}" if low is not None and abs(low) < LARGEST else ""
    to_high = f" to {high:.15g}" if high is not None and abs(high) < LARGEST else ""
    return from_low + to_high
