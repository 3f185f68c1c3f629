from django.urls import path

from trial.views import staff, tokens

urlpatterns = [
    path("agreements/", staff.agreements, name="agreements"),
    path("agreements/<int:number>/", staff.agreement, name="agreement"),
    path("agreements/<int:number>/number/", staff.show_number, name="show_number"),
    path("installation/", staff.installation_trail, name="installation"),
    path("tokens/", tokens.of_staff, name="tokens"),
    path("tokens/<int:number>/end/", tokens.end_of_staff, name="end_token"),
]
