"""The API, version 1. Each app adds its own endpoints; their names pair them with the pages."""

from django.urls import include, path

from trial.api import alerts, docs, join, lessons, me, people, staff, studies, tokens

app_name = "api"
urlpatterns = [
    path("schema/", docs.SchemaView.as_view(), name="schema"),
    path("docs/", docs.DocsView.as_view(), name="docs"),
    path("token/", tokens.TokenView.as_view(), name="token"),
    path("join/<slug:slug>/", join.JoinView.as_view(), name="join"),
    path("join/<slug:slug>/contact/", join.ContactView.as_view(), name="join_contact"),
    path("join/<slug:slug>/verify/", join.VerifyView.as_view(), name="join_verify"),
    path("join/<slug:slug>/consent/", join.ConsentView.as_view(), name="join_consent"),
    path("join/<slug:slug>/decline/", join.DeclineView.as_view(), name="join_decline"),
    path("today/", me.TodayView.as_view(), name="today"),
    path("call-times/", me.CallTimesView.as_view(), name="call_times"),
    path("withdraw/", me.WithdrawView.as_view(), name="withdraw"),
    path("programme/stop/", me.StopProgrammeView.as_view(), name="stop_programme"),
    path("lessons/", lessons.LessonsView.as_view(), name="lessons"),
    path("lessons/<slug:module>/", lessons.LessonView.as_view(), name="lesson"),
    path("lessons/<slug:module>/begin/", lessons.BeginView.as_view(), name="lesson_begin"),
    path("lessons/<slug:module>/done/", lessons.DoneView.as_view(), name="lesson_done"),
    path("lessons/<slug:module>/reopen/", lessons.ReopenView.as_view(), name="lesson_reopen"),
    path("lessons/<slug:module>/exercises/<slug:exercise>/", lessons.ExerciseView.as_view(), name="exercise"),
    path("studies/", studies.StudiesView.as_view(), name="studies"),
    path("studies/<slug:slug>/", studies.StudyView.as_view(), name="study"),
    path("studies/<slug:slug>/open/", studies.OpenView.as_view(), name="study_open"),
    path("studies/<slug:slug>/pause/", studies.PauseView.as_view(), name="study_pause"),
    path("studies/<slug:slug>/resume/", studies.ResumeView.as_view(), name="study_resume"),
    path("studies/<slug:slug>/close/", studies.CloseView.as_view(), name="study_close"),
    path("studies/<slug:slug>/lock/", studies.LockView.as_view(), name="study_lock"),
    path("studies/<slug:slug>/crisis-lines/confirm/", studies.ConfirmLineView.as_view(), name="confirm_line"),
    path("studies/<slug:slug>/participants/", people.PeopleView.as_view(), name="people"),
    path("studies/<slug:slug>/participants/<str:code>/erase/", people.EraseView.as_view(), name="person_erase"),
    path("studies/<slug:slug>/staff/", staff.StaffView.as_view(), name="staff"),
    path("studies/<slug:slug>/staff/<int:membership>/end/", staff.EndRoleView.as_view(), name="staff_end"),
    path("studies/<slug:slug>/invitations/", staff.InvitationsView.as_view(), name="invitations"),
    path(
        "studies/<slug:slug>/invitations/<int:invitation>/withdraw/",
        staff.WithdrawInvitationView.as_view(),
        name="invitation_withdraw",
    ),
    path("studies/<slug:slug>/messages/", staff.UncertainView.as_view(), name="messages"),
    path("studies/<slug:slug>/messages/<int:message>/again/", staff.SendAgainView.as_view(), name="message_again"),
    path("studies/<slug:slug>/alerts/", alerts.AlertsView.as_view(), name="alerts"),
    path("studies/<slug:slug>/alerts/<int:number>/take/", alerts.TakeView.as_view(), name="alert_take"),
    path("studies/<slug:slug>/alerts/<int:number>/contact/", alerts.ContactView.as_view(), name="alert_contact"),
    path("studies/<slug:slug>/alerts/<int:number>/close/", alerts.CloseView.as_view(), name="alert_close"),
    path("", include("outcomes.urls.api")),
    path("", include("coaching_protocol.urls.api")),
    path("", include("reports.urls.api")),
]
