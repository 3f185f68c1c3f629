"""The design of a study's randomisation, in the researcher's room."""

from django.urls import path

from randomisation.views import design

urlpatterns = [
    path("<slug:slug>/randomisation/design/", design.design, name="design"),
    path("<slug:slug>/randomisation/design/table.csv", design.design_table, name="design_table"),
    path(
        "<slug:slug>/randomisation/design/protocol.<slug:language>.<slug:kind>", design.design_text, name="design_text"
    ),
    path("<slug:slug>/randomisation/design/annex/", design.design_annex, name="design_annex"),
]
