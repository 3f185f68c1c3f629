"""The seed: made from the operating system when a study opens, sealed, and committed to in
public.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.db import transaction

from randomisation import stream
from randomisation.models import SealedSeed
from randomisation.queries import design, lists
from trial import audit, stamp, vault
from trial.actors import Actor
from trial.models import Study


@transaction.atomic
def make(*, study: Study, rehearsal_seed: int | None = None, by: Actor, at: datetime) -> SealedSeed:
    """Make the study's seed once, and publish what it, the design and the lists are held to
    afterwards.

    A rehearsal's is derived from its number, so that it can be repeated; such a seed is refused in
    a live database, so test and live never share one.
    """
    found = SealedSeed.objects.filter(study=study).first()
    if found:
        return found
    seed = secrets.token_bytes(32) if rehearsal_seed is None else rehearsed(study, rehearsal_seed)
    version = study.current
    sealed = SealedSeed.objects.create(
        study=study,
        ciphertext=vault.seal(seed.hex()),
        commitment=stream.commitment(seed),
        design_digest=design.of(version).digest(seed),
        method=version.section("randomisation")["method"],
        merkle_root=lists.Committed(version, seed).root,
        made_at=at,
    )
    audit.record(
        study,
        "randomisation sealed",
        subject=f"version {version.number}",
        new={
            "commitment": sealed.commitment,
            "design": sealed.design_digest,
            "merkle_root": sealed.merkle_root,
        },
        by=by,
        at=at,
    )
    return sealed


def rehearsed(study: Study, number: int) -> bytes:
    stamp.check_kind("rehearsal")
    return hashlib.sha256(f"rehearsal|{study.slug}|{number}".encode()).digest()
