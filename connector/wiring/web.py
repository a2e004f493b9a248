"""The page for support staff, served: by the daemon, whose legs push what is wished there, or by the command `web`,
which pushes it itself wherever no daemon works for the shop."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from connector.core.model import FINAL
from connector.errors import Busy, ConnectorError
from connector.ops import events as ev
from connector.wiring.office import AppOffice
from connector.wiring.pushing import fresh, lease, push

if TYPE_CHECKING:
    from connector import config
    from connector.config.web import WebSettings
    from connector.engine.ports import Events
    from connector.web.server import Server
    from connector.wiring.app import App

USERS = "web-users.json"
UNIX = "unix:"


def users_file(settings: config.Settings) -> Path:
    return settings.web.users_file or settings.state_dir / USERS


class Page:
    """pushing: for the command, which has no legs."""

    def __init__(self, events: Events, *, pushing: bool) -> None:
        self._events = events
        self._app: App | None = None
        self._made: tuple[WebSettings, Path, str] | None = None
        self._server: Server | None = None
        self._courier = Courier() if pushing else None

    @property
    def port(self) -> int:
        """Where it listens; 0 for a unix socket or nowhere."""
        return self._server.port if self._server is not None else 0

    def adopt(self, app: App, listen: str = "") -> None:
        """Serve the page of this app from now on. listen: instead of the setting. Raises CannotCreate when it cannot
        listen, SettingsError without the extra `web`; all is as before then. Sessions outlast a reload that leaves
        [web] alone."""
        settings, where = app.settings.web, listen or app.settings.web.listen
        made = (settings, users_file(app.settings), where)
        if made != self._made:
            stays = self._made is not None and self._made[2] == where  # the place is not free until the old one left
            if stays:
                self._leave()
            fresh_one = self._serve(settings, made[1], where) if where else None
            self._leave()
            self._server, self._made = fresh_one, made
            if fresh_one is not None:
                self._events.emit(ev.WEB_STARTED)
        self._app = app

    def _leave(self) -> None:
        before, self._server = self._server, None
        self._made = None
        if before is not None:
            before.close()
            self._events.emit(ev.WEB_STOPPED)

    def _serve(self, settings: WebSettings, users: Path, where: str) -> Server:
        from connector.web.app import create_app
        from connector.web.guard import Proxy
        from connector.web.server import Server
        from connector.web.sessions import Sessions
        from connector.web.users import Users

        secret = settings.user_header_secret
        known = Users(users)
        known.all()  # what is wrong with the file is told at the start
        page = create_app(
            self._office,
            known,
            self._events,
            sessions=Sessions(settings.idle_seconds, settings.session_seconds),
            proxy=Proxy(
                settings.user_header,
                secret.get_secret_value() if secret else "",
                where.startswith(UNIX) and secret is None,
                settings.user_header_role,
            ),
            hosts=frozenset(host.lower() for host in settings.hosts),
        )
        return Server(where, page)

    def _office(self) -> AppOffice:
        if self._app is None:
            raise Busy("web.starting")
        app, courier = self._app, self._courier
        if courier is None:
            return AppOffice(app)
        return AppOffice(app, lambda shop, ids: courier.take(app, shop, ids))

    def wait(self) -> None:
        if self._server is not None:
            self._server.wait()

    def close(self) -> None:
        self._leave()
        if self._courier is not None:
            self._courier.close()


class Courier:
    """Pushes what people wished for, one after the other, until it is done or a daemon takes over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, list[int]] = {}
        self._app: App | None = None
        self._news = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="courier", daemon=True)
        self._thread.start()

    def take(self, app: App, shop: str, ids: Sequence[int]) -> None:
        with self._lock:
            self._app = app
            self._open.setdefault(shop, []).extend(ids)
        self._news.set()

    def close(self) -> None:
        self._over.set()
        self._news.set()
        self._thread.join(10)

    def _loop(self) -> None:
        while not self._over.is_set():
            self._news.wait(1.0)
            self._news.clear()
            app = self._app
            with self._lock:
                waiting = {shop: list(ids) for shop, ids in self._open.items() if ids}
            for shop, ids in waiting.items():
                if app is not None and not self._over.is_set():
                    with suppress(ConnectorError):  # what stays open is tried again; the page shows its state
                        self._work(app, shop, ids)

    def _work(self, app: App, shop: str, ids: list[int]) -> None:
        intents = [intent for intent in fresh(app, ids) if intent.state not in FINAL]
        followed: list[int] = []
        try:
            if intents and app.mirror.outbox.due(shop, app.clock.now(), 1, [one.id for one in intents]):
                with suppress(Busy), lease(app, shop):
                    followed = push(app, shop, intents, lambda error: None)
        finally:
            done = {one.id for one in fresh(app, ids) if one.state in FINAL}
            with self._lock:
                known = {*self._open[shop], *followed}
                self._open[shop] = sorted(known - done)
