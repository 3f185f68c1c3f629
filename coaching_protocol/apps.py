from django.apps import AppConfig


class CoachingProtocolConfig(AppConfig):
    name = "coaching_protocol"
    default_auto_field = "django.db.models.BigAutoField"
