"""The participant's room: the same addresses for everybody, with no identifier in them."""

from django.urls import URLPattern, path

from trial.views import language, tokens
from trial.views.participant import address, home, leaving, lessons, own

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("help/", home.help_now, name="help"),
    path("lessons/", lessons.lessons, name="lessons"),
    path("lessons/<slug:module>/", lessons.lesson, name="lesson"),
    path("lessons/<slug:module>/begin/", lessons.begin, name="lesson_begin"),
    path("lessons/<slug:module>/save/", lessons.save, name="lesson_save"),
    path("lessons/<slug:module>/done/", lessons.done, name="lesson_done"),
    path("lessons/<slug:module>/again/", lessons.reopen, name="lesson_reopen"),
    path("call-times/", own.call_times, name="call_times"),
    path("name/", address.name, name="name"),
    path("address/", address.address, name="address"),
    path("address/code/", address.address_code, name="address_code"),
    path("phone/", own.phone, name="phone"),
    path("time-zone/", own.zone, name="zone"),
    path("language/", language.choose, name="language"),
    path("data/", own.data, name="data"),
    path("data/consent/", own.consent, name="consent"),
    path("apps/", tokens.of_participant, name="tokens"),
    path("apps/<int:number>/end/", tokens.end_of_participant, name="end_token"),
    path("stop-lessons/", leaving.stop_programme, name="stop_programme"),
    path("leave/", leaving.withdraw, name="withdraw"),
]
