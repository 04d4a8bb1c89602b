"""The door to the simulated AWS: every request is checked, may go wrong, and is answered."""

import io
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from socket import SHUT_RDWR, socket
from threading import RLock
from typing import Any

from botocore.exceptions import ParamValidationError
from botocore.model import OperationModel
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import (
    BackendRequest,
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from tests.ec2sim.checking import check
from tests.ec2sim.faults import Faults, What
from tests.ec2sim.known import check_dry_run
from tests.ec2sim.refusals import NotSimulatedError, Refusal, Refusing
from tests.ec2sim.s3 import operation_of, refused

__all__ = ["Door", "Server"]

_SCOPE = re.compile(
    r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]*)/(?P<service>[^/]+)/aws4_request"
)
# Whose requests are checked; what others take goes straight to moto, S3's unless it goes wrong.
_CHECKED = {
    "autoscaling": "autoscaling",
    "ce": "ce",
    "cloudformation": "cloudformation",
    "ec2": "ec2",
    "iam": "iam",
    "pricing": "pricing",
    "servicequotas": "service-quotas",
    "ssm": "ssm",
    "sts": "sts",
}

Environ = dict[str, Any]
Start = Any  # of the types of werkzeug and of flask: wsgiref's


class Door:
    """AWS as a WSGI application: our own answers where moto's are rough, else moto's."""

    def __init__(
        self,
        faults: Faults,
        lock: RLock,
        own: Mapping[str, Callable[[], BaseResponse]],
        heard: Mapping[str, Callable[[Mapping[str, Any]], None]],
    ) -> None:
        self._faults = faults
        self._lock = lock
        self._own = own
        self._heard = heard
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.closing = threading.Event()
        """Set when nothing is answered any more: calls that hang end then."""
        self.broken: list[Exception] = []
        """What went wrong in the simulator itself; a Cloud raises it when it is left."""
        self.calls: list[str] = []
        """The names of all calls so far, as `ec2.RunInstances`."""
        self.of_store: list[str] = []
        """The names of all calls to S3 so far, as `PutObject`: what S3's bill counts."""

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        service = found.group("service") if found else ""
        if service == "s3":
            return self._store(environ, start)
        if service not in _CHECKED:
            passed_on: Iterable[bytes] = self._moto(environ, start)
            return passed_on
        with self._lock:
            answer = self._answer(service, found.group("key") if found else "", environ, start)
        if answer is None:
            self.closing.wait()
            return _cut(environ)
        return answer

    def inside(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer a request that AWS makes of itself: nothing goes wrong on its way."""
        found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        return self._done(found.group("service") if found else "", BackendRequest(environ))(
            environ, start
        )

    def _store(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Moto's answer, unless something goes wrong with it."""
        name = operation_of(environ)
        self.of_store.append(name)
        try:
            with self._lock:
                lost = self._faults.of("s3", name)
        except Refusal as refusal:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return refused(refusal)(environ, start)
        if lost is What.HANGS:
            self.closing.wait()
        if lost is What.LOST_AFTER:
            Response.from_app(self._moto, environ, buffered=True)
        if lost is not None:
            return _cut(environ)
        passed_on: Iterable[bytes] = self._moto(environ, start)
        return passed_on

    def _answer(
        self, service: str, key: str, environ: Environ, start: Start
    ) -> Iterable[bytes] | None:
        request = BackendRequest(environ)
        request.get_data(cache=True, parse_form_data=False)
        reader = Refusing(_CHECKED[service])
        reader.setup_class(request)
        name = reader._get_action()
        self.calls.append(f"{_CHECKED[service]}.{name}")
        try:
            lost = self._faults.of(service, name, key)
            _check(reader, request)
            if service == "ec2":
                check_dry_run(name, reader.params)
        except Refusal as refusal:
            return _refused(reader, refusal)(environ, start)
        if lost is What.HANGS:
            return None
        if lost is What.LOST_BEFORE:
            return _cut(environ)
        if name in self._heard:
            self._heard[name](reader.params)
        answer = self._done(service, request)
        return _cut(environ) if lost is What.LOST_AFTER else answer(environ, start)

    def _done(self, service: str, request: BackendRequest) -> Response:
        if service not in self._own:
            return Response.from_app(self._moto, _again(request), buffered=True)
        ours = self._own[service]()
        try:
            status, headers, body = ours._dispatch(request)
        except NotImplementedError as error:
            return _refused(ours, NotSimulatedError(str(error)))
        except Exception as error:  # noqa: BLE001  # the test must hear of any
            self.broken.append(error)
            return _refused(ours, Refusal("InternalError", repr(error), status=500))
        return Response(body, int(headers.pop("status", status)), headers)


def _check(reader: BaseResponse, request: BackendRequest) -> None:
    """Read the parameters as the model says, and check them."""
    name = reader._get_action()
    reader.automated_parameter_parsing = True
    try:
        reader.parse_parameters(request)
    except ValueError as error:
        raise Refusal("MalformedInput", f"A value is of the wrong type: {error}") from error
    model = _model(reader, name)
    try:
        check(model, reader.params, frozenset(request.values))
    except ParamValidationError as error:
        raise Refusal("ValidationError", str(error)) from error


def _model(reader: BaseResponse, name: str) -> OperationModel:
    return get_service_model(reader.boto3_service_name).operation_model(name)


def _refused(reader: BaseResponse, refusal: Refusal) -> Response:
    status, headers, body = reader.serialized(ActionResult(refusal))
    return Response(body, status, headers)


def _again(request: BackendRequest) -> Environ:
    """The request, to be read once more."""
    environ: Environ = {
        key: value for key, value in request.environ.items() if not key.startswith("werkzeug.")
    }
    environ["wsgi.input"] = io.BytesIO(request.get_data())
    return environ


def _cut(environ: Environ) -> Iterable[bytes]:
    """End the connection without an answer."""
    connection: socket = environ["werkzeug.socket"]
    connection.shutdown(SHUT_RDWR)
    raise ConnectionAbortedError(HTTPStatus.REQUEST_TIMEOUT.phrase)


class _Handler(MotoRequestHandler):
    """Answers, and tells nobody."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class Server:
    """Answers on one socket, in threads of its own, until it is closed."""

    def __init__(self, door: Door, listening: socket) -> None:
        host, port = listening.getsockname()[:2]
        self._socket = listening
        self._server = make_server(
            host, port, door, threaded=True, request_handler=_Handler, fd=listening.fileno()
        )
        self.url = f"http://{host}:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._socket.close()
