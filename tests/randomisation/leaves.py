"""Whether a leaf leads to the root, worked out here from the published format
(docs/verifying-randomisation.md).
"""

from __future__ import annotations

import hashlib


def leads_to(root: str, salt: bytes, slot, path) -> bool:
    """SHA-256(00, salt, what stood there), then SHA-256(01, left, right) for each step up."""
    reached = hashlib.sha256(b"\x00" + salt + slot.text.encode()).digest()
    for step in path:
        other = bytes.fromhex(step.hash)
        left, right = (other, reached) if step.side == "left" else (reached, other)
        reached = hashlib.sha256(b"\x01" + left + right).digest()
    return reached.hex() == root
