"""The bottom app's part of a study folder: study.yaml, the consent letters and the programme."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from trial.folder import Folder, Part, Problem, parse, unknown
from trial.languages import LANGUAGES
from trial.sections.checks import check_study
from trial.sections.consent import Consent, read_consent
from trial.sections.opening import Opening
from trial.sections.programme import Programme, read_programme
from trial.sections.study import Arm, Grant, Question, Study

__all__ = [
    "Arm",
    "Consent",
    "Grant",
    "Opening",
    "Programme",
    "Question",
    "Study",
    "languages_of",
    "section",
]


def section(folder: Folder, earlier: Mapping[str, BaseModel]) -> Part:
    source, languages = folder.yaml("study.yaml"), languages_of(folder)
    study = parse(Study, source, languages)
    problems = [
        *study.problems,
        *(check_study(study.model, source, folder.today) if study.model else ()),
    ]
    # Without knowing the languages nothing below can be judged: one message says so, not one for
    # every file.
    consent, wrong_consent = read_consent(folder, languages) if languages else (None, [])
    programme, wrong_programme = read_programme(folder, languages) if languages else (None, [])
    parsed = {"study": study.model, "programme": programme, "consent": consent}
    return Part(
        parsed={name: model for name, model in parsed.items() if model is not None},
        problems=[
            *problems,
            *wrong_consent,
            *wrong_programme,
            *_granted_programmes(folder, study.model, programme),
        ],
    )


def _granted_programmes(
    folder: Folder, study: Study | None, programme: Programme | None
) -> Iterator[Problem]:
    """Every programme that an arm is granted is there; silent where the one that is there could not
    be read.
    """
    if study is None or (programme is None and folder.names(r"programme/.+")):
        return
    codes = [programme.code] if programme else []
    source = folder.yaml("study.yaml")
    for loc, arm in study.giving():
        for place, grant in enumerate(arm.grants):
            if grant.kind == "programme" and grant.code not in codes:
                yield source.problem(
                    (*loc, "grants", place, "programme"), unknown("programme", grant.code, codes)
                )


def languages_of(folder: Folder) -> tuple[str, ...] | None:
    """Read before anything is validated, since every text is judged by it; None where it is itself
    a mistake.
    """
    data = folder.yaml("study.yaml").data
    given = data.get("languages") if isinstance(data, dict) else None
    if (
        not isinstance(given, list)
        or not given
        or any(language not in LANGUAGES for language in given)
    ):
        return None
    return tuple(dict.fromkeys(given))
