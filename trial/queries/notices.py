"""The words of mails to staff about roles and about what takes two people. No mail names a
participant.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from trial.entries import Mail
from trial.languages import in_language
from trial.models import Message, Proposal, Study, User
from trial.queries import proposals, roles, staff
from trial.words import word


def compose_two_people(message: Message, at: datetime) -> Mail | None:
    """Tells one of the staff what is asked; None when it was decided meanwhile."""
    number, person = _numbers(message)
    proposal = Proposal.objects.select_related("study", "invitation").get(pk=number)
    if hasattr(proposal, "decision"):
        return None
    with override(language(proposal.study)):
        until = both_clocks(proposal.until_at or at, proposal.study.current.protocol.timezone)
        if proposal.passes_alone:
            follows = _(
                "Nobody on the staff can be the second person. It takes effect on %(until)s unless "
                "one of you says no."
            )
        else:
            follows = _(
                "It takes a second person, who can agree until %(until)s. Each of you can say no."
            )
        return letter(
            proposal.study,
            person,
            _("%(title)s: something takes two people"),
            what(proposal, staff.names([proposal.by])),
            f"{follows % {'until': until}} {_('Say no if you do not know why this is asked.')}",
            settings.PUBLIC_URL + reverse("staff:agreement", args=[proposal.pk]),
            two_addresses(),
        )


def compose_role_given(message: Message, at: datetime) -> Mail | None:
    """Tells one of the staff that a role was given, and how."""
    number, person = _numbers(message)
    membership = roles.given_one(number)
    study = membership.study
    with override(language(study)):
        said = _("%(name)s (%(email)s) now works on the study as %(role)s.") % {
            "name": membership.user.full_name,
            "email": membership.user.email,
            "role": word(membership.role),
        }
        how = roles.how(membership, staff.names(roles.actors([membership])))
        return letter(
            study,
            person,
            _("%(title)s: a role was given"),
            said,
            _("How: %(how)s.") % {"how": how},
            _("If you did not expect this, ask whoever runs the study."),
            two_addresses(),
        )


def compose_address_over(message: Message, at: datetime) -> Mail | None:
    """Tells one of the staff that what two people agreed to did not take effect; why stands on the
    page alone. None for whoever may not read of it any more.
    """
    number, person = _numbers(message)
    proposal = Proposal.objects.select_related("study").get(pk=number)
    if person not in proposals.to_tell_of(proposal.study, "address"):
        return None
    with override(language(proposal.study)):
        return letter(
            proposal.study,
            person,
            _("%(title)s: a change of address did not take effect"),
            _(
                "Two people agreed that a participant signs in with another e-mail address. It is "
                "over, and did not change."
            ),
            settings.PUBLIC_URL + reverse("staff:agreement", args=[proposal.pk]),
        )


def what(proposal: Proposal, names: Mapping[str, str]) -> str:
    """What is asked and by whom, in one sentence."""
    who = roles.called(proposal.by, names)
    if proposal.kind == "lock":
        return _(
            "%(who)s asks to lock the data of the study, so that reports by arm can be made."
        ) % {"who": who}
    if proposal.kind == "address":  # whose stands on the page alone, since this is mailed
        return _("%(who)s asks that a participant signs in with another e-mail address.") % {
            "who": who
        }
    invitation = proposal.invitation
    asked = {"who": who, "email": invitation.email, "role": word(invitation.role)}
    return _("%(who)s asks that %(email)s works on the study as %(role)s.") % asked


def two_addresses() -> str:
    return _(
        "Nobody but you can know whether two addresses belong to one person: the software cannot."
    )


def both_clocks(moment: datetime, timezone: str) -> str:
    """A moment on the clock of the study, and in UTC for whoever is elsewhere."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d %H:%M} ({timezone}; {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"


def _numbers(message: Message) -> tuple[int, int]:
    """What it is about, and to whom it goes."""
    about, person = message.subject_ref.split()
    return int(about), int(person)


def language(study: Study) -> str:
    return study.current.protocol.languages[0]


def letter(study: Study, person: int, subject: str, *paragraphs: str) -> Mail | None:
    """A mail to one of the staff, with %(title)s in `subject`; None for whoever has no account any
    more.
    """
    protocol = study.current.protocol
    address = User.objects.filter(pk=person, is_active=True).values_list("email", flat=True).first()
    if not address:
        return None
    title = in_language(protocol.public_title, language(study))
    body, replies = "\n\n".join(paragraphs) + "\n", protocol.contacts.team.email
    return Mail(
        address,
        subject % {"title": title},
        body,
        in_language(protocol.sender, language(study)),
        replies,
    )
