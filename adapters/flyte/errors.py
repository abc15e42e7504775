"""From what Flyte answers, or what became of a request to it, to the domain's errors. No text shows a secret."""

from http import HTTPStatus

from yarl import URL

from adapters.flyte.response import Answer
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

_UNAUTHORISED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_BAD_CONTENT = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_GATEWAY_LOST_IT = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)


class TooSlow(WorkflowUnreachable):
    """A harmless request went out, and the time ran out before its answer."""


class Misdirected(WorkflowUnreachable):
    """What answers is not Flyte, or leads away from it."""


def shown(url: URL) -> str:
    """The URL as an operator may read it: without user, password, query and fragment."""
    return str(url.with_user(None).with_query(None).with_fragment(None))


def unexpected(answer: Answer) -> WorkflowError:
    """The error for an answer that is not the one hoped for.

    Flyte itself answers with an empty body and the statuses 400, 401, 403, 404 and 500. All else comes from something
    between, most often a gateway that has lost Flyte: an outage, and no verdict on the pack, the action or the event.
    """
    where = f"{answer.method} {shown(answer.url)} was answered with {answer.status}"
    if answer.status in _UNAUTHORISED:
        return WorkflowUnauthorized(
            f"{where}: Flyte wants a JWT, or another one; correct the one that the pack was given"
        )
    if answer.status in _GATEWAY_LOST_IT and answer.changes_something:
        return WorkflowInDoubt(f"{where} by a gateway that got no answer from Flyte")
    if answer.is_html:
        return WorkflowUnreachable(f"{where} and an HTML page, so not by Flyte; correct Flyte's base URL or the proxy")
    if answer.status == HTTPStatus.NOT_FOUND:
        return PackNotRegistered(f"{where}: Flyte does not know this pack or this action (any more)")
    if answer.status in _BAD_CONTENT:
        return RejectedByWorkflow(f"{where}: Flyte refuses what was sent")
    return _failure(answer, where)


def _failure(answer: Answer, where: str) -> WorkflowError:
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE or answer.status in _GATEWAY_LOST_IT:
        return WorkflowUnreachable(f"{where}: Flyte can't serve at the moment; the pack goes on trying")
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return WorkflowServerError(f"{where}: Flyte failed; its own log says why")
    if answer.status < HTTPStatus.MULTIPLE_CHOICES and answer.changes_something:
        return WorkflowInDoubt(f"{where}, which Flyte does not answer here; is there a proxy that changes answers?")
    return WorkflowUnreachable(f"{where}, which Flyte does not answer here; correct Flyte's base URL or the proxy")


def not_flyte(url: URL, why: str) -> Misdirected:
    """What answered there is not Flyte, or not all of it."""
    return Misdirected(f"what answers at {shown(url)} is not Flyte: {why}; correct Flyte's base URL or the proxy")


def redirected(method: str, url: URL, status: int, location: str) -> Misdirected:
    """Somebody wants the request to go elsewhere, where it must not go."""
    rule = "posts follow no redirect" if method == "POST" else "redirects are followed within Flyte's origin only"
    target = _shown_location(url, location)
    return Misdirected(
        f"{method} {shown(url)} was answered with {status} to {target}: {rule}; if that is Flyte, make it the base URL"
    )


def foreign(link: URL, origin: URL) -> Misdirected:
    """Flyte gave out a link to another origin, where neither the JWT nor anything else may go."""
    return Misdirected(
        f"Flyte, asked at {shown(origin.origin())}, gives out links to {shown(link.origin())}, which are refused: let "
        "the proxy before Flyte pass X-Forwarded-Host and X-Forwarded-Proto, or make that address Flyte's base URL"
    )


def broken(method: str, url: URL, error: Exception, *, went_out: bool) -> WorkflowError:
    """The request brought no answer. Only one that changes something and went out leaves a doubt."""
    where = f"{method} {shown(url)}"
    if not went_out:
        return WorkflowUnreachable(f"{where} could not be sent: {describe(error)}; the pack goes on trying")
    if method == "GET":
        kind = TooSlow if isinstance(error, TimeoutError) else WorkflowUnreachable
        return kind(f"{where} was not answered: {describe(error)}; the pack goes on trying")
    return WorkflowInDoubt(f"{where} went out and was not answered: {describe(error)}")


def _shown_location(url: URL, location: str) -> str:
    try:
        return shown(url.join(URL(location)))
    except ValueError:
        return "an unreadable location"
