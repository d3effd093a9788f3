"""The pages of a shop, and a language in which all that can be translated is marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.browser.conftest import shop  # noqa: F401
from tests.messages import pseudo
from tests.messages.code import template


@pytest.fixture
def speak(settings: Any) -> Any:
    """Give `speak(code)`: have Django speak a language."""

    def speak(code: str) -> None:
        settings.LANGUAGE_CODE = code
        translation.activate(code)

    yield speak
    translation.deactivate()


@pytest.fixture
def marked(settings: Any, tmp_path: Path, speak: Any) -> None:
    """Have Django speak the language in which all is marked."""
    pseudo.write(tmp_path, template())
    settings.LOCALE_PATHS = [str(tmp_path)]
    settings.LANGUAGES = [(pseudo.CODE, "Marked"), *settings.LANGUAGES]
    speak(pseudo.CODE)
