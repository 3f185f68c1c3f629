from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TrialConfig(AppConfig):
    name = "trial"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Grant is a model kept out of trial.models: whoever imports it is named in the import contracts.
        from trial import checks, grants  # noqa: F401
        from trial.stamp import prepare_database

        post_migrate.connect(prepare_database, dispatch_uid="trial.prepare_database")
