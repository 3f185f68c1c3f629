from __future__ import annotations

import json
from typing import Any

from django.db import models

from trial import vault

PADDED = 512  # characters; of what is longer, a multiple


class SealedJSONField(models.TextField):
    """Plain values under the master keys: the database alone does not tell them, nor by its length:
    that of 1 and 0 is another than that of 1/2 and 1/2, and would say which draws were certain.
    """

    def get_prep_value(self, value: Any) -> Any:
        return (
            None
            if value is None
            else vault.seal(_padded(json.dumps(value, sort_keys=True, separators=(",", ":"))))
        )

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return opened(value)


def opened(value: str | None) -> Any:
    """A value of such a column, as the database has it."""
    return None if value is None else json.loads(vault.unseal(value))


def _padded(text: str) -> str:
    return text.ljust(-(-len(text) // PADDED) * PADDED)
