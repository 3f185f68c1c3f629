from django.urls import path

from reports.views import research

urlpatterns = [
    path("<slug:slug>/reports/", research.report_list, name="reports"),
    path("<slug:slug>/reports/request/", research.request_report, name="request_report"),
    path("<slug:slug>/reports/<int:number>/", research.report, name="report"),
    path(
        "<slug:slug>/reports/<int:number>/screen/",
        research.report_on_screen,
        name="report_on_screen",
    ),
    path("<slug:slug>/reports/<int:number>/report.pdf", research.report_pdf, name="report_pdf"),
    path(
        "<slug:slug>/reports/<int:number>/results.json",
        research.report_results,
        name="report_results",
    ),
    path("<slug:slug>/reports/<int:number>/remove/", research.remove_report, name="remove_report"),
    path("<slug:slug>/exports/", research.export_list, name="exports"),
    path("<slug:slug>/exports/request/", research.request_export, name="request_export"),
    path("<slug:slug>/exports/<int:number>/", research.export, name="export"),
    path("<slug:slug>/exports/<int:number>/remove/", research.remove_export, name="remove_export"),
]
