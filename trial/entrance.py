"""How a request begins: as UTF-8, whatever a client names."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """A charset that a client names is not used: Django would read the address with it before any middleware could
    refuse it, and some codecs are no text at all."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


class Entrance(WSGIHandler):
    request_class = Utf8Request
