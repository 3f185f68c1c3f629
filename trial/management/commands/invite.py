"""`manage.py invite E-MAIL --role ROLE [--study SLUG]`: starts an installation, or gives a study
its first people.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils import timezone

from trial import contact_details, permissions, stamp
from trial.actions import staff
from trial.actors import Actor
from trial.models import Invitation, Study


class Command(BaseCommand):
    help = (
        "Invite somebody by mail to a role. Without a study, a researcher who may load studies. In "
        "a live study a second "
        "person has to agree, but for the first of each role before the first allocation; where "
        "nobody can, it waits 24 hours."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="E-MAIL")
        parser.add_argument("--role", required=True, choices=list(permissions.ROLES))
        parser.add_argument(
            "--study", metavar="SLUG", help="the study; needed for every role but researcher"
        )

        parser.add_argument(
            "--knowingly",
            action="store_true",
            help="a researcher may also coach or supervise; the audit trail says so",
        )

    def handle(
        self, *args: Any, email: str, role: str, study: str | None, knowingly: bool, **options: Any
    ) -> None:
        try:
            email = contact_details.email_address(email)
        except contact_details.NotOneAddress:
            raise CommandError(f"{email!r} is no e-mail address") from None
        stamp.start()
        try:
            invitation = staff.invite(
                study=self._study(study, role),
                email=email,
                role=role,
                knowingly=knowingly,
                by=Actor("system", "invite"),
                at=timezone.now(),
            )
            if invitation.offered_at is None:
                return self._waits(invitation)
            says = "The worker mails this link, which works once until"
        except (
            staff.AlreadyInvited
        ) as error:  # who has lost the mail asks again: the link is the same
            invitation, says = error.invitation, "Invited already; this link works once until"
            if invitation.offered_at is None:
                return self._waits(invitation)
        except (staff.HasRole, staff.WouldUnblind) as error:
            raise CommandError(f"{email} {error}") from None
        except staff.NotKnowingly as error:
            raise CommandError(f"{email} {error}; if it is to be so, add --knowingly") from None
        path = reverse("accept_invitation", args=[staff.token_of(invitation)])
        self.stdout.write(f"{says} {invitation.expires_at:%Y-%m-%d}:")
        self.stdout.write(settings.PUBLIC_URL + path)

    def _waits(self, invitation: Invitation) -> None:
        """The machine obeys the rule of two people too (docs/adr/0008)."""
        proposal = invitation.proposal
        assert proposal is not None
        self.stdout.write(
            f"All staff of {proposal.study} are told by mail. The link is mailed and printed here"
        )
        if proposal.passes_alone:
            self.stdout.write(
                f"after {proposal.until_at:%Y-%m-%d %H:%M} UTC: nobody of them can agree, each can "
                f"say no."
            )
        else:
            self.stdout.write(
                f"when a second person agrees, before {proposal.until_at:%Y-%m-%d %H:%M} UTC."
            )

    def _study(self, slug: str | None, role: str) -> Study | None:
        if slug is None:
            if role != "researcher":
                raise CommandError(f"a {role} works on a study: name it with --study")
            return None
        found = Study.objects.filter(slug=slug).first()
        if found is None:
            known = (
                ", ".join(Study.objects.order_by("slug").values_list("slug", flat=True)) or "none"
            )
            raise CommandError(f"there is no study {slug!r}; known: {known}")
        return found
