from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class TrialConfig(AppConfig):
    name = "trial"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Grant is a model kept out of trial.models: whoever imports it is named in the import
        # contracts.
        from trial import checks, grants, stamp  # noqa: F401

        connection_created.connect(stamp.check_keys, dispatch_uid="trial.check_keys")
        pre_migrate.connect(
            stamp.check_keys_before_migrating, sender=self, dispatch_uid="trial.check_keys"
        )
        post_migrate.connect(
            stamp.prepare_database, sender=self, dispatch_uid="trial.prepare_database"
        )
