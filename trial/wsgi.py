import os

import django

from trial import environment

environment.answering_people(os.environ)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trial.settings")
django.setup(set_prefix=False)

from trial import entrance, stamp  # noqa: E402  (only now are there apps)

application = entrance.Entrance()
stamp.open_once()
entrance.warm_up()
