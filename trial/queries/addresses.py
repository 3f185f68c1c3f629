"""Where a person is reached. The only read of an address outside the page of the person themselves."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from trial.models import Identity, Participant


def address_of(participant: Participant) -> str | None:
    """The e-mail address, or None once it is erased."""
    identity = Identity.objects.filter(participant=participant).select_related("participant__key").first()
    return identity.email if identity else None


def home_url() -> str:
    """The participant's home page: the same for everybody, with no identifier in it."""
    return settings.PUBLIC_URL + reverse("participant:home")
