from trial.models.accounts import ApiToken, Invitation, Membership, User
from trial.models.codes import DoorMail, WaitingMail
from trial.models.drafts import Draft
from trial.models.jobs import Job, JobFile
from trial.models.participants import AddressChange, Consent, Identity, Participant, PersonKey
from trial.models.programme import ExerciseAnswer, ModuleUse
from trial.models.proposals import Decision, Proposal
from trial.models.record import (
    AuditEvent,
    AuditHead,
    AuditSeal,
    AuditSealedHead,
    FailedSignIns,
    Stamp,
)
from trial.models.studies import Confirmation, ProtocolText, ProtocolVersion, Study
from trial.models.work import Alert, Journey, MailHost, Message, Milestone, MonthlyShare, RequestKey

__all__ = [
    "AddressChange",
    "Alert",
    "ApiToken",
    "AuditEvent",
    "AuditHead",
    "AuditSeal",
    "AuditSealedHead",
    "Confirmation",
    "Consent",
    "Decision",
    "DoorMail",
    "Draft",
    "ExerciseAnswer",
    "FailedSignIns",
    "Identity",
    "Invitation",
    "Job",
    "JobFile",
    "Journey",
    "MailHost",
    "Membership",
    "Message",
    "Milestone",
    "ModuleUse",
    "MonthlyShare",
    "Participant",
    "PersonKey",
    "Proposal",
    "ProtocolText",
    "ProtocolVersion",
    "RequestKey",
    "Stamp",
    "Study",
    "User",
    "WaitingMail",
]
