"""The API of randomising, of a design before it is locked, and of exceptions."""

from django.urls import path

from randomisation.api import allocations, code_breaks, design, exceptions

STUDY = "studies/<slug:slug>/"
ONE = f"{STUDY}participants/<str:code>/"
urlpatterns = [
    path(
        f"{STUDY}randomisation/exports/",
        allocations.ExportsView.as_view(),
        name="randomisation_exports",
    ),
    path(
        f"{STUDY}randomisation/exports/<int:number>/",
        allocations.ExportView.as_view(),
        name="randomisation_export",
    ),
    path(
        f"{STUDY}randomisation/exports/<int:number>/randomisation.json",
        allocations.ExportFileView.as_view(),
        name="randomisation_export_json",
    ),
    path(
        f"{STUDY}randomisation/assessment/",
        design.AssessmentView.as_view(),
        name="randomisation_assessment",
    ),
    path(f"{STUDY}randomisation/annex/", design.AnnexView.as_view(), name="randomisation_annex"),
    path(
        f"{STUDY}points/<slug:point>/allocations/",
        allocations.AllocationsView.as_view(),
        name="allocations",
    ),
    path(f"{STUDY}switches/", exceptions.SwitchesView.as_view(), name="switches"),
    path(f"{ONE}corrections/", exceptions.CorrectionsView.as_view(), name="corrections"),
    path(f"{ONE}error-marks/", exceptions.MarksView.as_view(), name="error_marks"),
    path(f"{ONE}ineligible/", exceptions.IneligibleView.as_view(), name="ineligible"),
    path(f"{ONE}treatment-received/", exceptions.ReceivedView.as_view(), name="treatment_received"),
    path(f"{ONE}forced-allocation/", exceptions.ForceView.as_view(), name="forced_allocation"),
    path(f"{ONE}same-person/", exceptions.SettleView.as_view(), name="same_person"),
    path(f"{ONE}code-break/", code_breaks.CodeBreakView.as_view(), name="code_break"),
    path(
        f"{STUDY}proposals/<int:number>/decision/",
        code_breaks.DecisionView.as_view(),
        name="decision",
    ),
    path(f"{STUDY}proposals/<int:number>/show/", code_breaks.ShowView.as_view(), name="show_arm"),
    path(
        f"{STUDY}code-breaks/<int:number>/impact/", code_breaks.ImpactView.as_view(), name="impact"
    ),
]
