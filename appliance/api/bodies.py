"""JSON bodies on Litestar's routes, read as everywhere else: whatever the Content-Type says, errors with their place.

Litestar would read a body by its Content-Type (curl's `-d` calls everything a form) and tell of no line or column. Where
the credential is an Authorization header, reading JSON out of a form's type opens no door to other web sites; the two
routes that take no credential look at where the request came from (admin/access.py).
"""

from typing import Any, ClassVar

import msgspec
from litestar import Request
from litestar.dto import AbstractDTO

from appliance.bodies import read, refusal


class JsonBody(AbstractDTO[Any]):
    """Litestar's seam between bytes and a handler's `data`; here the struct is the model, and its decoder does it all."""

    decoder: ClassVar[msgspec.json.Decoder[Any]]

    def decode_bytes(self, value: bytes) -> Any:
        return read(value, self.decoder)

    @classmethod
    def create_for_field_definition(cls, *_: Any, **__: Any) -> None:
        """No transfer model is needed."""

    @classmethod
    def create_openapi_schema(cls, field_definition: Any, handler_id: str, schema_creator: Any) -> Any:
        return schema_creator.for_field_definition(field_definition)


async def refuse_empty(request: Request[Any, Any, Any]) -> None:
    """`before_request`: Litestar takes an empty body for an argument left out, and would not say what is missing."""
    if not await request.body():
        raise refusal(msgspec.DecodeError(), b"")


def json_body(model: type[Any]) -> dict[str, Any]:
    """The options of a route whose `data` is a JSON body: `@post(path, **json_body(ApiKeyCreate))`."""
    body = type(f"JsonBody{model.__name__}", (JsonBody,), {"model_type": model, "decoder": msgspec.json.Decoder(model)})
    return {"dto": body, "return_dto": None, "before_request": refuse_empty}


def json_body_or_none(model: type[Any]) -> dict[str, Any]:
    """The same where a request without a body means something: the handler's `data` may be None."""
    return {name: option for name, option in json_body(model).items() if name != "before_request"}
