"""Whatever is typed in any form of the site is there again, however its page is left.

The pages are crawled as each of the cast in each state of a study (tests/test_every_post.py). Every
form in which there is something to type, or more than one thing to choose, is filled in by a
browser, and its page is left: by a link, another language, Back, a reload, closing the tab, losing
the connection, the end of the session. What was typed is there again; what must be given anew
(passwords, codes, files, signatures, confirmations) is not, and neither is what a visitor typed
once the tab is closed.

Each form is left in one way or two, and each way is tried on six forms at least; `python -m
tests.fuzz` leaves all in every way (HANDVAT_EVERY_WAY=1).
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from playwright.sync_api import BrowserContext, Page

from tests import crawling, factories, test_every_post
from tests.conftest import NOW, SMALL

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EVERY_WAY = os.environ.get("HANDVAT_EVERY_WAY") == "1"
FEWEST = 6
SEED = 7
PATIENCE = 15_000

# Forms in which nothing is kept, and why.
LEFT_OUT = {
    "participant:withdraw": "leaving: chosen anew each time",
    "participant:stop_programme": "the same",
}

FIND = """
const find = ([path, names]) => Array.from(document.forms).find((form) => {
  const action = new URL(form.getAttribute('action') || location.pathname, location.href).pathname;
  const own = new Set(Array.from(form.elements, (each) => each.name));
  return form.getAttribute('method') === 'post' && action === path && names.every((name) => own.has(name));
});
"""  # noqa: E501
FILL = f"""(asked) => {{
  {FIND}
  const form = find(asked);
  const texts = {{date: '2026-03-12', time: '14:30', number: '12', email: 'ana@example.org', tel: '06 1234 5678'}};
  const seen = new Set();
  for (const each of form.elements) {{
    if (!each.name || each.disabled || ['hidden', 'file', 'submit', 'button', 'fieldset'].includes(each.type)) continue;
    if (each.type === 'radio') {{
      const all = Array.from(form.elements).filter((other) => other.name === each.name);
      const open = all.filter((other) => !other.defaultChecked);
      if (seen.has(each.name) || !open.length) continue;
      open[open.length - 1].checked = true;
    }} else if (each.type === 'checkbox') each.checked = !each.defaultChecked;
    else if (each.options) each.selectedIndex = each.options.length - 1;
    else each.value = texts[each.type] || 'Words, and "more" of them\\nñ €'.slice(0, each.tagName === 'TEXTAREA' ? 99 : 20);
    seen.add(each.name);
    each.dispatchEvent(new Event('input', {{bubbles: true}}));
    each.dispatchEvent(new Event('change', {{bubbles: true}}));
  }}
}}"""  # noqa: E501
HELD = f"""(asked) => {{
  {FIND}
  const form = find(asked);
  if (!form) return null;
  const held = {{}};
  for (const each of form.elements) {{
    if (!asked[1].includes(each.name)) continue;
    held[each.name] = held[each.name] || [];
    if (['radio', 'checkbox'].includes(each.type)) {{ if (each.checked) held[each.name].push(each.value); }}
    else if (each.type === 'file') continue;
    else held[each.name].push(each.value);
  }}
  return held;
}}"""  # noqa: E501


def link(visit: Visit) -> None:
    with visit.page.expect_navigation():
        visit.page.evaluate("document.querySelector('.masthead a.name').click()")


def language(visit: Visit) -> None:
    with visit.page.expect_navigation():
        visit.page.evaluate("document.querySelector('form.language button').click()")


def back(visit: Visit) -> None:
    visit.page.go_back()


def reload(visit: Visit) -> None:
    visit.page.reload()


def closing(visit: Visit) -> None:
    visit.page.close(run_before_unload=True)
    visit.page = visit.context.new_page()


def lost_connection(visit: Visit) -> None:
    visit.context.set_offline(False)


def ended_session(visit: Visit) -> None:
    visit.page.goto("/help/")
    visit.page.goto(visit.form.page)
    visit.let_in()


WAYS: dict[str, Callable[[Visit], None]] = {
    each.__name__: each
    for each in (link, language, back, reload, closing, lost_connection, ended_session)
}


@dataclass
class Visit:
    """Somebody at a form."""

    form: crawling.Form
    page: Page
    context: BrowserContext
    cookies: list[dict[str, str]]
    is_visitor: bool

    @property
    def asked(self) -> list[Any]:
        return [urlsplit(self.form.action).path, sorted(self.form.kinds)]

    @property
    def is_kept(self) -> bool:
        return any(kind != "secret" for kind in self.form.kinds.values())

    def let_in(self) -> None:
        self.context.add_cookies(self.cookies)  # type: ignore[arg-type]

    def come(self) -> None:
        """To the page, until the form knows what was kept of it."""
        if self.is_visitor or not self.is_kept:
            self.page.goto(self.form.page)
            return
        path = quote(urlsplit(self.form.action).path, safe="")
        with self.page.expect_response(lambda answer: f"/drafts/?form={path}" in answer.url):
            self.page.goto(self.form.page)
        self.page.wait_for_timeout(50)

    def held(self) -> dict[str, list[str]]:
        return self.page.evaluate(HELD, self.asked)

    def settle(self) -> None:
        """Until the page has said what became of what was typed, where there is something to
        keep.
        """
        if self.is_kept:
            self.page.locator(
                "[data-save-status]:not([data-state=''], [data-state='saving'])"
            ).first.wait_for()


TRIED: dict[
    str, list[str]
] = {}  # form -> ways, of the whole run: what one of the cast tried the next leaves
COMPLETE: list[str] = []  # who of the cast has been at it
ORDER = random.Random(SEED).sample(list(WAYS), len(WAYS))


def name_of(form: crawling.Form) -> str:
    return f"{form.route} {' '.join(sorted(form.kinds))}"


def is_asked(form: crawling.Form) -> bool:
    """Something to type, or more than one thing to choose."""
    kinds = [kind for kind in form.kinds.values() if kind != "secret"]
    return (len(form.kinds) > 1 or "text" in kinds) and form.route not in LEFT_OUT


def ways_of(number: int, *, is_visitor: bool, has_language: bool) -> list[str]:
    """Of those that can be had here the one that was tried least, for every third form the two. A
    visitor whose session ends is nobody any more.
    """
    can = [way for way in ORDER if not (is_visitor and way == "ended_session")]
    can = [way for way in can if has_language or way != "language"]
    tried = Counter(way for ways in TRIED.values() for way in ways)
    return (
        can if EVERY_WAY else sorted(can, key=lambda way: tried[way])[: 2 if number % 3 == 0 else 1]
    )


@pytest.fixture
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        cache.clear()
        yield


@pytest.mark.parametrize("who", test_every_post.SEEN_BY)
def test_what_is_typed_is_there_again(who, clock, live_server, chromium):
    study = factories.an_open_study(SMALL, NOW)
    given, starts = test_every_post.SEEN_BY[who]
    x = SimpleNamespace(**given(study))
    pages = list(
        crawling.pages(
            x.browser, *(start if isinstance(start, str) else start(x) for start in starts)
        )
    )
    forms = {name_of(form): form for page in pages for form in page.forms if is_asked(form)}
    cookies = [
        {"name": n, "value": c.value, "url": live_server.url} for n, c in x.browser.cookies.items()
    ]
    for name, form in forms.items():
        if name in TRIED:
            continue
        routes = {other.route for page in pages if page.url == form.page for other in page.forms}
        is_visitor = "_auth_user_id" not in x.browser.session
        ways = ways_of(len(TRIED), is_visitor=is_visitor, has_language="set_language" in routes)
        TRIED[name] = ways
        for way in ways:
            context = chromium.new_context(base_url=live_server.url, locale="en-GB")
            context.set_default_timeout(PATIENCE)
            visit = Visit(form, context.new_page(), context, cookies, is_visitor)
            lost = try_one(visit, way)
            context.close()
            assert not lost, f"{name} left by {way}: {lost}"
    COMPLETE.append(who)


def try_one(visit: Visit, way: str) -> dict[str, Any]:
    """What is not as it should be after coming back, by field: what is there, and what should
    be.
    """
    visit.let_in()
    visit.page.goto("/help/")
    visit.page.evaluate(
        "sessionStorage.setItem('handvat-way-in', 'true')"
    )  # this is the tab in which the visitor began
    visit.come()
    drawn, typed = visit.held(), fill_in(visit, way)
    WAYS[way](visit)
    visit.come()
    is_over = visit.is_visitor and way == "closing"
    wanted = {
        name: drawn[name] if kind == "secret" or is_over else typed[name]
        for name, kind in visit.form.kinds.items()
    }
    for _moment in range(PATIENCE // 100):
        if visit.held() in (wanted, None if is_over else wanted):
            break
        visit.page.wait_for_timeout(100)
    if is_over and visit.held() is None:  # led to the first page of the way in
        return {}
    return {
        name: (value, wanted[name]) for name, value in visit.held().items() if value != wanted[name]
    }


def fill_in(visit: Visit, way: str) -> dict[str, list[str]]:
    if way == "lost_connection":
        visit.context.set_offline(True)
    if way == "ended_session":
        visit.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    visit.page.evaluate(FILL, visit.asked)
    typed = visit.held()
    if way in {"lost_connection", "ended_session", "closing"}:
        visit.settle()
    return typed


def test_every_way_is_tried_on_several_forms(record_property):
    """Of the whole run, so it comes last and says nothing where somebody ran a part of it."""
    tried = Counter(way for ways in TRIED.values() for way in ways)
    record_property(
        "figures",
        f"forms left and found again: {len(TRIED)}; by way: {dict(sorted(tried.items()))}",
    )
    record_property("figures", f"forms in which nothing is kept: {LEFT_OUT}")
    if len(COMPLETE) == len(test_every_post.SEEN_BY):
        assert {way: tried[way] for way in WAYS if tried[way] < FEWEST} == {}
