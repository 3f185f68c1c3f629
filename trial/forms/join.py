"""Forms on the way into a study."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from trial.comprehension import wrong
from trial.forms.fields import NEVER, AsksForNumber, CodeField, Confirmation, EmailField, PhoneField
from trial.sections.consent import Letter


class Contact(AsksForNumber):
    name = forms.CharField(
        label=_("What may we call you?"),
        help_text=_("A first name is enough. You sign with your full name later."),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    email = EmailField(
        label=_("Your e-mail address"),
        help_text=_("One that only you read. Our messages do not say what the study is about."),
    )
    phone = PhoneField(label=_("Your phone number"), help_text=_("One that only you answer."))


class MailCode(forms.Form):
    code = CodeField(help_text=_("Six digits, from the message we sent you."))


class Comprehension(forms.Form):
    """The questions of a letter. `wrong` explains those that were answered otherwise than the
    letter says.
    """

    def __init__(self, *args: Any, letter: Letter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.letter = letter
        self.questions = {question.code: question for question in letter.comprehension}
        for code, question in self.questions.items():
            self.fields[code] = forms.ChoiceField(
                label=question.question,
                choices=[(option.code, option.text) for option in question.options],
                widget=forms.RadioSelect,
            )

    @property
    def chosen(self) -> dict[str, str]:
        return {code: self.data.get(self.add_prefix(code), "") for code in self.questions}

    @property
    def wrong(self) -> dict[str, str]:
        return wrong(self.letter, self.chosen)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for code in self.wrong:
            self.add_error(code, gettext("Not quite. Read the words above it and choose again."))
        return cleaned

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each question, with its explanation once it was answered wrongly."""
        explained = self.wrong if self.is_bound else {}
        return [
            {"bound": self[code], "explanation": explained.get(code, "")} for code in self.questions
        ]


class Signature(forms.Form):
    """Every statement, and the full name, typed as a signature: whatever somebody may be called."""

    signature = forms.CharField(
        label=_("Your full name, as your signature"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name", **NEVER}),
    )

    def __init__(self, *args: Any, letter: Letter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.codes = [statement.code for statement in letter.statements]
        for statement in letter.statements:
            self.fields[f"statement_{statement.code}"] = Confirmation(label=statement.text)
        self.order_fields([f"statement_{code}" for code in self.codes])

    def clean_signature(self) -> str:
        signature: str = self.cleaned_data["signature"]
        if not any(sign.isalpha() for sign in signature):
            raise forms.ValidationError(_("Write your full name."))
        return signature

    @property
    def statements(self) -> list[str]:
        return [code for code in self.codes if self.cleaned_data[f"statement_{code}"]]
