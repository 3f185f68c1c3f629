from django.apps import AppConfig


class RandomisationConfig(AppConfig):
    name = "randomisation"
    default_auto_field = "django.db.models.BigAutoField"
