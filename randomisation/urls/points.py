"""The API of randomising."""

from django.urls import path

from randomisation.api import allocations

urlpatterns = [
    path("studies/<slug:slug>/randomisation/export/", allocations.ExportView.as_view(), name="randomisation_export"),
    path(
        "studies/<slug:slug>/points/<slug:point>/allocations/",
        allocations.AllocationsView.as_view(),
        name="allocations",
    ),
]
