"""Maps Flyte's responses and failed requests to the domain's errors. Their messages contain no secrets."""

from http import HTTPStatus

from yarl import URL

from adapters.flyte.response import FlyteResponse
from adapters.http.errors import describe
from domain.errors import (
    PackNotRegistered,
    PathRefused,
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
_CHECK_URL = "check Flyte's base URL and the proxy"
_CHECK_PATH = "its security policy must cover the path, and the pack's name and labels must fit into one"


class RequestTimedOut(WorkflowUnreachable):
    """A request without side effects got no response in time."""


class ResponseTooLarge(WorkflowUnreachable):
    """A response without side effects has more bytes than can be read."""


class NotFlyte(WorkflowUnreachable):
    """The server is not Flyte, or redirects or links elsewhere."""


def redact(url: URL) -> str:
    """Returns the URL without user, password, query and fragment."""
    return str(url.with_user(None).with_query(None).with_fragment(None))


def unexpected_response(response: FlyteResponse) -> WorkflowError:
    """Returns the error for a response other than the expected one.

    Flyte itself responds with 400, 401, 404 or 500, without content; its router, which does not know every path, with
    404 or 405 and a text. Other responses come from a gateway, most often because it can't reach Flyte: an outage
    rather than a verdict on the pack, the action or the event.
    """
    returned = f"{response.method} {redact(response.url)} returned {response.status}"
    if response.status in _UNAUTHORIZED:
        return WorkflowUnauthorized(
            f"{returned}: Flyte requires a valid JWT; correct the pack's JWT, or the security policy"
        )
    if response.status in _GATEWAY_ERRORS and response.has_side_effects:
        return WorkflowInDoubt(f"{returned} from a gateway that got no response from Flyte")
    if response.is_html:
        return WorkflowUnreachable(f"{returned} and an HTML page, so not from Flyte; {_CHECK_URL}")
    if response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _refusal(response, returned)
    return _server_failure(response, returned)


def _refusal(response: FlyteResponse, returned: str) -> WorkflowError:
    if response.status == HTTPStatus.METHOD_NOT_ALLOWED or response.is_unrouted:
        return PathRefused(f"{returned} from its router: Flyte does not serve this path; {_CHECK_PATH}")
    if response.status == HTTPStatus.NOT_FOUND:
        return PackNotRegistered(f"{returned}: Flyte does not know this pack or this action")
    if response.status in _REJECTED:
        return RejectedByWorkflow(f"{returned}: Flyte rejects the content of the request")
    if response.status < HTTPStatus.MULTIPLE_CHOICES and response.has_side_effects:
        return WorkflowInDoubt(f"{returned}, which Flyte never does here; look for a proxy that changes responses")
    return WorkflowUnreachable(f"{returned}, which Flyte never does here; {_CHECK_URL}")


def _server_failure(response: FlyteResponse, returned: str) -> WorkflowError:
    if response.status == HTTPStatus.SERVICE_UNAVAILABLE or response.status in _GATEWAY_ERRORS:
        return WorkflowUnreachable(f"{returned}: Flyte is unavailable; the pack keeps trying")
    return WorkflowServerError(f"{returned}: Flyte failed; see its log")


def too_large(method: str, url: URL, max_bytes: int) -> WorkflowError:
    """Returns the error for a response that was not read to its end."""
    kind = ResponseTooLarge if method == "GET" else WorkflowInDoubt
    return kind(f"{method} {redact(url)} returned more than {max_bytes // 1024**2} MiB")


def not_flyte(url: URL, reason: str) -> NotFlyte:
    """Returns the error for a server that is not Flyte."""
    return NotFlyte(f"the server at {redact(url)} is not Flyte: {reason}; {_CHECK_URL}")


def redirected(method: str, url: URL, status: int, location: str) -> NotFlyte:
    """Returns the error for a redirect that must not be followed."""
    rule = "posts follow no redirect" if method == "POST" else "redirects are followed within Flyte's origin only"
    target = _redact_location(url, location)
    return NotFlyte(
        f"{method} {redact(url)} was redirected ({status}) to {target}: {rule}; if Flyte is there, make it the base URL"
    )


def foreign_link(link: URL, origin: URL) -> NotFlyte:
    """Returns the error for a link to another origin, which must receive neither the JWT nor anything else."""
    return NotFlyte(
        f"Flyte at {redact(origin.origin())} returns links to {redact(link.origin())}, which are rejected: let the "
        "proxy before Flyte pass X-Forwarded-Host and X-Forwarded-Proto, or make that address Flyte's base URL"
    )


def no_response(method: str, url: URL, error: Exception, *, was_sent: bool) -> WorkflowError:
    """Returns the error for a request without a response. Only sent requests with side effects are in doubt."""
    request = f"{method} {redact(url)}"
    if not was_sent:
        return WorkflowUnreachable(f"{request} could not be sent: {describe(error)}; the pack keeps trying")
    if method == "GET":
        kind = RequestTimedOut if isinstance(error, TimeoutError) else WorkflowUnreachable
        return kind(f"{request} got no response: {describe(error)}; the pack keeps trying")
    return WorkflowInDoubt(f"{request} was sent and got no response: {describe(error)}")


def _redact_location(url: URL, location: str) -> str:
    try:
        return redact(url.join(URL(location)))
    except ValueError:
        return "an invalid URL"
