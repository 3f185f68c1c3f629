"""Reading pages as a browser without scripts does: links to follow, and forms with what a press
would send.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.test import Client
from django.urls import Resolver404, resolve

MOST_PAGES = 80


@dataclass
class Form:
    """`sent` is what a press sends as the page stands; `names` are all its fields; `kinds` says of
    what somebody fills in what it is: text, one (of several), some (of several), or secret where it
    must be given anew each time.
    """

    page: str
    action: str
    sent: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def route(self) -> str:
        return resolve(urlsplit(self.action).path).view_name

    def filled(self, typed: Mapping[str, Any]) -> dict[str, Any]:
        assert set(typed) <= self.names, (
            f"{self.page} has no field {sorted(set(typed) - self.names)}"
        )
        return {**self.sent, **typed}


@dataclass
class Control:
    """A link or a button as it is read out: its whole text, or the name that is given in its place.
    `does` is where it leads, or what it sends and to where.
    """

    name: str
    does: tuple[str, ...]


class Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._by_id: dict[str, Form] = {}
        self._buttons: list[tuple[Form | None, str, Mapping[str, str | None]]] = []
        self._form: Form | None = None
        self._select: tuple[Form, str] | None = None
        self.controls: list[Control] = []
        self._control: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"a", "button"}:
            self._name(tag, given)
        if tag == "a" and given.get("href"):
            self.links.append(urljoin(self.url, given["href"] or ""))
        elif tag == "form" and (given.get("method") or "").lower() == "post":
            self._begin(given)
        elif tag == "button" and given.get("formaction"):
            self._buttons.append((self._form, given.get("form") or "", given))
        elif tag in {"input", "textarea", "select", "button"} and given.get("name"):
            self._field(tag, given)
        elif tag == "option" and self._select:
            self._option(given)

    def handle_data(self, data: str) -> None:
        if self._control:
            self._control.name += data

    def _name(self, tag: str, given: Mapping[str, str | None]) -> None:
        """A link without an address is none; a button that sends nothing is a script's."""
        form = self._by_id.get(given.get("form") or "") if given.get("form") else self._form
        if tag == "a" and given.get("href"):
            does = ("goes to", urljoin(self.url, given["href"] or ""))
        elif tag == "button" and form and given.get("type", "submit") == "submit":
            action = (
                urljoin(self.url, given["formaction"] or "")
                if given.get("formaction")
                else form.action
            )
            pressed = (f"{given['name']}={given.get('value')}",) if given.get("name") else ()
            does = ("sends", action, *pressed, *_marks(form))
        else:
            return
        control = Control(given.get("aria-label") or "", does)
        self.controls.append(control)
        self._control = None if control.name else control

    def handle_endtag(self, tag: str) -> None:
        if tag in {"a", "button"}:
            self._control = None
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None

    def _begin(self, given: Mapping[str, str | None]) -> None:
        self._form = Form(self.url, urljoin(self.url, given.get("action") or ""))
        self.forms.append(self._form)
        self._by_id[given.get("id") or ""] = self._form

    def finish(self) -> None:
        """A button that sends its form elsewhere makes a form of its own, with its name beside the
        others. What is filled in is the form's that it belongs to, so it has no kinds.
        """
        for inside, named, given in self._buttons:
            form = self._by_id.get(named) if named else inside
            assert form is not None, f"{self.url}: a button belongs to no form"
            own = {given["name"] or "": [given.get("value") or ""]} if given.get("name") else {}
            action = urljoin(self.url, given["formaction"] or "")
            self.forms.append(Form(self.url, action, {**form.sent, **own}, {*form.names, *own}))

    def _field(self, tag: str, given: Mapping[str, str | None]) -> None:
        form = self._by_id.get(given["form"] or "") if given.get("form") else self._form
        if form is None:
            return
        name = given["name"] or ""
        form.names.add(name)
        if kind := _kind(tag, given):
            form.kinds[name] = kind
        if tag == "select":
            self._select = (form, name)
        elif _is_sent(tag, given):
            form.sent.setdefault(name, []).append(
                given.get("value") or ("on" if "checked" in given else "")
            )

    def _option(self, given: Mapping[str, str | None]) -> None:
        assert self._select is not None
        form, name = self._select
        if "selected" in given or name not in form.sent:
            form.sent[name] = [given.get("value") or ""]


def _kind(tag: str, given: Mapping[str, str | None]) -> str:
    """Empty where nobody fills it in."""
    kind = given.get("type") or "text"
    if tag == "button" or kind in {"hidden", "submit"}:
        return ""
    if (
        kind in {"password", "file"}
        or "one-time-code" in (given.get("autocomplete") or "")
        or "data-kept" in given
    ):
        return "secret"
    if tag == "select" or kind == "radio":
        return "one"
    return "some" if kind == "checkbox" else "text"


def _marks(form: Form) -> Iterator[str]:
    """What hidden fields say of whom or what a form is about; a key of a request is another on
    each.
    """
    for name, values in sorted(form.sent.items()):
        if name not in form.kinds and name not in {"csrfmiddlewaretoken", "request_key"}:
            yield f"{name}={values}"


def _is_sent(tag: str, given: Mapping[str, str | None]) -> bool:
    kind = given.get("type") or "text"
    if tag == "button" or kind in {"submit", "file"}:
        return False
    return "checked" in given if kind in {"radio", "checkbox"} else True


def read(url: str, html: str) -> Reader:
    reader = Reader(url)
    reader.feed(html)
    reader.close()
    reader.finish()
    return reader


def crawl(browser: Client, *starts: str) -> Iterator[Form]:
    """Every form on every page that links lead to from here, page by page."""
    for page in pages(browser, *starts):
        yield from page.forms


def pages(browser: Client, *starts: str, of_a_route: int = MOST_PAGES) -> Iterator[Reader]:
    """Every page that links lead to from here, or the first few of each route; one for each address
    without its query.
    """
    waiting, seen, routes = list(starts), set(), Counter[str]()
    while waiting and len(seen) < MOST_PAGES:
        url = waiting.pop(0)
        path = urlsplit(url).path
        if path in seen or not is_ours(url) or routes[resolve(path).view_name] == of_a_route:
            continue
        seen.add(path)
        routes[resolve(path).view_name] += 1
        answer = browser.get(url, follow=True)
        if answer.streaming or not answer.get("Content-Type", "").startswith("text/html"):
            continue
        shown = answer.redirect_chain[-1][0] if answer.redirect_chain else url
        seen.add(urlsplit(shown).path)
        found = read(shown, answer.content.decode())
        yield found
        waiting += found.links


def is_ours(url: str) -> bool:
    """A page of this site; the mail, telephone and other sites are left alone."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return False
    try:
        resolve(parts.path)
    except Resolver404:
        return False
    return True
