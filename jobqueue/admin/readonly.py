"""What all tables have in common in the admin: people look, and cannot add, change or delete."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import ShowFacets
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from ..database import DatabaseNow, alias
from ..spelling import spelled
from .paging import CappedPaginator, PreparedChangeList
from .withheld import mark_for

_LONGEST_SEARCH = 255


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows as they are in the database that holds the jobs, each with that database's time as `now`."""

    paginator = CappedPaginator
    show_full_result_count = False
    # Facets count every row of the table.
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    # Columns by which links of our own filter, beside the list's filters.
    links: ClassVar[frozenset[str]] = frozenset()
    change_list_template = "jobqueue/admin/change_list.html"
    change_form_template = "jobqueue/admin/change_form.html"

    class Media:
        css = {"all": ("jobqueue/admin.css",)}  # noqa: RUF012  (Django's way to declare it)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the rows; from where they are written, for a replica may not know yet what was just pressed."""
        return super().get_queryset(request).using(alias()).annotate(now=DatabaseNow())

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row of an id, None when there is none."""
        # A text with a NUL is no id, and an error of some databases.
        found = None if "\0" in object_id else super().get_object(request, object_id, from_field)
        return None if found is None else mark_for(request, [found])[0]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Return whether an address may filter by this: by the filters of the list and what `links` names, no more.

        Django would allow every lookup of a local field: `?result__token__startswith=a` tells, letter by letter, what
        is not shown, and `?task_path__regex=` costs what its author likes.
        """
        column = lookup.partition("__")[0]
        if column not in {field.name for field in self.opts.get_fields()} | {"pk"}:
            return super().lookup_allowed(lookup, value, request)
        return "\0" not in str(value) and lookup in self.links.union(map(_parameter, self.list_filter))

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Return the rows that have the text in them."""
        # No column that is searched is as long, and SQLite refuses to look for what is much longer.
        if len(search_term) > _LONGEST_SEARCH:
            return queryset.none(), False
        found: tuple[Any, bool] = super().get_search_results(request, queryset, search_term)
        return found

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
        if obj is not None:  # Else one is to be added, and Django says so.
            title = capfirst(self.opts.verbose_name)
            context = {**context, "title": title, "subtitle": spelled(str(obj)), **self.about(request, obj)}
        return super().render_change_form(request, context, add, change, form_url, obj)

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


def _parameter(list_filter: Any) -> str:
    """Return the parameter by which a filter of a list is chosen: one of ours, or Django's for a column."""
    return f"{list_filter}__exact" if isinstance(list_filter, str) else str(list_filter.parameter_name)
