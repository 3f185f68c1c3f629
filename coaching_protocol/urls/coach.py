from django.urls import path

from coaching_protocol.views import coach

urlpatterns = [
    path("", coach.caseload, name="caseload"),
    path("<str:code>/", coach.person, name="person"),
    path("<str:code>/number/", coach.number, name="number"),
    path("<str:code>/reassign/", coach.reassign, name="reassign"),
    path("<str:code>/calls/<int:number>/start/", coach.start, name="start"),
    path("<str:code>/calls/<int:number>/give-up/", coach.give_up, name="give_up"),
    path("<str:code>/attempts/<int:attempt>/", coach.attempt, name="attempt"),
    path("<str:code>/attempts/<int:attempt>/correct/", coach.correct, name="correct"),
]
