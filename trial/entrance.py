"""How a request begins: as UTF-8, whatever a client names, and with everything read that is read
once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.template.loader import get_template
from django.urls import get_resolver, reverse
from django.utils import translation
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """A charset that a client names is not used: Django would read the address with it before any
    middleware could refuse it, and some codecs are no text at all.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(
            meta.get("CONTENT_TYPE", "")
        )


class Entrance(WSGIHandler):
    request_class = Utf8Request


def warm_up() -> None:
    """Read the addresses with their views, the words of each language and our templates, before
    there is a port to ask at: whoever came first would wait for them, for seconds.
    """
    get_resolver().url_patterns  # noqa: B018  (imports every view)
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            reverse("front")
    for template in _our_templates():
        get_template(template)


def _our_templates() -> list[str]:
    ours = [
        Path(app.path)
        for app in apps.get_app_configs()
        if Path(app.path).parent == settings.BASE_DIR
    ]
    folders = [path / "templates" for path in ours]
    return [
        str(found.relative_to(folder))
        for folder in folders
        for found in sorted(folder.rglob("*.html"))
    ]
