"""The demo's addresses."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("admin/", admin.site.urls),
    # Browsers ask for it on pages that name none, as those of the admin.
    path("favicon.ico", RedirectView.as_view(url="/static/counters/icon.svg")),
    path("", include("project.counters.urls")),
]
