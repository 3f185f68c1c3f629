from django.urls import path

from trial.views.research import address, alerts, people, record, setup, staff, studies

urlpatterns = [
    path("", studies.listed, name="studies"),
    path("load/", studies.load, name="load"),
    path("alerts/", alerts.everywhere, name="all_alerts"),
    path("<slug:slug>/", studies.dashboard, name="dashboard"),
    path("<slug:slug>/state/", studies.state, name="state"),
    path("<slug:slug>/open/", studies.open_study, name="open"),
    *(
        path(f"<slug:slug>/{verb}/", studies.step, {"verb": verb}, name=verb)
        for verb in studies.VERBS
    ),
    path("<slug:slug>/setup/", setup.setup, name="setup"),
    path("<slug:slug>/setup/crisis-lines/confirm/", setup.confirm_line, name="confirm_line"),
    path("<slug:slug>/people/", people.listed, name="people"),
    path("<slug:slug>/people/<str:code>/", people.person, name="person"),
    path("<slug:slug>/people/<str:code>/erase/", people.erase, name="erase"),
    path("<slug:slug>/people/<str:code>/address/", address.lost_mailbox, name="lost_mailbox"),
    path("<slug:slug>/staff/", staff.listed, name="staff"),
    path("<slug:slug>/staff/invite/", staff.invite, name="invite"),
    path(
        "<slug:slug>/staff/invitations/<int:invitation>/withdraw/",
        staff.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path("<slug:slug>/staff/<int:membership>/end/", staff.end_role, name="end_role"),
    path("<slug:slug>/messages/", record.message_list, name="messages"),
    path("<slug:slug>/messages/<slug:message>/again/", record.send_again, name="send_again"),
    path(
        "<slug:slug>/messages/<str:code>/all-again/", record.send_all_again, name="send_all_again"
    ),
    path("<slug:slug>/audit/", record.audit_trail, name="audit"),
    path("<slug:slug>/audit/verify/", record.verify, name="verify"),
    path("<slug:slug>/alerts/", alerts.listed, name="alerts"),
    path("<slug:slug>/alerts/<int:number>/", alerts.alert, name="alert"),
    path("<slug:slug>/alerts/<int:number>/take/", alerts.take, name="take_alert"),
    path("<slug:slug>/alerts/<int:number>/contact/", alerts.contact, name="alert_contact"),
    path("<slug:slug>/alerts/<int:number>/close/", alerts.close, name="close_alert"),
]
