"""Who asks, where a proxy stands in front: its word about the address and the scheme counts only if
it is trusted.

A proxy that HANDVAT_PROXIES names appends the address that it saw to X-Forwarded-For. Read from the
right, the first address that is no trusted proxy is the client; what stands left of it anybody can
have written.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from trial.environment import Network

VOUCHED_FOR = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")
NOBODY_READS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_REAL_IP",
)
MOST_HOPS = 20


class Forwarded:
    """The first middleware: from here on REMOTE_ADDR is the client, and no forwarded header of a
    stranger is left.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        here = request.META.get("REMOTE_ADDR", "")
        if is_trusted(here, settings.PROXIES):
            request.META["REMOTE_ADDR"] = client(
                here, request.META.get("HTTP_X_FORWARDED_FOR", ""), settings.PROXIES
            )
            # The scheme that the nearest proxy saw; a list is what several wrote, the nearest last.
            if "HTTP_X_FORWARDED_PROTO" in request.META:
                request.META["HTTP_X_FORWARDED_PROTO"] = (
                    request.META["HTTP_X_FORWARDED_PROTO"].split(",")[-1].strip()
                )
        else:
            for header in VOUCHED_FOR:
                request.META.pop(header, None)
        for header in NOBODY_READS:
            request.META.pop(header, None)
        request.META.pop("HTTP_X_FORWARDED_FOR", None)  # read once, here
        return self.get_response(request)


def client(here: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """The address of the client: `here` spoke to us, `forwarded` is the chain that trusted proxies
    appended to.
    """
    chain = [each.strip() for each in forwarded.split(",")][-MOST_HOPS:] if forwarded else []
    for address in reversed(chain):
        if not is_trusted(here, proxies) or _parsed(address) is None:
            break
        here = str(_parsed(address))
    return here


def is_trusted(address: str, proxies: Sequence[Network]) -> bool:
    parsed = _parsed(address)
    # A socket in a folder of this machine has no address: only what runs here can reach it.
    return (parsed is None and address == "" and bool(proxies)) or any(
        parsed in each for each in proxies if parsed
    )


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Without brackets, port or zone; an IPv4 address in IPv6 clothes as IPv4."""
    text = address.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
