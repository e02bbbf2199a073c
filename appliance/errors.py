"""Every error a caller can meet. A class holds one HTTP status and one `code` that never changes;
the message says what was wrong, `fix` says what to do.

    GatehouseError                     500 internal_error
    ├── BadRequest                     400 bad_request
    │   ├── MalformedJson                  invalid_json
    │   ├── InvalidField                   invalid_field
    │   │   └── PreviousResponseUnknown    previous_response_not_found
    │   ├── ContextLengthExceeded          context_length_exceeded
    │   ├── ContentBlocked                 content_blocked
    │   ├── FileUnreadable                 file_unreadable
    │   ├── FeatureUnsupported             unsupported_feature
    │   └── UpstreamRefusedRequest         upstream_bad_request
    ├── Unauthorized                   401 unauthorized
    │   ├── KeyMissing                     missing_api_key
    │   ├── KeyInvalid                     invalid_api_key
    │   ├── KeyRevoked                     revoked_api_key
    │   ├── KeyExpired                     expired_api_key
    │   ├── TokenInvalid                   invalid_token
    │   ├── CredentialsWrong               wrong_credentials
    │   └── UpstreamUnauthorized           upstream_unauthorized
    ├── Forbidden                      403 forbidden
    │   ├── LoopbackOnly                   loopback_only
    │   ├── ModelNotAllowed                model_not_allowed
    │   ├── HttpsRequired                  https_required
    │   ├── RegistrationClosed             registration_closed
    │   ├── SetupCodeRequired              setup_code_required
    │   ├── FilesFull                      files_full
    │   └── UpstreamForbidden              upstream_forbidden
    ├── NotFound                       404 not_found
    │   ├── RouteUnknown                   route_not_found
    │   ├── ModelUnknown                   model_not_found
    │   ├── ResponseUnknown                response_not_found
    │   ├── FileUnknown                    file_not_found
    │   └── UpstreamModelUnknown           upstream_model_not_found
    ├── MethodNotAllowed               405 method_not_allowed
    ├── BodyTooSlow                    408 request_timeout
    ├── Conflict                       409 conflict
    ├── TooLarge                       413 body_too_large
    ├── HeadersTooLarge                431 headers_too_large
    ├── HostUnknown                    421 host_not_allowed
    ├── TooManyRequests                429 rate_limit_exceeded
    │   ├── TooManyAttempts                too_many_attempts
    │   ├── QueueFull                      queue_full
    │   └── UpstreamRateLimited            upstream_rate_limited
    ├── CallerLeft                     499 caller_left
    ├── UpstreamFailed                 502 upstream_failed
    │   └── UpstreamCut                    upstream_cut
    ├── Unavailable                    503 unavailable
    │   ├── DeploymentsUnavailable         deployments_unavailable
    │   ├── Overloaded                     overloaded
    │   ├── ShuttingDown                   shutting_down
    │   ├── GuardrailFailed                guardrail_failed
    │   ├── LedgerUnavailable              ledger_unavailable
    │   ├── LocalModelFailed               local_model_failed
    │   ├── LocalModelStarting             local_model_starting
    │   ├── ModelTooLarge                  model_too_large
    │   └── UpstreamOverloaded             upstream_overloaded
    ├── UpstreamTimeout                504 upstream_timeout
    │   └── FirstTokenLate                 first_token_late
    └── StorageFull                    507 storage_full

No secret, prompt or detected value ever stands in a message. The vendors' SDKs choose their
exception by the status alone (openai-python: 400 BadRequestError … >= 500 InternalServerError).
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class GatehouseError(Exception):
    """The root: something the caller is told about, with a status, a code and a way out."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    type: ClassVar[str] = "server_error"

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        param: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.param = param
        self.retry_after_seconds = retry_after_seconds

    @property
    def code_shown(self) -> str:
        """The code in the body; only an upstream's own refusal of a request differs from `code`."""
        return self.code

    def body(self) -> dict[str, object]:
        """The error as OpenAI's clients read it, plus `fix`."""
        inner: dict[str, object] = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code_shown,
        }
        if self.fix:
            inner["fix"] = self.fix
        return {"error": inner}


class BadRequest(GatehouseError):
    """The request can't be served as it stands; sending it again changes nothing."""

    status = 400
    code = "bad_request"
    type = "invalid_request_error"


class MalformedJson(BadRequest):
    """The body is no JSON; the message says where it breaks."""

    code = "invalid_json"


class InvalidField(BadRequest):
    """A field has the wrong type or value; `param` names it."""

    code = "invalid_field"


class PreviousResponseUnknown(InvalidField):
    """What a request continues from isn't there: never was, deleted, expired, or somebody else's."""

    code = "previous_response_not_found"


class ContextLengthExceeded(BadRequest):
    """Prompt and answer don't fit the model's context; the message has both figures."""

    code = "context_length_exceeded"


class ContentBlocked(BadRequest):
    """A policy stops what stands in the request. `findings`: types and places, never values."""

    code = "content_blocked"

    def __init__(
        self, message: str, *, findings: Sequence[Mapping[str, object]] = (), fix: str = "", param: str | None = None
    ) -> None:
        super().__init__(message, fix=fix, param=param)
        self.findings = findings

    def body(self) -> dict[str, object]:
        told = super().body()
        inner = told["error"]
        assert isinstance(inner, dict)
        inner["findings"] = list(self.findings)
        return told


class FileUnreadable(BadRequest):
    """A file can't be read, so nobody knows what is in it; `file_code` says why: ENCRYPTED, MALFORMED, TOO_LARGE and the like."""

    code = "file_unreadable"

    def __init__(self, message: str, *, file_code: str = "", fix: str = "", param: str | None = None) -> None:
        super().__init__(message, fix=fix, param=param)
        self.file_code = file_code

    def body(self) -> dict[str, object]:
        told = super().body()
        inner = told["error"]
        assert isinstance(inner, dict)
        inner["file_code"] = self.file_code
        return told


class FeatureUnsupported(BadRequest):
    """The model asked for can't do this; nothing was dropped in silence."""

    code = "unsupported_feature"


class UpstreamRefusedRequest(BadRequest):
    """The provider found fault with the request itself (its 400, 404, 409, 413 or 422)."""

    code = "upstream_bad_request"

    def __init__(self, message: str, *, upstream_code: str | None = None, fix: str = "", param: str | None = None) -> None:
        super().__init__(message, fix=fix, param=param)
        self.upstream_code = upstream_code

    @property
    def code_shown(self) -> str:
        # Callers act on codes such as context_length_exceeded: the provider's own is kept where it gave one.
        return self.upstream_code or self.code


class Unauthorized(GatehouseError):
    """We don't know who this is."""

    status = 401
    code = "unauthorized"
    type = "authentication_error"


class KeyMissing(Unauthorized):
    """The request carries no API key."""

    code = "missing_api_key"


class KeyInvalid(Unauthorized):
    """No such API key: mistyped, or of another appliance."""

    code = "invalid_api_key"


class KeyRevoked(Unauthorized):
    """The API key was revoked."""

    code = "revoked_api_key"


class KeyExpired(Unauthorized):
    """The API key is past its date."""

    code = "expired_api_key"


class TokenInvalid(Unauthorized):
    """A sign-in token that is expired, foreign or broken."""

    code = "invalid_token"


class CredentialsWrong(Unauthorized):
    """E-mail and password don't match; says the same for an unknown user."""

    code = "wrong_credentials"


class UpstreamUnauthorized(Unauthorized):
    """The provider refused the appliance's own credential; the caller's key is fine."""

    code = "upstream_unauthorized"


class Forbidden(GatehouseError):
    """We know who this is, and it may not."""

    status = 403
    code = "forbidden"
    type = "permission_error"


class LoopbackOnly(Forbidden):
    """The API key works from the appliance's own machine only."""

    code = "loopback_only"


class ModelNotAllowed(Forbidden):
    """The API key, or its tenant, may not use this model; the message says which ones it may."""

    code = "model_not_allowed"


class HttpsRequired(Forbidden):
    """Plain HTTP reached the LAN's listener, which only says how to join."""

    code = "https_required"


class RegistrationClosed(Forbidden):
    """There is an owner already, and registration is not open."""

    code = "registration_closed"


class SecondFactorRequired(CredentialsWrong):
    """The password is right; the account's second factor is asked for as well."""

    code = "second_factor_required"


class SetupCodeRequired(Forbidden):
    """The first registration from another machine needs the setup code that was printed at start."""

    code = "setup_code_required"


class FilesFull(Forbidden):
    """The organisation has uploaded as many files, or as large ones, as it may."""

    code = "files_full"


class UpstreamForbidden(Forbidden):
    """The provider doesn't allow this to the appliance's credential."""

    code = "upstream_forbidden"


class NotFound(GatehouseError):
    """What the path names does not exist."""

    status = 404
    code = "not_found"
    type = "invalid_request_error"


class RouteUnknown(NotFound):
    """The appliance has no such route."""

    code = "route_not_found"


class ModelUnknown(NotFound):
    """No model of this name is offered; `fix` lists those that are."""

    code = "model_not_found"


class ResponseUnknown(NotFound):
    """No response of this id is kept for this caller."""

    code = "response_not_found"


class FileUnknown(NotFound):
    """No uploaded file of this id is kept for this caller."""

    code = "file_not_found"


class UpstreamModelUnknown(NotFound):
    """The provider knows no model of this name."""

    code = "upstream_model_not_found"


class MethodNotAllowed(GatehouseError):
    """The route exists, but not for this method."""

    status = 405
    code = "method_not_allowed"
    type = "invalid_request_error"


class BodyTooSlow(GatehouseError):
    """The body did not arrive within its deadline."""

    status = 408
    code = "request_timeout"
    type = "invalid_request_error"


class Conflict(GatehouseError):
    """It contradicts what is there already."""

    status = 409
    code = "conflict"
    type = "invalid_request_error"


class PreconditionFailed(GatehouseError):
    """If-Match names another version than the one that is there: somebody else changed it meanwhile."""

    status = 412
    code = "precondition_failed"
    type = "invalid_request_error"


class HostUnknown(GatehouseError):
    """The request is addressed to a name that is not this machine's."""

    status = 421
    code = "host_not_allowed"
    type = "invalid_request_error"


class TooLarge(GatehouseError):
    """The body is larger than the appliance takes."""

    status = 413
    code = "body_too_large"
    type = "invalid_request_error"


class HeadersTooLarge(GatehouseError):
    """The head of the request is larger than the appliance takes."""

    status = 431
    code = "headers_too_large"
    type = "invalid_request_error"


class TooManyRequests(GatehouseError):
    """More requests than are allowed; `Retry-After` says how long to wait."""

    status = 429
    code = "rate_limit_exceeded"
    type = "rate_limit_error"


class TooManyAttempts(TooManyRequests):
    """Too many failed sign-ins; `Retry-After` says how long to wait."""

    code = "too_many_attempts"


class QueueFull(TooManyRequests):
    """The local model has as many requests waiting as it may."""

    code = "queue_full"


class UpstreamRateLimited(TooManyRequests):
    """The provider asks to slow down; its `Retry-After` is handed on."""

    code = "upstream_rate_limited"


class CallerLeft(GatehouseError):
    """The caller hung up. Nobody reads this; the ledger and the log do."""

    status = 499
    code = "caller_left"


class UpstreamFailed(GatehouseError):
    """The provider failed, or could not be reached."""

    status = 502
    code = "upstream_failed"


class UpstreamCut(UpstreamFailed):
    """The provider's answer ended before it was finished."""

    code = "upstream_cut"


class Unavailable(GatehouseError):
    """The appliance can't serve this now."""

    status = 503
    code = "unavailable"


class DeploymentsUnavailable(Unavailable):
    """No deployment of the route can be asked now; the message says of each why, Retry-After when the first one may be."""

    code = "deployments_unavailable"


class Overloaded(Unavailable):
    """As many requests are in flight as the appliance may hold."""

    code = "overloaded"


class ShuttingDown(Unavailable):
    """The appliance is stopping."""

    code = "shutting_down"


class GuardrailFailed(Unavailable):
    """An inspection could not be made, and the policy doesn't let a text pass that nobody looked at."""

    code = "guardrail_failed"


class LedgerUnavailable(Unavailable):
    """Usage can't be written, so nothing is sent: unbooked spend is worse than a refusal."""

    code = "ledger_unavailable"


class LocalModelFailed(Unavailable):
    """The worker that runs the local model died or could not load it."""

    code = "local_model_failed"


class LocalModelStarting(Unavailable):
    """The local model is being started; `Retry-After` says when to ask again."""

    code = "local_model_starting"


class ModelTooLarge(Unavailable):
    """The local model does not fit the memory that local models may use; the message has both figures."""

    code = "model_too_large"


class UpstreamOverloaded(Unavailable):
    """The provider says that it is overloaded."""

    code = "upstream_overloaded"


class UpstreamTimeout(GatehouseError):
    """The provider did not answer in time."""

    status = 504
    code = "upstream_timeout"


class FirstTokenLate(UpstreamTimeout):
    """The route's bound on the first token was over; we stopped waiting, though the provider may still be at work."""

    code = "first_token_late"


class StorageFull(GatehouseError):
    """There is no room for more files on the appliance's disk."""

    status = 507
    code = "storage_full"


def all_errors() -> list[type[GatehouseError]]:
    """The whole tree, root first, for the documents and the tests. Not what a room keeps to itself: callers see its parent."""
    found: list[type[GatehouseError]] = [GatehouseError]
    for parent in found:
        found.extend(kind for kind in parent.__subclasses__() if not kind.__name__.startswith("_"))
    return found
