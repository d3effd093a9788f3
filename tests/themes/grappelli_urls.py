"""The demo's addresses, and those that django-grappelli wants to have."""

from __future__ import annotations

from django.urls import include, path

from project.urls import urlpatterns as of_demo

urlpatterns = [path("grappelli/", include("grappelli.urls")), *of_demo]
