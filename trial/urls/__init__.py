"""Root URLs. Other apps are named by string only; a room (participant, coach and so on) may be put
together from several apps.
"""

from django.urls import include, path

from trial.views import crisis, drafts, front, language, sign_in
from trial.views.participant import address

handler400 = "trial.api.errors.unreadable"
handler500 = "trial.api.errors.fault"
handler403 = "trial.api.errors.not_allowed"
handler404 = "trial.api.errors.not_found"

urlpatterns = [
    path("", front.front, name="front"),
    path("door/", front.door, name="door"),
    path("help/", crisis.help_now, name="help"),
    path("language/", language.switch, name="set_language"),
    path("drafts/", drafts.drafts, name="drafts"),
    path("invitation/<str:token>/", front.accept_invitation, name="accept_invitation"),
    path("address/<str:token>/", address.take_back, name="take_back_address"),
    path("account/login/code/", sign_in.ask, name="account_request_login_code"),
    path("account/login/code/confirm/", sign_in.enter, name="account_confirm_login_code"),
    path("account/password/reset/", sign_in.ask_for_password, name="account_reset_password"),
    path("account/", include("allauth.account.urls")),
    path("account/2fa/", include("allauth.mfa.urls")),
    path(
        "join/",
        include(
            (
                [path("", include("trial.urls.join")), path("", include("outcomes.urls.join"))],
                "join",
            )
        ),
    ),
    path(
        "participant/",
        include(
            (
                [
                    path("", include("trial.urls.participant")),
                    path("", include("outcomes.urls.participant")),
                    path("", include("coaching_protocol.urls.participant")),
                ],
                "participant",
            )
        ),
    ),
    path("coach/", include(("coaching_protocol.urls.coach", "coach"))),
    path("assessor/", include(("outcomes.urls.assessor", "assessor"))),
    path("staff/", include(("trial.urls.staff", "staff"))),
    path(
        "research/",
        include(
            (
                [
                    path("", include("trial.urls.research")),
                    path("", include("outcomes.urls.research")),
                    path("", include("coaching_protocol.urls.research")),
                    path("", include("randomisation.urls.research")),
                    path("", include("reports.urls.research")),
                ],
                "research",
            )
        ),
    ),
    path("api/v1/", include("trial.urls.api")),
]
