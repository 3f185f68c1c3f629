"""The API of coaching."""

from django.urls import path

from coaching_protocol.api import coach, participant

urlpatterns = [
    path("calls/", participant.CallsView.as_view(), name="calls"),
    path("caseload/", coach.CaseloadView.as_view(), name="caseload"),
    path("studies/<slug:slug>/coaches/", coach.CoachesView.as_view(), name="coaches"),
    path("caseload/<str:code>/", coach.PersonView.as_view(), name="caseload_person"),
    path("caseload/<str:code>/show-number/", coach.ShowNumberView.as_view(), name="show_number"),
    path("caseload/<str:code>/reassign/", coach.ReassignView.as_view(), name="reassign"),
    path(
        "caseload/<str:code>/contacts/<int:number>/start/",
        coach.StartView.as_view(),
        name="call_start",
    ),
    path(
        "caseload/<str:code>/contacts/<int:number>/take-back/",
        coach.TakeBackView.as_view(),
        name="call_take_back",
    ),
    path(
        "caseload/<str:code>/contacts/<int:number>/log/", coach.LogView.as_view(), name="call_log"
    ),
    path(
        "caseload/<str:code>/tries/<int:attempt>/correct/",
        coach.CorrectView.as_view(),
        name="call_correct",
    ),
    path(
        "caseload/<str:code>/contacts/<int:number>/give-up/",
        coach.GiveUpView.as_view(),
        name="call_give_up",
    ),
]
