from django.urls import path

from outcomes.views import research

urlpatterns = [
    path("<slug:slug>/setup/wordings/", research.show_wordings, name="wordings"),
    path("<slug:slug>/setup/wordings/confirm/", research.confirm_wording, name="confirm_wording"),
]
