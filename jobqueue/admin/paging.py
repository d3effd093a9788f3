"""Counting up to a limit: a page must not take longer because there are a million rows that it does not show."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.http import HttpRequest

from .numbers import number
from .withheld import mark_for

# Of numbers that stand beside others on a page, and of the rows of one list.
COUNT_AT_MOST = 10_000
LIST_AT_MOST = 100_000
REFRESH = "refresh"
_NOTES = "jobqueue_notes"


def note(request: HttpRequest, text: str) -> None:
    """Have the list that answers a request say something above it."""
    vars(request).setdefault(_NOTES, []).append(text)


class AtLeast(int):
    """A number that says it is only where counting stopped."""

    def __str__(self) -> str:
        return f"{number(int(self))}+"


def capped_count(queryset: Any, most: int | None = None) -> int:
    """Return how many rows there are; AtLeast(most) when there are more. By default these are COUNT_AT_MOST."""
    most = COUNT_AT_MOST if most is None else most
    # Of nothing but its key: what a list annotates would be reckoned for each row that is counted.
    return capped(int(queryset.order_by().values("pk")[: most + 1].count()), most)


def capped(count: int, most: int) -> int:
    """Return a count that stopped at the first one beyond ``most``."""
    return count if count <= most else AtLeast(most)


class CappedPaginator(Paginator):
    """Pages over as many rows as are counted; what lies beyond is found with filters."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, up to the limit."""
        return capped_count(self.object_list, LIST_AT_MOST)


class PreparedChangeList(ChangeList):
    """A list that fetches its page at once, so that its admin can look up what belongs to it in bulk."""

    notes: list[str]
    model_admin: Any

    def get_filters_params(self, params: Any = None) -> Any:
        """Return what is filtered by: how often the page is refreshed is kept in its address, too, and is no filter."""
        return {name: value for name, value in super().get_filters_params(params).items() if name != REFRESH}

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        """Return the rows to show, with the columns that a list needs."""
        return self.model_admin.for_list(super().get_queryset(request, exclude_parameters))

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page and have it prepared."""
        super().get_results(request)
        self.result_list = mark_for(request, self.result_list)
        if not self.query and not self.has_active_filters:
            # Nothing was searched for, so "Show all" would lead nowhere.
            self.full_result_count = self.result_count
        self.notes = [*vars(request).get(_NOTES, ()), *self.model_admin.prepare(self.result_list)]
