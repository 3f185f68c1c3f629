"""What a database is for stands in itself, once and for all."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.emptied import lift_triggers
from trial import stamp, triggers
from trial.models import Stamp


@pytest.mark.django_db
def test_a_database_is_stamped_as_live_or_as_a_rehearsal_and_as_nothing_else(settings):
    lift_triggers()
    Stamp._base_manager.all().delete()
    settings.DATABASE_KIND = "nonsense"
    with pytest.raises(stamp.WrongDatabase, match="HANDVAT_KIND must be one of"):
        stamp.prepare_database()
    assert Stamp.objects.count() == 0
    settings.DATABASE_KIND = "rehearsal"
    stamp.prepare_database()
    assert (Stamp.objects.get().kind, triggers.missing(connection)) == ("rehearsal", [])
