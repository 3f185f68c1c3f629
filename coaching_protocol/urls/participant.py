"""Calls, in the participant's room."""

from django.urls import URLPattern, path

from coaching_protocol.views import participant

urlpatterns: list[URLPattern] = [path("calls/", participant.calls, name="calls")]
