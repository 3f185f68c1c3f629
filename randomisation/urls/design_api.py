"""The API of a design."""

from django.urls import path

from randomisation.api import design

urlpatterns = [
    path(
        "studies/<slug:slug>/randomisation/assessment/",
        design.AssessmentView.as_view(),
        name="randomisation_assessment",
    ),
    path("studies/<slug:slug>/randomisation/annex/", design.AnnexView.as_view(), name="randomisation_annex"),
]
