"""The screening, on the way in."""

from django.urls import URLPattern, path

from outcomes.views import join

urlpatterns: list[URLPattern] = [
    path("<slug:slug>/screening/<slug:page>/", join.screening, name="screening"),
    path("<slug:slug>/talk/", join.talk, name="talk"),
    path("<slug:slug>/talk/phone/", join.leave_phone, name="leave_phone"),
]
