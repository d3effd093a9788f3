"""Moments beyond Python's time, which only the database knows: no page, no look of a worker, no verb fails of them."""

from __future__ import annotations

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db
ODD = {
    "postgresql": ["infinity", "-infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59+00"],
    "mysql": ["9999-12-31 23:59:59.999999", "0001-01-01 00:00:00"],
    "sqlite": ["9999-12-31 23:59:59.999999", "0001-01-01 00:00:00"],
}[connection.vendor]
