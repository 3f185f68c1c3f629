"""Questionnaires, in the participant's room."""

from django.urls import URLPattern, path

from outcomes.views import download, participant

urlpatterns: list[URLPattern] = [
    path("questions/", participant.questions, name="questions"),
    path("questionnaires/", participant.questionnaires, name="questionnaires"),
    path("questionnaires/<slug:timepoint>/", participant.sitting, name="sitting"),
    path("questionnaires/<slug:timepoint>/help/", participant.talk, name="talk"),
    path("questionnaires/<slug:timepoint>/<slug:instrument>/", participant.item, name="item"),
    path(
        "questionnaires/<slug:timepoint>/<slug:instrument>/start/", participant.start, name="start"
    ),
    path(
        "questionnaires/<slug:timepoint>/<slug:instrument>/review/",
        participant.review,
        name="review",
    ),
    path(
        "questionnaires/<slug:timepoint>/<slug:instrument>/submit/",
        participant.submit,
        name="submit",
    ),
    path(
        "questionnaires/<slug:timepoint>/<slug:instrument>/skip/", participant.decline, name="skip"
    ),
    path("data/answers.json", download.download, name="download"),
]
