"""A picture in a request's body: as it is, in a form, or in JSON."""

import base64
import re

from .problems import Problem

FORM, JSON = "multipart/form-data", "application/json"
_ONE = "send one file; options stand in the address, as ?privacy=high"
_START = re.compile(rb'\s*\{\s*"(?:image|picture)"\s*:\s*"')
_JSON_FORM = 'send {"image": "BASE64"}, or a data URL; options stand in the address'


def picture_in(content: bytearray, content_type: str) -> bytes | bytearray:
    """The picture file.

    Args:
        content: Of the body.
        content_type: Of the request; a form's and JSON's are believed, any other is a picture's.

    Raises:
        Problem: The form holds no file, or several parts; or the JSON is of another form.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        return _in_form(content, content_type)
    return _in_json(content) if kind == JSON else content


def _in_form(content: bytearray, content_type: str) -> bytes:
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    parts: list[bytearray] = []
    boundary = parse_options_header(content_type.encode())[1].get(b"boundary", b"")

    def data(chunk: bytes, start: int, end: int) -> None:
        parts[-1] += chunk[start:end]

    def begin() -> None:
        if parts:
            raise Problem(422, f"the form has several parts; {_ONE}")
        parts.append(bytearray())

    try:
        parser = MultipartParser(boundary, {"on_part_begin": begin, "on_part_data": data})
        parser.write(bytes(content))
        parser.finalize()
    except FormParserError as error:
        raise Problem(422, f"the form is damaged; {_ONE}") from error
    if not parts or not parts[0]:
        raise Problem(422, f"the form holds no file; {_ONE}")
    return bytes(parts[0])


def _in_json(content: bytearray) -> bytes:
    """By its outline alone: parsed, a body of small things would take many times its size."""
    start, end = _START.match(content), content.rfind(b'"')
    if start is None or bytes(content[end + 1 :]).strip() != b"}":
        raise Problem(422, f"the JSON is of another form; {_JSON_FORM}")
    text = content[start.end() : end]
    if text.startswith(b"data:"):
        text = text[text.find(b",") + 1 :]
    try:
        return base64.b64decode(text.replace(b"\\/", b"/"), validate=True)
    except ValueError as error:
        raise Problem(422, f"the JSON holds no Base64; {_JSON_FORM}") from error
