from __future__ import annotations

import json
from typing import Any

from django.db import models

from trial import vault


class SealedJSONField(models.TextField):
    """Plain values under the master keys: the database alone does not tell them."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else vault.seal(json.dumps(value, sort_keys=True, separators=(",", ":")))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if value is None:
            return None
        # Rows from before the column was sealed hold the JSON itself; no token begins with a brace.
        return json.loads(value if value.startswith("{") else vault.unseal(value))
