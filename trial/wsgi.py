import os

from django.core.wsgi import get_wsgi_application

from trial import environment

environment.answering_people(os.environ)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trial.settings")
application = get_wsgi_application()

from trial import stamp  # noqa: E402  (only now are there apps)

stamp.open_once()
