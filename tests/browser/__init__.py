"""The pages in a real browser: what a script, a click or a hostile text does there cannot be told from their source."""

import pytest
from django.db import connection

# How a page looks is for one database to show: what it is made of has tests on all of them.
looks = pytest.mark.skipif(connection.vendor != "sqlite", reason="Pages look the same on every database.")
