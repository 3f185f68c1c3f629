"""What every page of every journey is held to, and how a page is left for the next."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def faults(page: Page) -> list[str]:
    """What an accessibility checker finds on the page, and by how much it is wider than its window;
    empty when fine.
    """
    too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    found = Axe().run(page).response["violations"]
    complaints = [
        f"{page.url}: {each['id']}: {node['html'][:160]}"
        for each in found
        for node in each["nodes"]
    ]
    return complaints + ([f"{page.url}: {too_wide} px too wide"] if too_wide > 0 else [])


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def press(page: Page, name: str) -> None:
    """Press the button or link of the page's main part with exactly this name, and wait for the
    page that follows.
    """
    main = page.get_by_role("main")
    button = main.get_by_role("button", name=name, exact=True).or_(
        main.get_by_role("link", name=name, exact=True)
    )
    with page.expect_navigation():
        button.first.click()
