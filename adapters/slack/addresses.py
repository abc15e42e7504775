"""The addresses besides the Web API to which the pack sends: response URLs of interactions, and upload URLs of files.

They come from outside, and whoever knows one can use it: no error names them.
"""

import re
from http import HTTPStatus
from typing import Final

from yarl import URL

from adapters.serialization.json_codec import read_json
from adapters.slack.errors import ApiCall, error_of, rejection, unreadable_response
from adapters.slack.web_client import SentResponse, SlackWebClient
from domain.json_values import JsonObject

_OWN_ORIGINS: Final = ("https://hooks.slack.com", "https://files.slack.com")
_GOVERNMENT_DOMAIN: Final = "slack-gov.com"
_GOVERNMENT_ORIGINS: Final = ("https://hooks.slack-gov.com", "https://files.slack-gov.com")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]*")
_ACCEPTED: Final = ("", "ok")


class SlackAddresses:
    """Sends to Slack's own hosts only: that of the Web API, and those for responses and files. Follows no redirect."""

    def __init__(self, web: SlackWebClient) -> None:
        self._web = web
        api = URL(web.api_url)
        is_government = f".{api.host}".endswith(f".{_GOVERNMENT_DOMAIN}")
        origins = (*_OWN_ORIGINS, *_GOVERNMENT_ORIGINS) if is_government else _OWN_ORIGINS
        self._origins = {api.origin(), *map(URL, origins)}

    async def respond(self, address: str, message: JsonObject, call: ApiCall) -> None:
        """Sends a message to the address of an interaction. Raises ChatError."""
        response = await self._web.send(self._own(address, call), call, message=message)
        body = _parse(response.text)
        code = _code_of(body)
        if code or not response.is_success:
            raise self._error(response, code, call)
        if not isinstance(body, dict) and str(body).lower() not in _ACCEPTED:
            raise unreadable_response(call)

    async def upload(self, address: str, content: bytes, call: ApiCall) -> None:
        """Sends the content of a file to its address. Raises ChatError."""
        response = await self._web.send(self._own(address, call), call, content=content)
        if not response.is_success:
            raise self._error(response, _code_of(_parse(response.text)), call)

    def _own(self, address: str, call: ApiCall) -> URL:
        """Returns the address if it is on one of Slack's own hosts. Raises ChatRejected."""
        try:
            url = URL(address)
            is_own = url.user is None and url.password is None and url.origin() in self._origins
        except ValueError:
            is_own = False
        if not is_own:
            raise rejection("foreign_host", call)
        return url

    def _error(self, response: SentResponse, code: str, call: ApiCall) -> Exception:
        is_permanent = HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR
        if not code and is_permanent:
            code = f"http_{response.status}"
        return error_of(response.status, response.headers, code, call, self._web.now())


def _parse(text: str) -> object:
    """Returns the JSON object of a response; otherwise its text."""
    try:
        body = read_json(text)
    except ValueError:
        return text.strip()
    return body if isinstance(body, dict) else text.strip()


def _code_of(body: object) -> str:
    """Returns Slack's error code in a response; empty if there is none."""
    if isinstance(body, dict):
        return "" if body.get("ok", True) is True else str(body.get("error") or "unknown_error")
    text = str(body)
    return text if text not in _ACCEPTED and _CODE.fullmatch(text) else ""
