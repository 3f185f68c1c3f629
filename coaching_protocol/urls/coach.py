from django.urls import path

from coaching_protocol.views.coach import calls, caseload, corrections, number, person

urlpatterns = [
    path("", caseload.caseload, name="caseload"),
    path("<str:code>/", person.person, name="person"),
    path("<str:code>/number/", number.number, name="number"),
    path("<str:code>/reassign/", person.reassign, name="reassign"),
    path("<str:code>/calls/<int:number>/start/", calls.start, name="start"),
    path("<str:code>/calls/<int:number>/give-up/", calls.give_up, name="give_up"),
    path("<str:code>/attempts/<int:attempt>/", calls.attempt, name="attempt"),
    path("<str:code>/attempts/<int:attempt>/take-back/", calls.take_back, name="take_back"),
    path("<str:code>/attempts/<int:attempt>/correct/", corrections.correct, name="correct"),
]
