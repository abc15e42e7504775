"""From what Flyte answers, or what became of a request to it, to the domain's errors. No text shows a secret."""

from http import HTTPStatus

from yarl import URL

from adapters.flyte.response import FlyteResponse
from adapters.http.errors import describe
from domain.errors import (
    PackNotRegistered,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnauthorized,
    WorkflowUnreachable,
)

_UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_REJECTED = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_GATEWAY_ERRORS = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)


class RequestTimedOut(WorkflowUnreachable):
    """A harmless request went out, and the time ran out before its response."""


class NotFlyte(WorkflowUnreachable):
    """What answers is not Flyte, or leads away from it."""


def redact(url: URL) -> str:
    """The URL as an operator may read it: without user, password, query and fragment."""
    return str(url.with_user(None).with_query(None).with_fragment(None))


def unexpected_response(response: FlyteResponse) -> WorkflowError:
    """The error for an answer that is not the one hoped for.

    Flyte itself answers with an empty body and the statuses 400, 401, 403, 404 and 500. All else comes from something
    between, most often a gateway that has lost Flyte: an outage, and no verdict on the pack, the action or the event.
    """
    where = f"{response.method} {redact(response.url)} was answered with {response.status}"
    if response.status in _UNAUTHORIZED:
        return WorkflowUnauthorized(
            f"{where}: Flyte wants a JWT, or another one; correct the one that the pack was given"
        )
    if response.status in _GATEWAY_ERRORS and response.changes_something:
        return WorkflowInDoubt(f"{where} by a gateway that got no answer from Flyte")
    if response.is_html:
        return WorkflowUnreachable(f"{where} and an HTML page, so not by Flyte; correct Flyte's base URL or the proxy")
    if response.status == HTTPStatus.NOT_FOUND:
        return PackNotRegistered(f"{where}: Flyte does not know this pack or this action (any more)")
    if response.status in _REJECTED:
        return RejectedByWorkflow(f"{where}: Flyte refuses what was sent")
    return _server_failure(response, where)


def _server_failure(response: FlyteResponse, where: str) -> WorkflowError:
    if response.status == HTTPStatus.SERVICE_UNAVAILABLE or response.status in _GATEWAY_ERRORS:
        return WorkflowUnreachable(f"{where}: Flyte can't serve at the moment; the pack goes on trying")
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return WorkflowServerError(f"{where}: Flyte failed; its own log says why")
    if response.status < HTTPStatus.MULTIPLE_CHOICES and response.changes_something:
        return WorkflowInDoubt(f"{where}, which Flyte does not answer here; is there a proxy that changes answers?")
    return WorkflowUnreachable(f"{where}, which Flyte does not answer here; correct Flyte's base URL or the proxy")


def not_flyte(url: URL, why: str) -> NotFlyte:
    """What answered there is not Flyte, or not all of it."""
    return NotFlyte(f"what answers at {redact(url)} is not Flyte: {why}; correct Flyte's base URL or the proxy")


def redirected(method: str, url: URL, status: int, location: str) -> NotFlyte:
    """Somebody wants the request to go elsewhere, where it must not go."""
    rule = "posts follow no redirect" if method == "POST" else "redirects are followed within Flyte's origin only"
    target = _redact_location(url, location)
    return NotFlyte(
        f"{method} {redact(url)} was answered with {status} to {target}: {rule}; if that is Flyte, make it the base URL"
    )


def foreign_link(link: URL, origin: URL) -> NotFlyte:
    """Flyte gave out a link to another origin, where neither the JWT nor anything else may go."""
    return NotFlyte(
        f"Flyte, asked at {redact(origin.origin())}, gives out links to {redact(link.origin())}, which are refused: "
        "let the proxy before Flyte pass X-Forwarded-Host and X-Forwarded-Proto, or use that address as base URL"
    )


def no_response(method: str, url: URL, error: Exception, *, was_sent: bool) -> WorkflowError:
    """The request brought no response. Only one that changes something and went out leaves a doubt."""
    where = f"{method} {redact(url)}"
    if not was_sent:
        return WorkflowUnreachable(f"{where} could not be sent: {describe(error)}; the pack goes on trying")
    if method == "GET":
        kind = RequestTimedOut if isinstance(error, TimeoutError) else WorkflowUnreachable
        return kind(f"{where} was not answered: {describe(error)}; the pack goes on trying")
    return WorkflowInDoubt(f"{where} went out and was not answered: {describe(error)}")


def _redact_location(url: URL, location: str) -> str:
    try:
        return redact(url.join(URL(location)))
    except ValueError:
        return "an unreadable location"
