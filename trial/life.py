"""The entries of trial in the lists of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import override

from trial import audit
from trial.actions import drafts, grants, participants
from trial.actions.agreements import settle_due
from trial.actions.doormails import worked as hand_over_codes
from trial.actions.installation import keep
from trial.actions.jobs import make_due, sweep
from trial.actions.lost_mailbox import put_due_in_force
from trial.actions.messages import queue
from trial.actions.once import forget_request_keys
from trial.actions.own_address import can_be_taken_back
from trial.actions.own_address import stop as stop_change
from trial.actions.own_address import token_of as token_of_change
from trial.actions.staff import token_of
from trial.actors import SYSTEM, Actor
from trial.entries import Ask, Destination, Done, Mail, Outcome, Task, Wait
from trial.hooks import Making
from trial.languages import in_language
from trial.models import (
    AddressChange,
    Alert,
    ApiToken,
    Draft,
    ExerciseAnswer,
    Invitation,
    Job,
    Message,
    Participant,
    ProtocolVersion,
    Study,
)
from trial.queries import programme
from trial.queries.addresses import home_url, letter
from trial.queries.dashboard import panel_adherence, panel_alerts, panel_flow, panel_recruitment
from trial.queries.lost_mailboxes import LEFT, WAITS
from trial.queries.months import lessons as monthly_lessons
from trial.queries.months import mails as monthly_mails
from trial.queries.months import panel as panel_by_month
from trial.queries.notices import (
    both_clocks,
    compose_address_over,
    compose_role_given,
    compose_two_people,
)
from trial.queries.tables import intercurrent_events, tables
from trial.queries.verifications import PLACES
from trial.rehearsal import behave
from trial.sealed_files import Files
from trial.sections import section
from trial.words import word

__all__ = [
    "audit_verification",
    "behave",
    "call_times",
    "compose_address_asked",
    "compose_address_changed",
    "compose_address_over",
    "compose_alert",
    "compose_invitation",
    "compose_recruitment_closed",
    "compose_role_given",
    "compose_two_people",
    "consent",
    "erase",
    "forget_drafts",
    "forget_request_keys",
    "hand_over_codes",
    "intercurrent_events",
    "is_mailed_alike",
    "keep",
    "make_due",
    "monthly_lessons",
    "monthly_mails",
    "openings",
    "panel_adherence",
    "panel_alerts",
    "panel_by_month",
    "panel_flow",
    "panel_recruitment",
    "put_due_in_force",
    "recruitment",
    "requirements",
    "section",
    "settle_due",
    "sign_offs",
    "sweep",
    "tables",
    "today",
    "verification",
    "withdrawn",
]

UNANSWERED_AFTER = timedelta(days=30)  # as long as the baseline that comes next is open


def audit_verification(job: Job, by: Actor, at: datetime) -> Making:
    """Entry of settings.PRODUCTS: every place where the trail does not hold together. How many
    facts were compared is not said, since that hangs on the arms.
    """

    def make(files: Files) -> Callable[[], Mapping[str, str]]:
        places, seal = audit.verify(job.study), audit.newest_seal(job.study)
        if places:
            with files.file(PLACES) as out:
                out.write("\n".join(places).encode())
        return lambda: {"seal": seal, "places": str(len(places))}

    return make


def requirements(study: Study) -> list[str]:
    """Somebody owns every alert, and somebody looked at the crisis lines."""
    version = study.current
    protocol = version.protocol
    missing = []
    if protocol.contacts.safety is None:
        missing.append(_("contacts.safety in study.yaml is empty: say who owns every alert."))
    if not study.simulated:
        checked = set(
            version.confirmations.filter(kind="crisis_line").values_list("subject", flat=True)
        )
        missing += [
            _("Crisis line %(name)s was last checked on %(day)s: call or open it, then confirm it.")
            % {"name": line.name, "day": line.checked_on}
            for line in protocol.crisis_lines
            if line.name not in checked
        ]
    return missing


def sign_offs(version: ProtocolVersion) -> dict[tuple[str, str], str]:
    """Crisis lines, each to be called or opened by somebody. When the folder says it was checked is
    none of its content.
    """
    lines = version.protocol.crisis_lines
    return {
        ("crisis_line", line.name): line.model_dump_json(exclude={"checked_on", "chosen_here"})
        for line in lines
    }


def verification(participant: Participant, at: datetime) -> Outcome:
    """Step: an address, checked by a code."""
    if participant.state == "excluded":
        return Wait()
    if participant.verified_at:
        return Done()
    leads_to = Destination("join", "contact", (participant.study.public_slug,))
    return Ask(Task(title=_("How can we reach you?"), leads_to=leads_to, kind="join"))


def consent(participant: Participant, at: datetime) -> Outcome:
    """Step: the letter, the comprehension questions and the signature."""
    if participant.state == "excluded":
        return Wait()
    if participant.consented_at:
        return Done()
    leads_to = Destination("join", "consent", (participant.study.public_slug,))
    return Ask(Task(title=_("Decide whether you take part"), leads_to=leads_to, kind="join"))


def recruitment(participant: Participant, at: datetime) -> Outcome:
    """Step: once recruitment is closed nobody is allocated any more. Whoever signed before is told,
    and not left waiting.
    """
    if participant.randomised_at:
        return Done()
    if participant.state == "consented" and participant.study.state in ("closed", "locked"):
        participants.withdraw(
            participant=participant, reason=participants.TOO_LATE, by=SYSTEM, at=at
        )
        participant.reread()  # the steps after this one must see it
        queue(
            study=participant.study,
            participant=participant,
            kind=participants.TOO_LATE,
            subject_ref=participants.TOO_LATE,
            due_at=at,
            at=at,
        )
    return Wait()


def call_times(participant: Participant, at: datetime) -> Outcome:
    """Step: when somebody would rather be called; asked in every arm alike, before anybody knows
    the arm.
    """
    identity = getattr(participant, "identity", None)
    if (
        participant.randomised_at
        or not participant.is_in_study
        or identity is None
        or identity.call_times_sealed
    ):
        return Done()
    until = (participant.consented_at or at) + UNANSWERED_AFTER
    if until <= at:
        participants.withdraw(participant=participant, reason=participants.UNDONE, by=SYSTEM, at=at)
        participant.reread()  # the steps after this one must see it
        return Wait()
    leads_to = Destination("participant", "call_times")
    task = Task(
        title=_("When may we call you?"), leads_to=leads_to, kind="questionnaire", minutes=1
    )
    return Ask(task, until=until)


def openings(participant: Participant, at: datetime) -> Outcome:
    """Step: what was granted opens when its time has come."""
    if participant.state == "withdrawn":
        return Done()
    if participant.randomised_at is None:
        return Wait()
    all_open, until = grants.open_due(participant, at)
    return Done() if all_open else Wait(until)


def today(participant: Participant, at: datetime) -> list[Task]:
    """The lesson to go on with, or the next one and its day."""
    if not participant.is_in_study or participant.programme_stopped_at:
        return []
    for state in programme.modules(participant):
        if state.done_at:
            continue
        opens_at = state.opens_at or state.expected_at
        if opens_at is None or (state.opens_at is None and opens_at <= at):
            return []
        title = _("Go on with: %(title)s") if state.begun_at else _("Lesson %(number)s: %(title)s")
        return [
            Task(
                title=title % {"number": state.number, "title": state.title},
                leads_to=Destination("participant", "lesson", (state.code,)),
                kind="lesson",
                opens_at=opens_at,
                is_latest=state.is_latest,
                minutes=state.minutes,
                code=state.code,
            )
        ]
    return []


def is_mailed_alike(message: Message) -> bool:
    """To staff, before anybody is in an arm, or about what people of every arm do."""
    return True


def compose_alert(message: Message, at: datetime) -> Mail | None:
    """Tells the owner that there is an alert: no code, no name, no word of what it is about."""
    alert = Alert.objects.select_related("study").get(pk=int(message.subject_ref))
    safety = alert.study.current.protocol.contacts.safety
    if safety is None or alert.state == "closed":
        return None
    protocol = alert.study.current.protocol
    with override(protocol.languages[0]):
        said = _("An alert was raised and waits for you until %(deadline)s.")
        path = reverse("research:alerts", args=[alert.study.slug])
        deadline = both_clocks(alert.deadline_at, protocol.timezone)
        body = f"{said % {'deadline': deadline}}\n\n{settings.PUBLIC_URL}{path}\n"
        if alert.study.simulated:
            body = f"{_('Simulated people. Nobody needs help.')}\n\n{body}"
        subject = _("Alert %(number)s") % {"number": alert.pk}
    sender = protocol.sender[protocol.languages[0]]
    return Mail(
        to=safety.email,
        subject=subject,
        body=body,
        sender=sender,
        reply_to=protocol.contacts.team.email,
    )


def compose_recruitment_closed(message: Message, at: datetime) -> Mail | None:
    """Tells somebody who had signed that the study takes nobody any more, and that it was not their
    doing.
    """
    participant = message.participant
    if participant is None:
        return None
    with override(participant.language):
        return letter(
            participant,
            _("%(title)s: a message for you"),
            _(
                "Thank you for wanting to take part. The study has closed and takes nobody any "
                "more, so you cannot start."
            ),
            _(
                "This has nothing to do with you or with what you answered. We ask nothing more of "
                "you."
            ),
            _("On your page you can read who can help you now:"),
            home_url(),
        )


def compose_invitation(message: Message, at: datetime) -> Mail | None:
    """The link by which invited staff make their account."""
    invitation = Invitation.objects.get(pk=int(message.subject_ref))
    if invitation.accepted_at or invitation.withdrawn_at or invitation.expires_at <= at:
        return None
    path = reverse("accept_invitation", args=[token_of(invitation)])
    protocol = invitation.study.current.protocol if invitation.study else None
    body = (
        _("You are invited to work on a study as %(role)s.") % {"role": word(invitation.role)}
        if protocol
        else _("You are invited to Handvat, to load studies and run them.")
    )
    last_day = invitation.expires_at.astimezone(
        ZoneInfo(protocol.timezone) if protocol else UTC
    ).date()
    until = _("Open this link to make your account. It works once, until %(day)s:") % {
        "day": formats.date_format(last_day, "l j F Y")
    }
    return Mail(
        to=invitation.email,
        subject=_("Invitation"),
        body=f"{body} {until}\n\n{settings.PUBLIC_URL}{path}\n",
        reply_to=protocol.contacts.team.email if protocol else "",
    )


def compose_address_changed(message: Message, at: datetime) -> Mail | None:
    """To the old address: who reads that mailbox may not be who asked. None once it cannot be taken
    back, or all is erased.
    """
    made = AddressChange.objects.filter(
        pk=int(message.subject_ref), changed_at__isnull=False
    ).first()
    if made is None or not can_be_taken_back(made, at) or made.participant.erased_at:
        return None
    with override(made.participant.language):
        return _to_old_address(
            made,
            _("%(title)s: your address was changed"),
            _(
                "The e-mail address with which you sign in was changed. From now on messages go to "
                "the new one."
            ),
            _(
                "Was it you? Then you need not do anything. Was it not you? With this link you "
                "take it back, for seven days:"
            ),
        )


def compose_address_asked(message: Message, at: datetime) -> Mail | None:
    """To the address that may be lost: staff were asked for another. None once that is over or has
    taken effect.
    """
    made = AddressChange.objects.filter(pk=int(message.subject_ref)).first()
    if made is None or not made.is_waiting or made.due_at is None or made.participant.erased_at:
        return None
    with override(made.participant.language):
        local = max(made.due_at, at + WAITS).astimezone(ZoneInfo(made.participant.timezone))
        asked = _(
            "The study team was asked that you sign in with another e-mail address from now on."
        )
        changes = _(
            "It changes on %(day)s at %(time)s at the earliest, and not before somebody of the "
            "team has called you."
        )
        due = {"day": formats.date_format(local, "j F"), "time": formats.date_format(local, "H:i")}
        return _to_old_address(
            made,
            _("%(title)s: another address was asked for"),
            f"{asked} {changes % due}",
            _("Was it you? Then you need not do anything."),
            _("Was it not you, or do you still read this mailbox? With this link you stop it:"),
        )


def _to_old_address(made: AddressChange, subject: str, *paragraphs: str) -> Mail:
    """With the link that takes the change back, or stops it."""
    participant = made.participant
    protocol, language = participant.version.protocol, participant.language
    link = settings.PUBLIC_URL + reverse("take_back_address", args=[token_of_change(made)])
    return Mail(
        participant.unsealed(made.old_sealed),
        subject % {"title": in_language(protocol.public_title, language)},
        "\n\n".join([*paragraphs, link]),
        in_language(protocol.sender, language),
        protocol.contacts.team.email,
    )


def withdrawn(participant: Participant, at: datetime) -> None:
    stop_change(participant, LEFT, by=SYSTEM, at=at)
    grants.end_all(participant, at)


def erase(participant: Participant, at: datetime) -> None:
    """What a person wrote in exercises, what they and others typed about them and did not send,
    their call times, and what programs signed in with for them.
    """
    ApiToken.objects.filter(user=participant.user_id).delete()
    Draft.objects.filter(Q(about=participant) | Q(owner__participant=participant)).delete()
    ExerciseAnswer.objects.filter(participant=participant).delete()
    stop_change(participant, LEFT, by=SYSTEM, at=at)
    AddressChange.objects.filter(participant=participant).delete()
    Alert.objects.filter(participant=participant, state="closed").update(
        phone_sealed="", done_sealed=""
    )


def forget_drafts(at: datetime) -> int:
    """Entry of settings.WORKER: drafts that nobody came back for."""
    return drafts.forget_old(at)
