"""A token server to play with: authorization codes, device codes, refresh tokens that rotate, introspection, faults.

As strict as the strictest provider: a refresh token works once, a code once and only with its verifier, a client must
prove itself. `with TokenServer() as server:` serves on loopback; `as_toml` writes the oauth table for it.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class TokenServer:
    """`user`: whom tokens are for. grace: the refresh token before the newest one still works, as at Microsoft.

    `asked` holds the grant type of every request to the token endpoint. `before_answer` is called when tokens were made
    and the answer is not yet sent. `service_key` is the public key that signed assertions are checked with.
    """

    client_id = "client-1"
    client_secret = "client-geheim"

    def __init__(self, user: str = "support@shop.test", *, grace: bool = False) -> None:
        self.user = user
        self.lifetime = 3600
        self.grace = grace
        self.rotates = True
        self.asked: list[str] = []
        self.before_answer: Callable[[], None] = lambda: None
        self.service_key: RSAKey | None = None
        self.device_agreed = threading.Event()
        self._faults: deque[tuple[int, str, str]] = deque()
        self._number = itertools.count(1)
        self._access: dict[str, float] = {}
        self._refresh: list[str] = []
        self._codes: dict[str, str] = {}
        self._server = make_server("127.0.0.1", 0, self._wsgi, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> TokenServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- what tests do with it --------------------------------------------------------------------------------------

    def settings(self, flow: str = "authorization_code") -> dict[str, str]:
        return {
            "provider": "custom",
            "flow": flow,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": "mail",
            "token_url": f"{self.url}/token",
            "authorize_url": f"{self.url}/authorize",
            "device_url": f"{self.url}/device",
        }

    def new_refresh_token(self) -> str:
        """As if a person had agreed elsewhere."""
        self._refresh.append(f"refresh-{next(self._number)}")
        return self._refresh[-1]

    def new_access_token(self) -> str:
        token = f"access-{next(self._number)}"
        self._access[token] = time.time() + self.lifetime
        return token

    def withdraw(self) -> None:
        """The person changes the password: nothing that was given works any more."""
        self._access.clear()
        self._refresh.clear()

    def forget_access_tokens(self) -> None:
        self._access.clear()

    def fail_next(self, status: int, body: str = "", content_type: str = "application/json", times: int = 1) -> None:
        self._faults.extend([(status, body, content_type)] * times)

    def agree(self, url: str, **changes: str) -> str:
        """What the browser ends at after the person agreed to the request at `url`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{next(self._number)}"
        self._codes[code] = asked["code_challenge"]
        said = {"state": asked["state"], "code": code} | changes
        return f"{asked['redirect_uri']}?{urlencode({name: value for name, value in said.items() if value})}"

    # --- inside -----------------------------------------------------------------------------------------------------

    def _wsgi(self, environ: dict, start: Callable) -> object:
        request = Request(environ)
        return self._answer(request)(environ, start)

    def _answer(self, request: Request) -> Response:
        if request.path == "/introspect":
            ends = self._access.get(request.form.get("token", ""), 0)
            return _json({"active": ends > time.time(), "username": self.user})
        if self._faults:
            status, body, content_type = self._faults.popleft()
            headers = {"Location": f"{self.url}/elsewhere"} if 300 <= status < 400 else {}
            return Response(body, status, headers, content_type=content_type)
        if request.path == "/device":
            return _json({
                "device_code": "device-1", "user_code": "WDJB-MJHT", "verification_uri": f"{self.url}/activate",
                "interval": 1, "expires_in": 900,
            })  # fmt: skip
        if request.path != "/token":
            return Response("<html>not here</html>", 404, content_type="text/html")
        return self._token(request.form.to_dict())

    def _token(self, form: dict[str, str]) -> Response:
        grant = form.get("grant_type", "")
        self.asked.append(grant)
        if grant == JWT_GRANT:
            return self._assertion(form)
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return _error("invalid_client", 401)
        if grant == "client_credentials":
            return self._tokens(refresh=False)
        if grant == "refresh_token":
            valid = self._refresh[-2:] if self.grace else self._refresh[-1:]
            return self._tokens() if form.get("refresh_token") in valid else _error("invalid_grant")
        if grant == "authorization_code":
            challenge = self._codes.pop(form.get("code", ""), "")
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            proven = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
            return self._tokens() if proven else _error("invalid_grant")
        if grant == DEVICE_GRANT:
            return self._tokens() if self.device_agreed.is_set() else _error("authorization_pending")
        return _error("unsupported_grant_type")

    def _assertion(self, form: dict[str, str]) -> Response:
        assert self.service_key is not None
        try:
            claims = jwt.decode(form["assertion"], self.service_key).claims
        except ValueError:
            return _error("invalid_grant")
        delegated = claims["sub"] == self.user and claims["scope"] == "mail" and claims["aud"] == f"{self.url}/token"
        return self._tokens(refresh=False) if delegated else _error("unauthorized_client", 401)

    def _tokens(self, *, refresh: bool = True) -> Response:
        said: dict[str, object] = {
            "access_token": self.new_access_token(),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }
        if refresh and (self.rotates or not self._refresh):
            said["refresh_token"] = self.new_refresh_token()
        self.before_answer()
        return _json(said)


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


def _error(code: str, status: int = 400) -> Response:
    return _json({"error": code, "error_description": "AADSTS70008: somebody@shop.test is not welcome"}, status)


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Nothing: a test reads `asked`."""
