"""A design's operating characteristics, its text for the protocol, and its sealed annex."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from randomisation.actions import annexes
from randomisation.assessment import Compared
from randomisation.queries import asking, comparison
from randomisation.sentences import cautions, protocol, rules
from trial import permissions
from trial.api import doors
from trial.api.described import reads, writes
from trial.models import Study
from trial.requests import Request
from trial.words import spoken


class EstimateShape(serializers.Serializer):
    value = serializers.FloatField()
    error = serializers.FloatField(help_text="The Monte-Carlo standard error; 0 for what is exact.")


class CharacteristicsShape(serializers.Serializer):
    n = serializers.IntegerField()
    strata = serializers.IntegerField()
    draws = serializers.IntegerField(help_text="Trials simulated; 0 where everything is exact.")
    correct = EstimateShape(help_text="The expected share of right guesses by 'fewer so far'.")
    deterministic = EstimateShape(help_text="The share of allocations that are certain.")
    imbalance = EstimateShape(
        help_text="The expected difference between the arms at the end, overall."
    )
    furthest = EstimateShape(help_text="The expected largest such difference on the way.")
    deviation = EstimateShape(help_text="The standard deviation of the difference at the end.")
    within = EstimateShape(help_text="The expected difference at the end in the average stratum.")
    within_furthest = EstimateShape(help_text="The largest on the way there.")
    lost = EstimateShape(help_text="People that the imbalance costs.")
    lost_within = EstimateShape(help_text="The same with a term for every stratum.")
    effect = serializers.FloatField(help_text="The planned standardised difference.")
    power = EstimateShape()
    balanced_power = serializers.FloatField()
    steps = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="The chance of each arm, in the order of the ratio, at the first allocations.",
    )
    off_ratio = serializers.FloatField(
        help_text="By how much such a chance is off the ratio, at most."
    )


class DesignShape(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]
    method = serializers.CharField()
    own = serializers.BooleanField(help_text="Whether it is the study's own.")
    characteristics = CharacteristicsShape(
        allow_null=True, help_text="Null where blocks are too many to go through."
    )


class CautionShape(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField()


class ProtocolItemShape(serializers.Serializer):
    spirit = serializers.CharField(help_text="Item of SPIRIT 2025.")
    consort = serializers.CharField(help_text="Item of CONSORT 2025.")
    title = serializers.CharField()
    text = serializers.CharField()


class AssessmentShape(serializers.Serializer):
    sealed = serializers.BooleanField(
        help_text="Whether figures are withheld: from other roles, and once it has opened."
    )
    commitment = serializers.CharField(help_text="Empty before the study opens.")
    designs = DesignShape(many=True)
    cautions = CautionShape(many=True)
    protocol = ProtocolItemShape(many=True, help_text="Holds no size, tolerance or chance.")


ASKED = [
    OpenApiParameter(
        "n", OpenApiTypes.INT, description="People; the study's own target where nothing is asked."
    ),
    OpenApiParameter(
        "effect", OpenApiTypes.NUMBER, description="The planned standardised difference."
    ),
    OpenApiParameter("blocks", OpenApiTypes.STR, description="Such as 4, 6, 4+6."),
    OpenApiParameter(
        "tolerances", OpenApiTypes.STR, description="Of a big stick, such as 2, 3, 4."
    ),
    OpenApiParameter("limits", OpenApiTypes.STR, description="Of a block urn, such as 3."),
    OpenApiParameter("coins", OpenApiTypes.STR, description="Of Efron's biased coin, such as 2/3."),
    OpenApiParameter(
        "minimisation", OpenApiTypes.STR, description="Chance of the best arm, such as 0.8."
    ),
]


class AssessmentView(APIView):
    @reads(
        "randomisation_assessment",
        "What the design does beside others, before the study opens",
        AssessmentShape,
        *ASKED,
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "dashboard")
        return Response(AssessmentShape(_assessed(request, study)).data)


def _assessed(request: Request, study: Study) -> dict[str, Any]:
    of, published = comparison.studied(study), comparison.commitment(study)
    answer = {
        "sealed": not _may_see(request, study),
        "commitment": published,
        "designs": [],
        "cautions": [],
        "protocol": protocol.items(comparison.described(of, spoken(), published)),
    }
    if not answer["sealed"]:
        asked = asking.read(comparison.asked_at_first(of), of.ratio, request.query_params.dict())
        found = comparison.cautions(of, asked)
        answer["designs"] = [_design(each) for each in comparison.compared(of, asked)]
        answer["cautions"] = [{"code": each.code, "text": cautions.in_full(each)} for each in found]
    elif study.state == "draft":
        found = comparison.cautions(of, comparison.asked_at_first(of))
        answer["cautions"] = [
            {"code": each.code, "text": cautions.in_short(each)} for each in found
        ]
    return answer


def _may_see(request: Request, study: Study) -> bool:
    return comparison.is_shown(study) and permissions.may(request.user, study, "load")


def _design(each: Compared) -> dict[str, Any]:
    return {
        "label": rules.in_full(each.plan),
        "method": each.plan["method"],
        "own": each.is_own,
        "characteristics": each.found,
    }


class AnnexShape(serializers.Serializer):
    text = serializers.CharField(
        help_text="The rule with its parameters. Not for anybody who enrols or assesses."
    )


class AnnexView(APIView):
    @writes(
        "randomisation_annex", "Take the sealed annex; who took it is recorded", None, AnnexShape
    )
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "load")
        if not comparison.is_shown(study):
            raise annexes.Concealed(study.state)
        language = spoken()
        annexes.give(
            study=study, language=language, key=doors.key(request), by=by, at=timezone.now()
        )
        return Response(
            {
                "text": protocol.annex(
                    comparison.described(comparison.studied(study), language), language
                )
            }
        )
