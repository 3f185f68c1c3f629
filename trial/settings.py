"""Settings. What differs between machines comes from the environment (trial/environment.py).

The ordered lists at the end are how the bottom app reaches upward: read them and you have read the
life of a participant.
"""

import os
from pathlib import Path

from csp.constants import NONE, SELF

from trial import environment, keys

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASES = {"default": environment.database(os.environ, BASE_DIR)}
FILES = environment.files(os.environ, DATABASES["default"], BASE_DIR)
PRODUCTION = environment.is_production(os.environ)
DEBUG = os.environ.get("HANDVAT_DEBUG") == "1" and not PRODUCTION
_told = keys.told(os.environ, DATABASES["default"]["NAME"])
SECRET_KEY = environment.secret(_told, "HANDVAT_SECRET_KEY")
FIELD_KEYS = environment.field_keys(_told)
HASH_KEY = environment.secret(_told, "HANDVAT_HASH_KEY")
AUDIT_KEYS = environment.audit_keys(_told)
WEAK_KEYS = environment.weaknesses(_told)  # why no live database is opened with these, if so
ALLOWED_HOSTS = os.environ.get("HANDVAT_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
PROXIES = environment.proxies(os.environ)
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS] if PRODUCTION else []

# What a database is for is stamped into it at its first migration; the commands of the other kind
# refuse it.
DATABASE_KIND = os.environ.get("HANDVAT_KIND", "live")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "trial",
    "outcomes",
    "randomisation",
    "coaching_protocol",
    "reports",
]

MIDDLEWARE = [
    "trial.proxies.Forwarded",
    "trial.mail_door.AfterTheAnswer",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "trial.intake.Intake",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "trial.audiences.SmallLetters",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "trial.audiences.SignInFirst",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "trial.audiences.AudienceDoor",
    # Looks for its token in the body, so it comes after the doors: nothing is read of what nobody
    # may send.
    "django.middleware.csrf.CsrfViewMiddleware",
    "trial.intake.AsTyped",
]

ROOT_URLCONF = "trial.urls"
WSGI_APPLICATION = "trial.wsgi.application"
AUTH_USER_MODEL = "trial.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "trial" / "templates"],  # found before allauth's own pages
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "trial.audiences.context",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

CACHES = {
    # Rate limits must hold across processes, so the cache is shared: a table of the same database.
    "default": {"BACKEND": "trial.memory.SharedMemory", "LOCATION": "shared_cache"}
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands")]  # each in its own words
LOCALE_PATHS = [BASE_DIR / "trial" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
# Where `manage.py serve` collected the files, compressed and under names that tell their content,
# so that a browser may keep them; without that (tests, runserver) they are served from where they
# lie.
STATIC_ROOT = os.environ.get("HANDVAT_STATIC") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# Accounts: staff sign in by e-mail and password (TOTP offered), participants by a code that is
# mailed (docs/adr/0015).
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "door"
ACCOUNT_ADAPTER = "trial.accounts.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_UNIQUE_EMAIL = True
# A class, a clinic or a ward has one address to the outside: what counts by address alone lets a
# room of people in.
ACCOUNT_RATE_LIMITS = {
    "login": "120/m/ip",
    # of a second factor, by whoever has the password; passwords: LIMITS
    "login_failed": "50/5m/ip,5/5m/key",
    "reset_password_from_key": "60/m/ip",
}
# counted by trial.limits: how many, in what time, by address (ip) or by what the code names (key)
LIMITS = {
    "password": "5/5m/key",  # wrong, for an account from an address
    "passwords": "50/5m/ip",  # wrong, from an address
    "password_in_known_browser": "5/5m/key",
    "password_with_second_factor": "5/5m/key",
    "token": "60/m/ip",
    "screening": "60/m/ip,300/h/ip",  # begun
    "mail_door": "60/m/ip,300/h/ip",  # opened for a code or a link, whoever it is for
    # Codes to sign in, codes that prove an address, and links to a new password: to one mailbox for
    # one who asks (an address or a known browser), and, in the plural, for all strangers together.
    # Six digits stand only as long as few can be tried: twenty codes an hour with five tries at
    # each are one chance in ten thousand.
    "code": "5/h/key",
    "codes": "20/h/key",
    "proof": "5/h/key",
    "proofs": "20/h/key",
    "way_in": "5/h/key",  # codes for one person, to whatever mailbox
    "link": "5/5m/key",
    "links": "20/5m/key",
}
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_FORMS = {
    "login": "trial.forms.accounts.SignIn",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "trial.forms.accounts.SecondFactor",
    "reauthenticate": "trial.forms.accounts.SecondFactorAgain",
    "activate_totp": "trial.forms.accounts.NewAuthenticator",
}
MFA_TOTP_ISSUER = "Handvat"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
SESSION_SERIALIZER = "trial.vault.EncryptedSerializer"
SESSION_COOKIE_AGE = 60 * 60 * 12
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_NAME = "s"
SECURE_SSL_REDIRECT = PRODUCTION
# Only a proxy that is named is believed: trial.proxies takes these headers away from everybody
# else.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# Mail: a directory when one is named (rehearsals always), smtp when a host is named (production
# always), else the console.
EMAIL_HOST = environment.mail_host(os.environ)
EMAIL_FILE_PATH = os.environ.get("HANDVAT_MAIL_DIRECTORY", "")
EMAIL_BACKEND = (
    "trial.mail.MboxBackend"
    if EMAIL_FILE_PATH
    else "trial.mail.SmtpBackend"
    if EMAIL_HOST
    else "django.core.mail.backends.console.EmailBackend"
)
EMAIL_PORT = int(os.environ.get("HANDVAT_MAIL_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("HANDVAT_MAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("HANDVAT_MAIL_PASSWORD", "")
EMAIL_USE_TLS = bool(EMAIL_HOST)
# seconds to connect and log in, and again for each mail: a silent host holds up nobody for longer
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.mail_from(os.environ)
PUBLIC_URL = os.environ.get("HANDVAT_PUBLIC_URL", "http://127.0.0.1:8000")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "trial.api.authentication.Tokens",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # DRF's views are exempt from LoginRequiredMiddleware, so the door is closed here.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["trial.api.parsing.StrictJSON"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "trial.api.errors.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Handvat API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

LOGGING = {
    # Logs name routes and codes, never what people typed: Django's request logger prints paths,
    # which hold no identifier.
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": os.environ.get("HANDVAT_LOG_LEVEL", "WARNING")},
}

# How the bottom app reaches upward. Each entry is a plain function in the `life` module of its app;
# trial/hooks.py has what it is called with and what it answers, list by list.
STUDY_SECTIONS = [
    "trial.life.section",
    "outcomes.life.section",
    "randomisation.life.section",
    "coaching_protocol.life.section",
    "reports.life.section",
]
REQUIREMENTS = [  # what must be so before a study opens
    "trial.life.requirements",
    "outcomes.life.requirements",
    "coaching_protocol.life.requirements",
]
OPEN_LANGUAGES = ["outcomes.life.open_languages"]  # languages a study may open in
SIGN_OFFS = [  # what a person puts their name to, and its content, by (kind, subject)
    "outcomes.life.sign_offs",
    "trial.life.sign_offs",
]
OPENED = ["randomisation.life.opened"]  # what follows when a study opens, in the same transaction
JOURNEY = [
    "outcomes.life.screening",
    "trial.life.verification",
    "trial.life.consent",
    "trial.life.recruitment",
    "trial.life.call_times",
    "outcomes.life.baseline",
    "randomisation.life.allocation",
    "randomisation.life.granting",
    "randomisation.life.tailoring",
    "randomisation.life.staging",
    "randomisation.life.stage_granting",
    "outcomes.life.dating",
    "trial.life.openings",
    "outcomes.life.completion",
]
ALLOTTED = ["randomisation.life.allotted"]  # what the draw brought, in words, for that person alone
WAITING = ["randomisation.life.waiting_for"]  # why somebody who did everything waits, as a code
TODAY = [
    "outcomes.life.today",
    "coaching_protocol.life.today",
    "trial.life.today",
]
PANELS = [
    "trial.life.panel_recruitment",
    "trial.life.panel_flow",
    "outcomes.life.panel",
    "trial.life.panel_by_month",
    "trial.life.panel_adherence",
    "coaching_protocol.life.panel",
    "randomisation.life.panel",
    "trial.life.panel_alerts",
]
MONTHLY = {  # what is told by the month to whoever may not know the arms: done, of planned
    "calls": "coaching_protocol.life.monthly_calls",
    "lessons": "trial.life.monthly_lessons",
    "mails": "trial.life.monthly_mails",
}
PERSON_PANELS = ["outcomes.life.person_panel"]  # one person as the researcher sees them
PRODUCTS = {  # what the worker makes because somebody asked for it
    "report": "reports.life.report",
    "export": "reports.life.export",
    "audit verification": "trial.life.audit_verification",
    "randomisation export": "randomisation.life.export",
    "randomisation replay": "randomisation.life.replay",
}
TABLES = [
    "trial.life.tables",
    "outcomes.life.tables",
    "coaching_protocol.life.tables",
    "randomisation.life.tables",
]
INTERCURRENT_EVENTS = [  # what happened to people that bears on what their outcomes mean
    "trial.life.intercurrent_events",
    "coaching_protocol.life.intercurrent_events",
    "randomisation.life.intercurrent_events",
]
GRANTED = ["outcomes.granted.granted", "coaching_protocol.life.granted"]
WITHDRAWAL = ["outcomes.life.withdrawn", "coaching_protocol.life.withdrawn", "trial.life.withdrawn"]
ROLE_ENDED = ["coaching_protocol.life.role_ended"]  # what follows when a role is taken away
MESSAGES = {  # by kind of message; None when it is no longer wanted
    "assessment_invitation": "outcomes.life.compose",
    "assessment_reminder": "outcomes.life.compose",
    "alert": "trial.life.compose_alert",
    "invitation": "trial.life.compose_invitation",
    "recruitment_closed": "trial.life.compose_recruitment_closed",
    "two_people": "trial.life.compose_two_people",
    "role_given": "trial.life.compose_role_given",
    "address_over": "trial.life.compose_address_over",
    "stage_list": "randomisation.life.compose_stage_list",
    "address_asked": "trial.life.compose_address_asked",
    "address_changed": "trial.life.compose_address_changed",
    "check_number": "coaching_protocol.life.compose_check_number",
}
MAILED_ALIKE = {  # kinds of mail of which others may hear: whether every arm gets it, then
    "assessment_invitation": "outcomes.life.is_mailed_alike",
    "assessment_reminder": "outcomes.life.is_mailed_alike",
    "alert": "trial.life.is_mailed_alike",
    "invitation": "trial.life.is_mailed_alike",
    "two_people": "trial.life.is_mailed_alike",
    "role_given": "trial.life.is_mailed_alike",
    "address_over": "trial.life.is_mailed_alike",
    "recruitment_closed": "trial.life.is_mailed_alike",
}
WORKER = [  # what else a round of the worker does, and how often it did it
    "trial.life.settle_due",
    "trial.life.put_due_in_force",
    "trial.life.hand_over_codes",
    "trial.life.keep",
    "trial.life.forget_drafts",
    "trial.life.forget_request_keys",
]
# what takes minutes: the worker has a process of its own for it
JOBS = ["trial.life.make_due", "trial.life.sweep"]
ERASURE = ["outcomes.life.erase", "coaching_protocol.life.erase", "trial.life.erase"]
REHEARSAL = ["trial.life.behave", "outcomes.life.behave", "coaching_protocol.life.behave"]
