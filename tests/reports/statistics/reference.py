"""Where the reference numbers and data stand. What may not be committed is found by
HANDVAT_REFERENCE_DATA.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

HERE = Path(__file__).resolve().parents[1] / "reference"


@functools.cache
def results(name: str) -> Any:
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def own(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / "own" / f"{name}.csv")


def borrowed(name: str) -> pd.DataFrame:
    path = Path(os.environ.get("HANDVAT_REFERENCE_DATA", "")) / f"{name}.csv"
    if "HANDVAT_REFERENCE_DATA" not in os.environ or not path.exists():
        pytest.skip(
            f"borrowed reference data {name}: set HANDVAT_REFERENCE_DATA to the folder that holds "
            f"it"
        )
    return pd.read_csv(path)
