"""The results that the events of modals and Home tabs have of a view."""

from domain.json_values import JsonObject
from domain.views import View


def view_results(view: View) -> JsonObject:
    """Returns the view's id, and the hash of its present content."""
    return {"viewId": view.id, "viewHash": view.hash}
