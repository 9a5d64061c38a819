"""What the command line says to people, in Chinese, English or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Language = Literal["zh", "en", "both"]

#: Asked in this order, as POSIX says.
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def language_of(setting: str, environ: Mapping[str, str]) -> Language:
    """The language to speak: as set, else as the environment says; both where it names neither of the two."""
    if setting == "zh":
        return "zh"
    if setting == "en":
        return "en"
    locale = next((environ[name] for name in _VARIABLES if environ.get(name)), "").lower()
    if locale.startswith("zh"):
        return "zh"
    return "en" if locale.startswith("en") else "both"


def language_of_call(arguments: Sequence[str], environ: Mapping[str, str]) -> Language:
    """The language of a call that failed, perhaps before its options were read."""
    given = environ.get("JIFEN_LANGUAGE", "")
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        option, _, value = argument.partition("=")
        if option == "--lang":
            given = value or following
    return language_of(given.lower(), environ)


class Texts:
    """Chooses between the two wordings of a text."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, zh: str, en: str) -> str:
        """The text in the language spoken; both, Chinese first, where that is not known."""
        if self.language == "zh":
            return zh
        return en if self.language == "en" else f"{zh} / {en}"


def listed(say: Texts, sentences: Sequence[tuple[str, str]]) -> str:
    """Sentences in Chinese and English as one line: what stands between them stands in place of their full stops."""
    return (
        ""
        if not sentences
        else say(
            "；".join(zh.removesuffix("。") for zh, _ in sentences),
            "; ".join(en.removesuffix(".") for _, en in sentences),
        )
    )
