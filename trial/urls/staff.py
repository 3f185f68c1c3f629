from django.urls import path

from trial.views import staff

urlpatterns = [
    path("agreements/", staff.agreements, name="agreements"),
    path("agreements/<int:number>/", staff.agreement, name="agreement"),
]
