"""What is due, and entering it, in the assessor's room."""

from django.urls import path

from outcomes.views import assessor

urlpatterns = [
    path("", assessor.due, name="due"),
    path("<slug:slug>/<str:code>/help/", assessor.help_first, name="help"),
    path(
        "<slug:slug>/<str:code>/<slug:timepoint>/<slug:instrument>/", assessor.enter, name="enter"
    ),
]
