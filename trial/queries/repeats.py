"""Whether a request came before: for who must find what is gone already after the first of two
presses.
"""

from trial.actors import Actor
from trial.models import RequestKey


def is_repeat(action: str, by: Actor, key: str | None) -> bool:
    """Whether this very request had its effect before. `action` is app.module.verb, as in
    trial.actions.once.
    """
    return bool(key) and RequestKey.objects.filter(person=str(by), action=action, key=key).exists()
