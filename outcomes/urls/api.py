"""The API of what is measured."""

from django.urls import path

from outcomes.api import assessments, assessor, join, wordings

SHEET = "assessments/<slug:timepoint>/<slug:instrument>/"
urlpatterns = [
    path(
        "join/<slug:slug>/questions/<slug:page>/",
        join.QuestionsView.as_view(),
        name="join_questions",
    ),
    path(
        "join/<slug:slug>/screening/<slug:page>/",
        join.ScreeningView.as_view(),
        name="join_screening",
    ),
    path("join/<slug:slug>/phone/", join.PhoneView.as_view(), name="join_phone"),
    path("questions/", assessments.QuestionsView.as_view(), name="questions"),
    path("assessments/", assessments.SittingsView.as_view(), name="sittings"),
    path("assessments/<slug:timepoint>/", assessments.SittingView.as_view(), name="sitting"),
    path(SHEET, assessments.SheetView.as_view(), name="assessment"),
    path(f"{SHEET}start/", assessments.StartView.as_view(), name="assessment_start"),
    path(f"{SHEET}decline/", assessments.DeclineView.as_view(), name="assessment_decline"),
    path(
        "studies/<slug:slug>/assessments/due/", assessor.DueView.as_view(), name="assessments_due"
    ),
    path(
        f"studies/<slug:slug>/participants/<str:code>/{SHEET}",
        assessor.EnterView.as_view(),
        name="assessment_enter",
    ),
    path(
        "studies/<slug:slug>/wordings/confirm/",
        wordings.ConfirmWordingView.as_view(),
        name="confirm_wording",
    ),
]
