"""A batch under WSGI that reads as many bytes as the length says, as most do: a body in chunks is empty."""

import json
from urllib.parse import parse_qs

taken = []


def app(environ, start_response):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    form = parse_qs(environ["wsgi.input"].read(size).decode())
    taken.extend(item for item in form.get("id", []) if item not in taken)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(taken).encode()]
