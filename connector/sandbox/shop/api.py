"""One webservice request from headers to answer, in the shop's order of checks.

Host, key, switch, shop, method, resource, right, then reading or writing. Knows nothing of sockets, WSGI or faults.
Sources: recordings 01-02, 20-37, 87-91, 125, 142-143, 183-187, 237-243 of the four versions.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus

from connector.sandbox.shop import render_json, render_xml, write
from connector.sandbox.shop.definitions import Resource
from connector.sandbox.shop.entities import Entity, load
from connector.sandbox.shop.query import Display, closest, languages_of, parse_display, select_ids
from connector.sandbox.shop.rules import php_int
from connector.sandbox.shop.service import Work
from connector.sandbox.shop.world import ApiError, Died, Key, World

_REALM = (
    'Basic realm="Welcome to PrestaShop Webservice, please enter the authentication key as the login. '
    'No password required."'
)
_XML, _JSON, _HTML = "text/xml;charset=utf-8", "application/json", "text/html; charset=utf-8"


@dataclass
class Request:
    """An HTTP request, header names in lower case; `path` without the leading `/api`."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def params(self) -> dict[str, str]:
        """The decoded query; the last of equal names wins, as in PHP."""
        found = {}
        for part in self.query.split("&"):
            if part:
                name, _, value = part.partition("=")
                found[unquote_plus(name)] = unquote_plus(value)
        return found

    @property
    def segments(self) -> list[str]:
        return [unquote_plus(part) for part in self.path.strip("/").split("/")]

    @property
    def resource(self) -> str:
        return self.segments[0]


@dataclass
class Answer:
    """An HTTP answer; the one to a HEAD has the body of the GET, which the server keeps back. `work` is not sent."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    work: Work = field(default_factory=Work)


def answer(world: World, request: Request) -> Answer:
    """The shop's answer to a request; rows change under the store's lock."""
    with world.store.lock:
        try:
            return _answer(world, request)
        except Died as died:
            return Answer(died.status, {"Content-Type": _HTML}, died.body)


def _answer(world: World, request: Request) -> Answer:
    params = request.params
    redirect = _redirect(world, request, params)
    if redirect is not None:
        return redirect
    given = _key_of(request, params)
    if given is None:
        if request.method == "OPTIONS" and world.dialect.mark == "9":
            allowed = {"Access-Control-Allow-Headers": "Authorization, Content-Type", "Content-Type": _HTML}
            return Answer(200, allowed, b"200 OK")
        return Answer(401, {"WWW-Authenticate": _REALM, "Content-Type": _HTML}, b"401 Unauthorized")
    json = _wants_json(request, params)
    headers = {"X-Powered-By": "PrestaShop Webservice"}
    hidden = world.dialect.hides_version_before_login
    headers["PSWS-Version"] = "0" if hidden else world.dialect.version
    try:
        if not world.webservice_enabled:
            raise ApiError(
                503, 22, "The PrestaShop webservice is disabled. Please activate it in the PrestaShop Back Office"
            )
        key = _checked_key(world, given)
        headers["PSWS-Version"] = world.dialect.version
        dispatcher = _Dispatcher(world, request, params, key, json)
        result = dispatcher.run()
    except ApiError as error:
        # only a refused key asks for credentials again, a missing right does not (24 against 29)
        if error.status == 401 and {code for code, _ in error.errors} <= {16, 17, 18, 20, 21}:
            headers["WWW-Authenticate"] = _REALM
        body = render_json.errors(world, error.errors) if json else render_xml.errors(error.errors)
        return Answer(error.status, headers | {"Content-Type": _JSON if json else _XML}, body)
    finished = _finished(world, request, result, headers, json)
    finished.work = dispatcher.work
    return finished


def _finished(
    world: World, request: Request, result: tuple[int, bytes | None], headers: dict[str, str], json: bool
) -> Answer:
    status, body = result
    if body is None:
        return Answer(status, headers)
    digest = hashlib.sha1(body).hexdigest()
    if world.dialect.answers_not_modified and request.headers.get("local-content-sha1") == digest:
        return Answer(304, headers | {"Content-Sha1": digest})
    headers |= {"Content-Type": _JSON if json else _XML, "Content-Sha1": digest}
    return Answer(status, headers, body)


def _redirect(world: World, request: Request, params: dict[str, str]) -> Answer | None:
    """A host that is not the shop's, or an unknown shop, is sent to the default shop's front page."""
    host = request.headers.get("host", "")
    foreign = world.domain is not None and host != "" and host != world.domain
    wanted = params.get("id_shop", "")
    if wanted == "all":
        unknown = world.dialect.id_shop_all_redirects
    else:
        unknown = wanted.isdigit() and int(wanted) not in world.shop_ids()
    if not (foreign or unknown):
        return None
    query = {"url": request.path.strip("/")} | {name: value for name, value in params.items() if name != "id_shop"}
    text = "&".join(f"{quote(name)}={quote(value)}" for name, value in query.items())
    return Answer(302, {"Location": f"{world.base_url}{world.dialect.redirect_path}?{text}", "Content-Type": _HTML})


def _key_of(request: Request, params: dict[str, str]) -> str | None:
    authorization = request.headers.get("authorization", "")
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip()).decode("utf-8", "replace").partition(":")[0]
        except (binascii.Error, ValueError):
            return ""
    return params.get("ws_key")


def _wants_json(request: Request, params: dict[str, str]) -> bool:
    for value in (
        request.headers.get("io-format"),
        request.headers.get("output-format"),
        params.get("output_format"),
        params.get("io_format"),
    ):
        if value:
            return value == "JSON"
    return False


def _checked_key(world: World, given: str) -> Key:
    if given == "":
        raise ApiError(401, 17, "Authentication key is empty")
    if len(given) != 32:
        raise ApiError(401, 18, "Invalid authentication key format")
    key = world.keys.get(given)
    if key is None or not key.active:
        raise ApiError(401, 20, "Authentification key is not active", (21, "No permission for this authentication key"))
    return key


class _Dispatcher:
    """The part of a request after the key is known."""

    def __init__(self, world: World, request: Request, params: dict[str, str], key: Key, json: bool) -> None:
        self.world, self.request, self.params, self.key, self.json = world, request, params, key, json
        self.method = params.get("ps_method", request.method).upper()
        self.work = Work()

    def run(self) -> tuple[int, bytes | None]:
        wanted = self.params.get("id_shop", "")
        if wanted and wanted != "all" and not wanted.isdigit():
            raise ApiError(404, 999, "This shop id does not exist")
        languages = languages_of(self.world, self.params)
        if self.method not in self.world.dialect.methods:
            raise ApiError(405, 23, f"Method {self.method} is not valid")
        name = self.request.resource
        if name == "":
            return self._root()
        self._check_right(name)
        resource = self.world.resources.get(name)
        row_id = self.request.segments[1] if len(self.request.segments) > 1 else ""
        if resource is None:
            return self._without_rows(name, row_id)
        if self.method in ("GET", "HEAD"):
            return self._read(resource, row_id, languages)
        if self.method == "DELETE":
            write.delete(self.world, resource, write.ids_to_delete(row_id, self.params))
            return 200, None
        self.work = Work(resource.name, rows=1)
        written = write.save(self.world, resource, self.method, self.request.body, self.params)
        status = 201 if self.method == "POST" else 200
        return status, self._render_single(written, languages, Display(full=True))

    def _root(self) -> tuple[int, bytes | None]:
        if not self.json:
            return 200, render_xml.api_root(self.world, self.key)
        if self.world.dialect.api_root_json_fails:
            raise Died(500)
        return 200, render_json.api_root(self.world, self.key)

    def _check_right(self, name: str) -> None:
        names = [entry.name for entry in self.world.api]
        if name not in names:
            full = '", "'.join(names)
            raise ApiError(
                400,
                27,
                f'Resource of type "{name}" does not exists. Did you mean: "{closest(name, names)}"? '
                f'The full list is: "{full}"',
            )
        if not self.key.knows(name):
            raise ApiError(401, 26, f'Resource of type "{name}" is not allowed with this authentication key')
        if not self.key.allows(name, self.method):
            raise ApiError(
                405,
                25,
                f"Method {self.method} is not allowed for the resource {name} with this authentication key",
            )

    def _without_rows(self, name: str, row_id: str) -> tuple[int, bytes | None]:
        """A resource that the api root lists and the sandbox does not fill."""
        if self.method not in ("GET", "HEAD"):
            raise ApiError(405, 101, f"Method {self.method} is not allowed for the resource {name}")
        if row_id:
            return 404, None
        empty = Resource(name, name, name, ())
        return 200, self._renderer([], Display(minimum=True)).ids(empty, [])

    def _read(self, resource: Resource, row_id: str, languages: list[int]) -> tuple[int, bytes | None]:
        if "schema" in self.params and not row_id:
            return self._schema(resource, languages)
        filters = {
            name[7:-1]: value
            for name, value in self.params.items()
            if name.startswith("filter[") and name.endswith("]")
        }
        if row_id:
            display = parse_display(self.world, resource, self.params, single=True)
            self.work = _work(resource, 1, display)
            found = load(self.world, resource, [php_int(row_id)], display)
            if not found or self.world.store.get(resource.name, php_int(row_id)) is None:
                return 404, None
            return 200, self._render_single(found, languages, display)
        ids = select_ids(self.world, resource, self.params, filters)
        display = parse_display(self.world, resource, self.params, single=False)
        self.work = _work(resource, len(ids), display)
        renderer = self._renderer(languages, display)
        if display.minimum:
            return 200, renderer.ids(resource, ids)

        def render(missing: Sequence[int]) -> dict[int, bytes]:
            return {
                entity.values["id"]: renderer.row(entity) for entity in load(self.world, resource, missing, display)
            }

        key = (self.json, resource.name, str(display), tuple(languages), self.world.base_url)
        return 200, renderer.page(resource, self.world.rendered.rows(key, ids, render))

    def _renderer(self, languages: list[int], display: Display) -> render_json.JsonRenderer | render_xml.XmlRenderer:
        form = render_json.JsonRenderer if self.json else render_xml.XmlRenderer
        return form(self.world, languages, display)

    def _render_single(self, entities: list[Entity], languages: list[int], display: Display) -> bytes:
        if self.json:
            as_list = "display" in self.params
            return render_json.JsonRenderer(self.world, languages, display).single(entities, as_list=as_list)
        return render_xml.XmlRenderer(self.world, languages, display).single(entities)

    def _schema(self, resource: Resource, languages: list[int]) -> tuple[int, bytes | None]:
        kind = self.params["schema"]
        if kind not in ("blank", "synopsis"):
            raise ApiError(
                400,
                28,
                "Please select a schema of type 'synopsis' to get the whole schema informations (which fields are "
                "required, which kind of content...) or 'blank' to get an empty schema to fill before using POST "
                "request",
            )
        return 200, render_xml.XmlRenderer(self.world, languages, Display(full=True)).schema(resource, kind)


def _work(resource: Resource, count: int, display: Display) -> Work:
    if display.minimum:
        return Work(resource.name, ids=count)
    return Work(resource.name, rows=count) if display.full else Work(resource.name, partial_rows=count)
