"""``/docs``: the API as a page, made of its OpenAPI document; it loads nothing from elsewhere."""

import json
from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: the API</title>
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/style.css"><link rel="stylesheet" href="/page/docs.css">
<header class="top"><h1>{title}: the API</h1></header>
<main class="docs">{about}
<p>As a document for machines: <a href="/openapi.json">/openapi.json</a>.</p>
<nav aria-label="Routes"><ul>{links}</ul></nav>
{routes}</main></html>
"""
_SENT = {"/v1/anonymize": "picture.jpg", "/v1/jobs": "video.mp4"}

Json = dict[str, Any]


def docs_page(document: Json, address: str) -> str:
    """The page, HTML.

    Args:
        document: OpenAPI's.
        address: Of this server, for commands to copy.
    """
    routes = [
        (method.upper(), path, route)
        for path, methods in document["paths"].items()
        for method, route in methods.items()
    ]
    links = (f'<li><a href="#{_id(m, p)}"><code>{m} {escape(p)}</code></a>' for m, p, _ in routes)
    about = "".join(
        f"<p>{escape(part.replace('`', ''))}</p>"
        for part in document["info"]["description"].split("\n\n")
    )
    return _PAGE.format(
        title=escape(document["info"]["title"]), about=about, links="".join(links),
        routes="".join(_section(*route, address) for route in routes),
    )  # fmt: skip


def _section(method: str, path: str, route: Json, address: str) -> str:
    return (
        f'<section id="{_id(method, path)}"><h2><code>{method} {escape(path)}</code></h2>'
        f"<p>{escape(route.get('description') or route['summary'])}{_body(route)}</p>"
        f'<pre tabindex="0">{escape(_curl(method, path, address))}</pre>'
        f"{_table('Options', map(_option, route.get('parameters', [])))}"
        f"{_table('Answers', map(_answer, sorted(route['responses'].items())))}</section>"
    )


def _curl(method: str, path: str, address: str) -> str:
    """A command to copy; what stands in capitals is to be put in."""
    words = ["curl", "--fail-with-body"]
    if method == "POST":
        words += ["--data-binary", f"@{_SENT[path]}"]
    elif method != "GET":
        words += ["--request", method]
    if path == "/v1/anonymize":
        words += ["--output", "anonymized.jpg"]
    elif path.endswith(("/result", "/preview")):
        words += ["--output", path.rpartition("/")[2]]
    return " ".join([*words, f"'{address}{path.replace('{number}', 'ID')}'"])


def _option(option: Json) -> tuple[str, str]:
    schema = option["schema"]
    choices: list[str] = schema.get("enum") or next(
        (one["enum"] for one in schema.get("anyOf", ()) if "enum" in one), []
    )
    default = schema.get("default")
    told = [option.get("description", "")]
    told += [f"One of {', '.join(choices)}."] * bool(choices)
    told += [f"Default: {json.dumps(default)}."] * (default not in (None, "", []))
    return option["name"], " ".join(told)


def _body(route: Json) -> str:
    """What is sent, in words."""
    told = route.get("requestBody", {}).get("description", "")
    return f"<br>Send: {escape(told)}" if told else ""


def _answer(answer: tuple[str, Json]) -> tuple[str, str]:
    status, told = answer
    return status, told.get("description", "")


def _table(title: str, rows: Any) -> str:
    lines = "".join(
        f'<tr><th scope="row"><code>{escape(name)}</code><td>{escape(words)}'
        for name, words in rows
    )
    return f"<table><caption>{title}</caption>{lines}</table>" if lines else ""


def _id(method: str, path: str) -> str:
    return f"{method}{path}".replace("/", "-").strip("-").lower().replace("{", "").replace("}", "")
