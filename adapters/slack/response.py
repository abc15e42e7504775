"""Responses as slack_sdk reads them: of limited size, and JSON whatever their headers say."""

from typing import Any, Final

from aiohttp import ClientPayloadError

from adapters.http.session import CheckedResponse
from adapters.serialization.json_codec import read_json

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""Twice the size of 200 messages of Slack's maximum length, with their blocks."""
_CHUNK_BYTES: Final = 64 * 1024


class SlackResponse(CheckedResponse):
    """A response whose body can be read once, in any of three forms.

    aiohttp's own class reads without limit, trusts the declared character set, and decodes JSON with exceptions of
    many kinds, RecursionError among them.
    """

    async def read(self) -> bytes:
        """Returns the body. Raises ClientPayloadError if it is larger than MAX_BODY_BYTES."""
        body = bytearray()
        async for chunk in self.content.iter_chunked(_CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                self.close()
                raise ClientPayloadError(f"the body has more than {MAX_BODY_BYTES} bytes")
        return bytes(body)

    async def text(self, *_: Any, **__: Any) -> str:
        """Returns the body as a text; invalid UTF-8 becomes U+FFFD."""
        return (await self.read()).decode("utf-8", "replace")

    async def json(self, *_: Any, **__: Any) -> Any:
        """Returns the body's JSON. Raises JSONDecodeError."""
        return read_json(await self.read())
