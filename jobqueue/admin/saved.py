"""Filters of the list of jobs that somebody keeps under names, each for themselves, as links above the list."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _

from ..database import alias
from ..fields import is_storable
from ..models import SavedView
from ..spelling import spelled

MOST = 50
_COLUMNS: Any = SavedView._meta
_LONGEST_NAME, _LONGEST_QUERY = (_COLUMNS.get_field(name).max_length for name in ("name", "query"))
_MOST_PARAMETERS = 20


class SavingAdmin(admin.ModelAdmin):
    """Adds what keeps the present filter, and what forgets one."""

    def get_urls(self) -> list[Any]:
        """Return the addresses of both, and the rest."""
        own = [
            path(f"views/{deed}/", self.admin_site.admin_view(view), name=f"jobqueue_job_{deed}_view")
            for deed, view in (("save", self.save_view), ("drop", self.drop_view))
        ]
        return [*own, *super().get_urls()]

    def saved(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the list shows of them: the user's own, and the present filter, '' when there is none."""
        present = self._query(urlencode([it for it in request.GET.items() if it[0] in self._parameters()])) or ""
        views = [
            {"pk": view.pk, "name": spelled(view.name), "query": query, "is_chosen": query == present}
            for view in _views_of(request)[:MOST]
            # Whoever may write to the table may put any address there.
            if (query := self._query(view.query))
        ]
        return {
            "views": views,
            "query": present,
            "is_new": bool(present) and not any(view["is_chosen"] for view in views),
            "longest": _LONGEST_NAME,
            **{f"{deed}_url": self._address(f"jobqueue_job_{deed}_view") for deed in ("save", "drop")},
        }

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Keep a filter under a name; another one of that name is replaced. Raises BadRequest for what is no filter."""
        if refusal := self._refusal(request):
            return refusal
        query = self._query(request.POST.get("query", ""))
        if not query:
            raise BadRequest("Not a filter of the list of jobs.")
        name, views = request.POST.get("name", "").strip(), _views_of(request)
        if not 0 < len(name) <= _LONGEST_NAME or not is_storable(name):
            text = _("A name has 1 to %(most)s characters.") % {"most": _LONGEST_NAME}
            self.message_user(request, text, messages.ERROR)
        elif not views.filter(name=name).exists() and views.count() >= MOST:
            self.message_user(
                request, _("There are %(most)s of yours: forget one first.") % {"most": MOST}, messages.ERROR
            )
        else:
            views.update_or_create(user=_key_of(request), name=name, defaults={"query": query})
        return self._list(query)

    def drop_view(self, request: HttpRequest) -> HttpResponse:
        """Forget one of the user's own."""
        if refusal := self._refusal(request):
            return refusal
        pk = request.POST.get("view", "")
        if not (pk.isascii() and pk.isdecimal()) or int(pk) >= 2**63:
            raise BadRequest("Not a saved view.")
        _views_of(request).filter(pk=int(pk)).delete()
        return self._list(self._query(request.POST.get("query", "")))

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        return None

    def _parameters(self) -> frozenset[str]:
        """Return by what the list may be filtered, as its addresses have it."""
        filters: Any = self.list_filter
        links: frozenset[str] = getattr(self, "links", frozenset())
        return links.union({SEARCH_VAR}, (each.parameter_name for each in filters))

    def _query(self, text: str) -> str | None:
        """Return a query of this list with its filters alone, None for what is none: nothing else becomes a link."""
        try:
            pairs = parse_qsl(text, strict_parsing=True, max_num_fields=_MOST_PARAMETERS)
        except ValueError:
            return None
        names = [name for name, _value in pairs]
        query = urlencode(sorted(pairs), errors="replace")
        is_one = self._parameters().issuperset(names) and len(set(names)) == len(names)
        return query if is_one and "%00" not in query and len(query) <= _LONGEST_QUERY else None

    def _list(self, query: str | None) -> HttpResponse:
        return HttpResponseRedirect(self._address("jobqueue_job_changelist") + (f"?{query}" if query else ""))

    def _address(self, name: str) -> str:
        return reverse(f"admin:{name}", current_app=self.admin_site.name)


def _views_of(request: HttpRequest) -> Any:
    return SavedView._default_manager.using(alias()).filter(user=_key_of(request))


def _key_of(request: HttpRequest) -> str:
    return str(request.user.pk)
