"""The way in. A study stands in the address by its neutral name."""

from django.urls import URLPattern, path

from trial.views.join import consent, contact, information, leaving

urlpatterns: list[URLPattern] = [
    path("<slug:slug>/", information.information, name="information"),
    path("<slug:slug>/begin/", information.begin, name="begin"),
    path("<slug:slug>/anew/", information.anew, name="anew"),
    path("<slug:slug>/go-on/", information.onward, name="onward"),
    path("<slug:slug>/one-moment/", information.held_up, name="held_up"),
    path("<slug:slug>/contact/", contact.contact, name="contact"),
    path("<slug:slug>/contact/code/", contact.code, name="code"),
    path("<slug:slug>/contact/code/again/", contact.code_again, name="code_again"),
    path("<slug:slug>/consent/", consent.letter, name="consent"),
    path("<slug:slug>/consent/questions/", consent.questions, name="consent_questions"),
    path("<slug:slug>/consent/sign/", consent.sign, name="sign"),
    path("<slug:slug>/stop/", leaving.decline, name="decline"),
    path("<slug:slug>/thank-you/", leaving.turned_away, name="turned_away"),
    path("<slug:slug>/thank-you/correct/", leaving.correct, name="correct"),
    path("<slug:slug>/help/", leaving.help_now, name="help"),
]
