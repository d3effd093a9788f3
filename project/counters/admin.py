"""The demo's tables in the admin. An order saved there is counted like any other."""

from __future__ import annotations

from django.contrib import admin

from .models import Counter, Order

admin.site.register([Counter, Order])
