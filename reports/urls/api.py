"""The API of reports and exports."""

from django.urls import path

from reports import api

urlpatterns = [
    path("studies/<slug:slug>/reports/", api.ReportsView.as_view(), name="reports"),
    path("studies/<slug:slug>/reports/<int:number>/", api.ReportView.as_view(), name="report"),
    path(
        "studies/<slug:slug>/reports/<int:number>/report.pdf",
        api.PdfView.as_view(),
        name="report_pdf",
    ),
    path(
        "studies/<slug:slug>/reports/<int:number>/report.html",
        api.HtmlView.as_view(),
        name="report_html",
    ),
    path(
        "studies/<slug:slug>/reports/<int:number>/results.json",
        api.ResultsView.as_view(),
        name="report_results",
    ),
    path("studies/<slug:slug>/exports/", api.ExportsView.as_view(), name="exports"),
    path("studies/<slug:slug>/exports/<int:number>/", api.ExportView.as_view(), name="export"),
    path(
        "studies/<slug:slug>/exports/<int:number>/export.zip",
        api.ArchiveView.as_view(),
        name="export_zip",
    ),
]
