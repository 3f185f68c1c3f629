from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db import models

from trial import vault


class SealedJSONField(models.TextField):
    """Plain values under the master keys: the database alone does not tell them, nor by its length:
    that of 1 and 0 is another than that of 1/2 and 1/2, and would say which draws were certain.
    """

    padded: ClassVar[int] = 512  # characters; of what is longer, a multiple

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        text = written(value)
        return vault.seal(text.ljust(-(-len(text) // self.padded) * self.padded))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return opened(value)


class SealedHistoryField(SealedJSONField):
    """What a scope carries. It is longer the less is known of where its open block began, so no
    stratum may pass the one length (`randomisation.queries.histories`).
    """

    padded = 4096


def opened(value: str | None) -> Any:
    """A value of such a column, as the database has it."""
    return None if value is None else json.loads(vault.unseal(value))


def written(value: Any) -> str:
    """As it is before it is padded and sealed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
