"""Themes have sign-in pages of their own: whoever looks is signed in already."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.browser.conftest import browser as browser
from tests.browser.conftest import page as page
from tests.browser.conftest import shop as shop
from tests.browser.page import Page


@pytest.fixture
def sign_in(admin_client: Client) -> Callable[[Page], None]:
    """Give `sign_in(page)`: be there as someone who may do everything."""

    def sign_in(page: Page) -> None:
        name = settings.SESSION_COOKIE_NAME
        page.open(reverse("counters:index"))
        page.driver.add_cookie({"name": name, "value": admin_client.cookies[name].value})

    return sign_in
