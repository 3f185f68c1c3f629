from datetime import date

import pytest
from django.utils import translation

from trial.words import short_day


@pytest.mark.parametrize(("language", "said"), [("en", "15 Oct 2026"), ("nl", "15 okt 2026")])
def test_a_short_month_has_a_capital_only_where_the_language_writes_one(language, said):
    with translation.override(language):
        assert short_day(date(2026, 10, 15)) == said
