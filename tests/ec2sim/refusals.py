"""What AWS answers instead of doing what was asked."""

from moto.core.common_types import TYPE_RESPONSE
from moto.core.errors import COMMON_ERROR_CODES
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

__all__ = ["NotSimulatedError", "Refusal", "Refusing"]


class Refusal(ServiceException):
    """An error of AWS's, as it goes over the wire."""

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(code, message)
        self.status = status
        if code not in COMMON_ERROR_CODES:  # moto warns of codes that no service model lists
            COMMON_ERROR_CODES.append(code)


class NotSimulatedError(Refusal):
    """AWS could do this; the simulator says that it cannot, rather than do it half."""

    def __init__(self, what: str) -> None:
        super().__init__("NotSimulated", f"The simulator does not know {what}.", status=501)


class Refusing(BaseResponse):
    """Answers with the HTTP status of a refusal, where that is not the model's."""

    def serialized(self, action_result: ActionResult) -> TYPE_RESPONSE:
        """The answer's status, headers and body."""
        status, headers, body = super().serialized(action_result)
        result = action_result.result
        if isinstance(result, Refusal) and result.status:
            status = result.status
        return status, headers, body
