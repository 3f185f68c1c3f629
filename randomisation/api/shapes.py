"""What the endpoints of exceptions take and answer. No answer but that of a code-break holds an
arm.
"""

from __future__ import annotations

from rest_framework import serializers

from randomisation.words import LEVELS, REASONS, VERDICTS


def why(what: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=list(REASONS[what]))


class About(serializers.Serializer):
    point = serializers.CharField(
        default="start", help_text="Point of randomisation: start, or a stage."
    )
    note = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=2000,
        help_text="In words; kept under the person's key.",
    )


class Correct(About):
    values = serializers.DictField(
        child=serializers.CharField(), help_text="Factor -> right value."
    )  # type: ignore[assignment]
    reason = why("correction")


class Mark(About):
    reason = why("error_mark")


class Ineligible(About):
    reason = why("ineligible")


class Received(About):
    received = serializers.CharField(help_text="An arm, or other.")
    reason = why("received")


class Force(serializers.Serializer):
    note = serializers.CharField(default="", allow_blank=True, max_length=2000)
    arm = serializers.CharField()
    reason = why("forced")


class BreakCode(About):
    reason = why("code_break")
    emergency = serializers.BooleanField(
        default=False, help_text="The arm at once, and an alert to the others."
    )
    drill = serializers.BooleanField(
        default=False, help_text="Everything happens, and no arm is shown."
    )


class Settle(serializers.Serializer):
    verdict = serializers.ChoiceField(choices=list(VERDICTS))


class Impact(serializers.Serializer):
    text = serializers.CharField(
        max_length=2000, help_text="Without the arm; kept under the person's key."
    )


class Switch(serializers.Serializer):
    level = serializers.ChoiceField(choices=list(LEVELS))
    target = serializers.CharField(default="", allow_blank=True)
    point = serializers.CharField(default="", allow_blank=True)
    halted = serializers.BooleanField()
    reason = serializers.CharField(help_text="A code from the list for halting, or for going on.")


class SwitchShape(serializers.Serializer):
    level = serializers.CharField()
    target = serializers.CharField()
    point = serializers.CharField()
    halted = serializers.BooleanField(source="is_halted")
    reason = serializers.CharField()
    by = serializers.CharField()
    role = serializers.CharField()
    at = serializers.DateTimeField()


class ProposalShape(serializers.Serializer):
    number = serializers.IntegerField(source="pk")
    kind = serializers.CharField(help_text="error_mark, code_break or forced.")
    participant = serializers.CharField(source="participant.code")
    point = serializers.CharField()
    reason = serializers.CharField()
    drill = serializers.BooleanField(source="is_drill")
    by = serializers.CharField()
    at = serializers.DateTimeField()


class DecisionShape(serializers.Serializer):
    proposal = ProposalShape()
    agreed = serializers.BooleanField(source="is_agreed")
    by = serializers.CharField()
    at = serializers.DateTimeField()


class FactShape(serializers.Serializer):
    participant = serializers.CharField(source="participant.code")
    point = serializers.CharField()
    reason = serializers.CharField()
    by = serializers.CharField()
    at = serializers.DateTimeField()


class CorrectionShape(FactShape):
    values = serializers.DictField(child=serializers.CharField())  # type: ignore[assignment]
    counts_from = serializers.IntegerField()


class CodeBreakShape(FactShape):
    number = serializers.IntegerField(source="pk")
    agreed_by = serializers.CharField(allow_blank=True)
    emergency = serializers.BooleanField(source="is_emergency")
    drill = serializers.BooleanField(source="is_drill")


class RevealedShape(serializers.Serializer):
    code_break = CodeBreakShape()
    arm = serializers.CharField(allow_blank=True, help_text="Empty in a drill.")
    proof = serializers.JSONField(
        allow_null=True,
        help_text="Position, salt and path from the allocation to the published root, where there "
        "is one.",
    )


class AskedShape(serializers.Serializer):
    """Either what waits for a second person, or, in an emergency, the answer."""

    proposal = ProposalShape(allow_null=True)
    revealed = RevealedShape(allow_null=True)


class MatchShape(serializers.Serializer):
    participant = serializers.CharField(source="participant.code")
    verdict = serializers.CharField()
    by = serializers.CharField()
    at = serializers.DateTimeField()


class ImpactShape(serializers.Serializer):
    code_break = serializers.IntegerField(source="code_break_id")
    by = serializers.CharField()
    at = serializers.DateTimeField()
