"""Every error that the API answers with: what was raised -> status, code and words.

Errors of other apps are named by string, as in settings. Their words say what to do, and no more
than the error's name tells: no answer, no address, no arm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from trial.words import MAIL_AWAY

BAD_REQUEST = 400
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
GONE = 410
TOO_LARGE = 413
UNPROCESSABLE = 422
LOCKED, TOO_MANY, FAULT, UNAVAILABLE = 423, 429, 500, 503


@dataclass(frozen=True)
class Named:
    status: int
    code: str
    words: Any


_OVER = _("This is over, or was done already.")
TOO_MUCH = _("What was sent is too large.")
UNFINISHED = _("Something is missing or cannot be read.")
CATALOGUE: Mapping[str, Named] = {
    "trial.actions.once.KeyReused": Named(
        CONFLICT, "key_reused", _("This Idempotency-Key was used before, with other content.")
    ),
    "trial.accepted.NotAccepted": Named(BAD_REQUEST, "invalid", UNFINISHED),
    "trial.lifecycles.NotAllowedNow": Named(
        CONFLICT, "not_allowed_now", _("There is no such step from here.")
    ),
    "trial.actions.participants.NotRecruiting": Named(
        CONFLICT, "not_recruiting", _("This study takes no newcomers now.")
    ),
    "trial.actions.participants.AddressInUse": Named(
        CONFLICT,
        "address_in_use",
        _("You are known here already: you can sign in with this address."),
    ),
    "trial.sealed_files.NotWhole": Named(
        GONE, "file_damaged", _("This file is missing or damaged. Ask for it again.")
    ),
    "trial.mail.DoorShut": Named(UNAVAILABLE, "mail_away", MAIL_AWAY),
    "trial.actions.mailcodes.TooManyCodes": Named(
        TOO_MANY,
        "too_many_codes",
        _("We sent several codes already. Wait an hour, then ask for a new one."),
    ),
    "trial.actions.participants.NotAskedNow": Named(CONFLICT, "not_asked_now", _OVER),
    "trial.actions.participants.NotCorrectable": Named(
        CONFLICT, "not_correctable", _("This answer cannot be corrected.")
    ),
    "trial.actions.own_details.LanguageNotOpen": Named(
        BAD_REQUEST, "language_not_open", _("This study is not in that language.")
    ),
    "trial.actions.own_details.SameNumber": Named(
        CONFLICT, "same_number", _("This is the number that we have already.")
    ),
    "trial.actions.own_details.UnknownZone": Named(
        BAD_REQUEST, "unknown_zone", _("This is not a time zone, such as Europe/Amsterdam.")
    ),
    "trial.actions.own_details.SameZone": Named(
        CONFLICT, "same_zone", _("This is the time zone that we have already.")
    ),
    "trial.actions.own_address.SameName": Named(
        CONFLICT, "same_name", _("This is the name that we have already.")
    ),
    "trial.actions.own_address.SameAddress": Named(
        CONFLICT, "same_address", _("This is the address that we have already.")
    ),
    "trial.actions.own_address.LinkOver": Named(GONE, "link_over", _OVER),
    "trial.actions.drafts.AlreadySent": Named(CONFLICT, "already_sent", _OVER),
    "trial.actions.drafts.NobodyThere": Named(GONE, "nobody_there", _OVER),
    "trial.actions.drafts.TooLong": Named(BAD_REQUEST, "draft_too_long", TOO_MUCH),
    "trial.actions.participants.NotVerified": Named(
        CONFLICT, "not_verified", _("Your address is not checked yet.")
    ),
    "trial.actions.participants.StatementsMissing": Named(
        BAD_REQUEST, "statements_missing", _("Every statement must be agreed to.")
    ),
    "trial.actions.participants.ComprehensionMissing": Named(
        BAD_REQUEST,
        "comprehension_missing",
        _("Every question about the letter must be answered rightly first."),
    ),
    "trial.actions.participants.SignatureMissing": Named(
        BAD_REQUEST, "signature_missing", _("Write your full name.")
    ),
    "trial.actions.participants.NotACode": Named(
        BAD_REQUEST, "reason_not_a_code", _("Choose a reason from the list.")
    ),
    "trial.actions.programme.ModuleNotOpen": Named(
        CONFLICT, "module_not_open", _("This lesson is not open now.")
    ),
    "trial.actions.programme.UnknownExercise": Named(
        NOT_FOUND, "unknown_exercise", _("This lesson has no such exercise.")
    ),
    "trial.actions.programme.NotBegun": Named(
        CONFLICT, "module_not_begun", _("Begin the lesson first.")
    ),
    "trial.actions.programme.NotReopenable": Named(
        CONFLICT,
        "module_not_reopenable",
        _("This lesson stays done: the next one was begun, or it was the last."),
    ),
    "trial.actions.messages.NothingToSend": Named(
        CONFLICT, "nothing_to_send", _("There is nothing to send to this person again.")
    ),
    "trial.actions.alerts.NothingDone": Named(
        BAD_REQUEST, "nothing_done", _("Say what was done; an alert is not closed without it.")
    ),
    "trial.actions.alerts.NotTaken": Named(
        CONFLICT, "alert_not_taken", _("Take the alert over first.")
    ),
    "trial.actions.alerts.TakenMeanwhile": Named(
        CONFLICT,
        "alert_taken_meanwhile",
        _("Somebody else has this alert than you named as its holder."),
    ),
    "trial.actions.studies.NotInVersion": Named(
        BAD_REQUEST, "not_in_version", _("This is not in the newest version of the study.")
    ),
    "trial.actions.studies.AlreadyLoaded": Named(
        CONFLICT, "already_loaded", _("The newest version of this study is this very folder.")
    ),
    "trial.actions.studies.SlugTaken": Named(
        CONFLICT, "slug_taken", _("The public slug or the code prefix belongs to another study.")
    ),
    "trial.actions.studies.DesignLocked": Named(
        CONFLICT,
        "design_locked",
        _("The study is open: its design and its analysis plan cannot change any more."),
    ),
    "trial.actions.studies.NameLocked": Named(
        CONFLICT,
        "name_locked",
        _("The study is open: its public slug and code prefix cannot change any more."),
    ),
    "trial.actions.studies.NotReady": Named(
        CONFLICT, "not_ready", _("Something is still missing before this study takes people.")
    ),
    "trial.actions.studies.PauseFirst": Named(
        CONFLICT,
        "pause_first",
        _(
            "Something new in it is not signed off. Pause recruitment, load it, sign it off, then "
            "resume."
        ),
    ),
    "trial.actions.studies.FollowUpGoesOn": Named(
        CONFLICT,
        "follow_up_goes_on",
        _("People are still being followed; lock when the last questions are behind them."),
    ),
    "trial.actions.tokens.TokenTooLong": Named(
        BAD_REQUEST, "too_long", _("A token works for 1 to 90 days.")
    ),
    "trial.actions.tokens.NotTheirs": Named(GONE, "token_over", _("This token is over.")),
    "trial.actions.staff.UnknownRole": Named(
        BAD_REQUEST, "unknown_role", _("There is no such role.")
    ),
    "trial.actions.staff.AlreadyInvited": Named(
        CONFLICT,
        "already_invited",
        _("Invited to this role already. Withdraw that invitation first to send another."),
    ),
    "trial.actions.staff.HasRole": Named(CONFLICT, "has_role", _("Has this role already.")),
    "trial.actions.staff.WouldUnblind": Named(
        CONFLICT,
        "would_unblind",
        _(
            "Whoever assesses or analyses cannot also coach or supervise in this study, and a "
            "researcher is not the statistician."
        ),
    ),
    "trial.actions.staff.NotKnowingly": Named(
        CONFLICT,
        "not_knowingly",
        _(
            "A researcher who coaches or supervises knows the arms of those who are called. Say "
            "that you know this."
        ),
    ),
    "trial.actions.staff.InvitationNotValid": Named(
        GONE, "invitation_not_valid", _("This invitation is over.")
    ),
    "trial.folder.problems.FolderErrors": Named(
        UNPROCESSABLE,
        "folder_errors",
        _("Nothing was stored. Put right what is listed and load it again."),
    ),
    "outcomes.actions.assessments.NotOpenNow": Named(
        CONFLICT,
        "not_open_now",
        _("This questionnaire is not open: not yet, not any more, or answered already."),
    ),
    "outcomes.actions.screening.NotScreening": Named(
        CONFLICT, "not_screening", _("The screening is over.")
    ),
    "outcomes.scoring.UnknownItem": Named(
        BAD_REQUEST, "unknown_item", _("This questionnaire has no such item.")
    ),
    "outcomes.scoring.AnswerOutsideOptions": Named(
        BAD_REQUEST, "answer_outside_options", _("An answer is not one of the options.")
    ),
    "randomisation.actions.proofs.ListsConcealed": Named(
        CONFLICT,
        "lists_concealed",
        _("What every draw can be made from again is given out once the study is locked."),
    ),
    "randomisation.actions.allocations.AlreadyRandomised": Named(
        CONFLICT, "already_randomised", _("This person is randomised already; that never changes.")
    ),
    "randomisation.actions.allocations.NotEligible": Named(
        CONFLICT,
        "not_eligible",
        _("Only somebody who consented and whose baseline is complete is randomised."),
    ),
    "randomisation.actions.allocations.RandomisationPaused": Named(
        LOCKED,
        "randomisation_paused",
        _("Nobody is randomised now. Ask again when the study goes on."),
    ),
    "randomisation.methods.rule.ListExhausted": Named(
        LOCKED,
        "list_exhausted",
        _("Every place of the list is taken: nobody is randomised until there is a new one."),
    ),
    "randomisation.words.UnknownReason": Named(
        BAD_REQUEST, "unknown_reason", _("Choose a reason from the list.")
    ),
    "randomisation.words.NoteMissing": Named(
        BAD_REQUEST, "note_missing", _("Say in your words why")
    ),
    "randomisation.actions.exceptions.ValueNotAllowed": Named(
        BAD_REQUEST,
        "value_not_allowed",
        _("This is no factor of the allocation, or its question has no such answer."),
    ),
    "randomisation.actions.exceptions.SameValues": Named(
        CONFLICT,
        "nothing_put_right",
        _("This says what stands there already: change something, or go back."),
    ),
    "randomisation.actions.exceptions.AlreadyMarked": Named(
        CONFLICT, "already_marked", _("This allocation is marked already.")
    ),
    "randomisation.actions.exceptions.UnknownTreatment": Named(
        BAD_REQUEST, "unknown_treatment", _("Choose an answer from the list.")
    ),
    "randomisation.actions.exceptions.Erased": Named(
        CONFLICT,
        "erased",
        _("This person is erased: choose a reason from the list, and leave the words out."),
    ),
    "trial.actions.proposals.AlreadyProposed": Named(
        CONFLICT, "already_proposed", _("The same was asked before and waits for a second person.")
    ),
    "trial.actions.proposals.AlreadyDecided": Named(
        CONFLICT, "already_decided", _("This was decided already, or its time is over.")
    ),
    "trial.actions.proposals.SamePerson": Named(
        CONFLICT, "same_person", _("Whoever asked cannot agree as well: somebody else has to.")
    ),
    "trial.actions.proposals.NotSecond": Named(
        CONFLICT,
        "not_second",
        _(
            "You can say no, but not agree: that takes somebody who had a role before the first "
            "allocation or for 14 days, "
            "whom the person who asks did not invite."
        ),
    ),
    "trial.actions.lost_mailbox.NoNumber": Named(
        CONFLICT,
        "no_number",
        _("There is no phone number on record at which a second person could call this person."),
    ),
    "trial.actions.lost_mailbox.StoppedLately": Named(
        CONFLICT,
        "stopped_lately",
        _(
            "The old address stopped the last one less than seven days ago. Until they are over no "
            "other can be asked for."
        ),
    ),
    "trial.actions.lost_mailbox.NobodySecond": Named(
        CONFLICT,
        "nobody_second",
        _(
            "Nobody on the staff could be the second person: that takes somebody who had a role "
            "before the first allocation or "
            "for 14 days and whom you did not invite, and one of the two is a supervisor."
        ),
    ),
    "trial.actions.lost_mailbox.AddressOfStaff": Named(
        CONFLICT,
        "address_of_staff",
        _("This is the address of somebody who works here. A participant has one of their own."),
    ),
    "trial.actions.lost_mailbox.NotCalled": Named(
        CONFLICT,
        "not_called",
        _(
            "Show the number on record, call it and speak with the person first. Then say here "
            "that you did."
        ),
    ),
    "trial.actions.lost_mailbox.OtherAddress": Named(
        CONFLICT,
        "other_address",
        _(
            "This is not the address that was asked for. Let the person spell it once more. If it "
            "stays another one, say no: "
            "then it can be asked for anew."
        ),
    ),
    "randomisation.actions.forced.NotForced": Named(
        CONFLICT,
        "not_forced",
        _("Only for somebody who consented and is not allocated, while the study allocates."),
    ),
    "randomisation.actions.forced.UnknownArm": Named(
        BAD_REQUEST, "unknown_arm", _("The study has no such arm.")
    ),
    "randomisation.actions.forced.CapReached": Named(
        CONFLICT,
        "cap_reached",
        _("The study allows no more forced allocations, in all or at this site."),
    ),
    "randomisation.actions.code_breaks.NotAgreed": Named(
        CONFLICT, "not_agreed", _("No second person has agreed to this.")
    ),
    "randomisation.actions.code_breaks.NotWhoAsked": Named(
        CONFLICT, "not_theirs", _("The arm is shown to whoever asked, and to nobody else.")
    ),
    "randomisation.actions.code_breaks.AlreadyShown": Named(
        CONFLICT, "already_shown", _("The arm was shown already. Ask again if it is needed again.")
    ),
    "randomisation.actions.code_breaks.NothingWritten": Named(
        BAD_REQUEST, "nothing_written", _("Fill this in")
    ),
    "randomisation.actions.matches.PossibleDuplicate": Named(
        CONFLICT,
        "possible_duplicate",
        _("Somebody who is allocated has the same phone number; staff look first."),
    ),
    "randomisation.actions.matches.NotHeld": Named(
        CONFLICT,
        "not_held",
        _("Nothing to decide: there is no such match, or it was looked into already."),
    ),
    "randomisation.actions.matches.UnknownVerdict": Named(
        BAD_REQUEST, "unknown_verdict", _("Choose an answer from the list.")
    ),
    "randomisation.actions.switches.UnknownTarget": Named(
        BAD_REQUEST, "unknown_target", _("There is no such part of this study.")
    ),
    "randomisation.actions.switches.NothingSwitched": Named(
        CONFLICT, "nothing_switched", _("This stands so already.")
    ),
    "coaching_protocol.actions.calls.ContactOver": Named(CONFLICT, "contact_over", _OVER),
    "coaching_protocol.actions.calls.NotStarted": Named(
        CONFLICT, "call_not_started", _("Start the call first; a call is logged once.")
    ),
    "coaching_protocol.actions.calls.NotLogged": Named(
        CONFLICT, "call_not_logged", _("Log the call first; only what was logged can be corrected.")
    ),
    "coaching_protocol.actions.calls.NothingCorrected": Named(
        CONFLICT,
        "nothing_corrected",
        _("This says what stands there already: change something, or go back."),
    ),
    "coaching_protocol.actions.calls.AlreadyLogged": Named(
        CONFLICT, "already_logged", _("This call is logged: correct its log.")
    ),
    "coaching_protocol.actions.calls.LogFirst": Named(
        CONFLICT, "log_first", _("This call was started: log it first.")
    ),
    "coaching_protocol.actions.plans.NotACoach": Named(
        BAD_REQUEST, "not_a_coach", _("This person does not coach in this study.")
    ),
    "coaching_protocol.actions.plans.SameCoach": Named(
        CONFLICT, "same_coach", _("This is the coach they have now: choose another")
    ),
    "randomisation.actions.annexes.Concealed": Named(
        CONFLICT,
        "sealed",
        _("The study has opened: what is sealed is given out again once it is locked."),
    ),
    "reports.actions.reports.ArmsConcealed": Named(
        CONFLICT, "arms_concealed", _("A report by arm can be made once the study is locked.")
    ),
    "reports.actions.reports.UnknownLanguage": Named(
        BAD_REQUEST, "unknown_language", _("There is no report in this language.")
    ),
    "reports.queries.dataset.NobodyRandomised": Named(
        CONFLICT, "nobody_randomised", _("Nobody is randomised yet: there is nothing to report.")
    ),
}


def find(error: Exception) -> Named | None:
    names = (f"{each.__module__}.{each.__qualname__}" for each in type(error).__mro__)
    return next((CATALOGUE[name] for name in names if name in CATALOGUE), None)
