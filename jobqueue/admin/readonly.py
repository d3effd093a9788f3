"""What all tables have in common in the admin: people look, and cannot add, change or delete."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import ShowFacets
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from ..database import DatabaseNow, alias
from .inert import spelled
from .paging import CappedPaginator, PreparedChangeList


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows as they are in the database that holds the jobs, each with that database's time as `now`."""

    paginator = CappedPaginator
    show_full_result_count = False
    # Facets count every row of the table.
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    change_list_template = "jobqueue/admin/change_list.html"
    change_form_template = "jobqueue/admin/change_form.html"

    class Media:
        css = {"all": ("jobqueue/admin.css",)}  # noqa: RUF012  (Django's way to declare it)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the rows; from where they are written, for a replica may not know yet what was just pressed."""
        return super().get_queryset(request).using(alias()).annotate(now=DatabaseNow())

    def for_list(self, queryset: Any) -> Any:
        """Return the queryset with what a list needs and no more."""
        return queryset

    def prepare(self, rows: list[Any]) -> list[str]:
        """Look up in bulk what belongs to the rows of a page; return notes to show above it."""
        return []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the list that prepares its page."""
        return PreparedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, under the plain name of what is in it."""
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """Show one row, its name as inert text."""
        about = {"title": capfirst(self.opts.verbose_name), "subtitle": spelled(str(obj)), **self.about(request, obj)}
        return super().render_change_form(request, {**context, **about}, add, change, form_url, obj)

    def about(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return what the page of a row shows beside the row."""
        return {}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: rows are written by workers and by `enqueue()`."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: a row that is edited by hand proves nothing any more."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: finished jobs go by themselves, after their retention."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may view; without the "change" permission, which means nothing here."""
        user: Any = request.user
        return bool(user.has_perm(f"{self.opts.app_label}.view_{self.opts.model_name}"))
