"""The addresses of the demo's page."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "counters"
urlpatterns = [
    path("", views.index, name="index"),
    path("live", views.live, name="live"),
    path("press/<slug:name>", views.press, name="press"),
    path("jobs/<uuid:job_id>/<slug:what>", views.fault, name="fault"),
]
