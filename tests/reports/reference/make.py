"""Cut the slices of the reference results that the tests use out of the full files: make.py
RESULTS_DIR.

The full files were made with R 4.2.2 (survival 3.5-3, emmeans 1.8.4; see README.md here).
"""

import json
import sys
from pathlib import Path


def slices(simple: dict, survival: dict) -> dict:
    visits = ["bdi_2m", "bdi_3m", "bdi_5m", "bdi_8m"]
    ancova = ("formula", "n", "df_resid", "sigma", "coef", "se", "p", "ci_lo", "ci_hi")
    tables = ("label", "x1", "n1", "x2", "n2", "wilson1", "wilson2")
    dropout = survival["btheb_dropout"]
    return {
        "ancova": {
            visit: {key: simple["ancova"][visit][key] for key in ancova} for visit in visits
        },
        "effect_sizes": {visit: simple["effect_sizes"][visit] for visit in visits},
        "two_by_two": [{key: row[key] for key in tables} for row in simple["two_by_two"]],
        "rci": simple["rci"]["btheb_8m"],
        "baseline_btheb": simple["baseline_btheb"],
        "btheb_dropout": {
            key: dropout[key] for key in ("label", "n", "events", "km_loglog", "quantiles")
        },
        "simulated_survival": {
            key: survival["simulated"][key] for key in ("n", "events", "km_loglog", "quantiles")
        },
        "tools": {"simple": simple[".tools"], "survival": survival[".tools"]},
    }


if __name__ == "__main__":
    source = Path(sys.argv[1])
    simple, survival = (
        json.loads((source / name).read_text()) for name in ("02_simple.json", "03_survival.json")
    )
    target = Path(__file__).with_name("simple.json")
    target.write_text(json.dumps(slices(simple, survival), indent=1, ensure_ascii=False) + "\n")
