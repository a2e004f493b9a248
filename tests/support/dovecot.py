"""A real Dovecot of the system's packages, on free ports, with its own settings and mail folder.

`with Dovecot() as server:` gives host, port (plain and STARTTLS), ssl_port, user, password and cert_file. Writes 2.3 or
2.4 settings by `dovecot --version`. Runs as root (the mails then belong to `nobody`) or as anybody else.
"""

from __future__ import annotations

import getpass
import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from imapclient import imap_utf7

START_SECONDS = 15.0


def require_dovecot() -> None:
    """Skip loudly where Dovecot is not installed; fail there when CI is set."""
    missing = [tool for tool in ("dovecot", "openssl") if shutil.which(tool, path=_path()) is None]
    if missing:
        reason = f"{', '.join(missing)} not installed (apt-get install dovecot-imapd openssl)"
        import pytest  # here, so that the benchmark can start a server without it

        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def make_certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A self-made certificate for `name` and 127.0.0.1: (certificate, key), both PEM."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return cert, key


class Dovecot:
    """A context manager. `hide` names capabilities (MOVE, UIDPLUS) that the server does not announce. `introspect`: the
    address at which a token server tells whose an access token is (RFC 7662); `mechanisms`: by which tokens are taken.
    """

    def __init__(
        self, *, hide: tuple[str, ...] = (), introspect: str = "", mechanisms: str = "oauthbearer xoauth2"
    ) -> None:
        self.host = "127.0.0.1"
        self.user = "support@shop.test"
        self.password = 'söcret "quoted" \\ %d'  # what naive LOGIN quoting breaks on
        self._hide = hide
        self._introspect = introspect
        self._mechanisms = mechanisms if introspect else ""

    def __enter__(self) -> Dovecot:
        self.port, self.ssl_port = _free_ports(2)
        self._folder = Path(tempfile.mkdtemp(prefix="dovecot-test-"))
        self._folder.chmod(0o755)
        cert, key = make_certificate(self._folder)
        self.cert_file = str(cert)
        (self._folder / "dovecot.conf").write_text(self._settings(cert, key))
        self._log = (self._folder / "log").open("wb")
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- what tests do with it --------------------------------------------------------------------------------------

    def kill(self) -> None:
        """All its processes, at once; mails stay. A gentle end takes a second. The session is ours alone."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def start(self) -> None:
        """Serve on the same ports, with the mails that are there."""
        self._process = subprocess.Popen(
            [shutil.which("dovecot", path=_path()) or "dovecot", "-F", "-c", str(self._folder / "dovecot.conf")],
            stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        self._wait()

    def deliver(self, folder: str, raw: bytes, at: datetime | None = None) -> None:
        """File a mail with this INTERNALDATE by APPEND, over a connection of its own."""
        with self._session() as session:
            when = f'"{(at or datetime.now(UTC)).astimezone(UTC):%d-%b-%Y %H:%M:%S +0000}"'
            assert session.append(_quoted(folder), "", when, raw)[0] == "OK"

    def back_up(self) -> None:
        """Keep the mails as they are now, numbers included, for `restore`."""
        self.kill()
        shutil.copytree(self._folder / "mails", self._folder / "backup")
        self.start()

    def restore(self) -> None:
        """What came after `back_up` is lost, and its UIDs are given again."""
        self.kill()
        shutil.rmtree(self._folder / "mails")
        (self._folder / "backup").rename(self._folder / "mails")
        _own(self._folder / "mails")
        self.start()

    def fill(self, mails: Iterable[bytes]) -> None:
        """Put many mails into INBOX at once: as files, past the server. INTERNALDATE: one came each minute."""
        folder, now = self._folder / "mails" / self.user / "cur", int(time.time())
        for number, raw in enumerate(all_of_them := list(mails)):
            came = now - 60 * (len(all_of_them) - number)
            path = folder / f"{now + number}.M{number}P1.fill,S={len(raw)}:2,"  # Dovecot numbers them by name
            path.write_bytes(raw)
            os.utime(path, (came, came))
        _own(folder)

    def make_folder(self, name: str) -> None:
        with self._session() as session:
            assert session.create(_quoted(name))[0] == "OK"

    def recreate_folder(self, name: str) -> None:
        """Delete and make it again: its UIDVALIDITY changes."""
        with self._session() as session:
            assert session.delete(_quoted(name))[0] == "OK"
            time.sleep(1.1)  # Dovecot takes UIDVALIDITY from the clock
            assert session.create(_quoted(name))[0] == "OK"

    def expunge(self, folder: str, uid: int) -> None:
        with self._session() as session:
            session.select(_quoted(folder))
            session.uid("STORE", str(uid), "+FLAGS", "\\Deleted")
            session.expunge()

    def flags(self, folder: str) -> list[set[str]]:
        with self._session() as session:
            session.select(_quoted(folder), readonly=True)
            _, rows = session.fetch("1:*", "(FLAGS)")
            return [{flag.decode() for flag in imaplib.ParseFlags(row)} for row in rows if isinstance(row, bytes)]

    def count(self, folder: str) -> int:
        with self._session() as session:
            return int(session.select(_quoted(folder), readonly=True)[1][0] or 0)

    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    # --- inside -----------------------------------------------------------------------------------------------------

    def _session(self) -> imaplib.IMAP4:
        session = imaplib.IMAP4(self.host, self.port, timeout=10)
        session.authenticate("PLAIN", lambda _: f"\0{self.user}\0{self.password}".encode())
        return session

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"dovecot ended at once: {self.log()}")
            with suppress(OSError, imaplib.IMAP4.error):
                self._session().logout()
                return
            time.sleep(0.05)
        raise RuntimeError(f"dovecot does not answer: {self.log()}")

    def _settings(self, cert: Path, key: Path) -> str:
        base, (user, group) = self._folder, _mail_owner()
        mails = base / "mails"
        mails.mkdir()
        if os.geteuid() == 0:
            os.chown(mails, pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid)
        passwords = base / "users"
        # The password's own colons and braces would be syntax; it has none.
        passwords.write_text(f"{self.user}:{{PLAIN}}{self.password}\n")
        passwords.chmod(0o644)
        login_user = "dovenull" if os.geteuid() == 0 else user
        inner_user = "dovecot" if os.geteuid() == 0 else user
        capability = f"imap_capability = {self._capabilities()}\n" if self._hide else ""
        new = _version() >= (2, 4)
        values = {
            "base": base, "mails": mails, "passwords": passwords, "cert": cert, "key": key, "user": user,
            "group": group, "login_user": login_user, "inner_user": inner_user, "port": self.port,
            "ssl_port": self.ssl_port, "capability": capability, "mechanisms": self._mechanisms,
            "tokens": self._tokens(new),
            "group_of_inner": "dovecot" if os.geteuid() == 0 else group,
            "version_lines": "dovecot_config_version = {0}\ndovecot_storage_version = {0}\n".format(_full_version())
            if new else "",
        }  # fmt: skip
        return _COMMON.format(**values) + (_V24 if new else _V23).format(**values) + _SERVICES.format(**values)

    def _tokens(self, new: bool) -> str:
        """Who may log in by token: from 2.4 on without a passdb."""
        if not self._introspect:
            return ""
        asked = {
            "introspection_mode": "post",
            "introspection_url": self._introspect,
            "username_attribute": "username",
            "active_attribute": "active",
            "active_value": "true",
        }
        lines = "\n".join(f"{name} = {value}" for name, value in asked.items())
        if new:
            return f"oauth2 {{\n{lines}\n}}"
        (self._folder / "oauth2.ext").write_text(lines + "\n")
        return (
            f"passdb {{\n  driver = oauth2\n  mechanisms = {self._mechanisms}\n"
            f"  args = {self._folder / 'oauth2.ext'}\n}}"
        )

    def _capabilities(self) -> str:
        offered = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ UIDPLUS MOVE SPECIAL-USE UNSELECT"
        return " ".join(name for name in offered.split() if name not in self._hide)


_COMMON = """\
{version_lines}base_dir = {base}/run
state_dir = {base}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
default_login_user = {login_user}
default_internal_user = {inner_user}
default_internal_group = {group_of_inner}
first_valid_uid = 0
ssl = yes
auth_failure_delay = 0
auth_mechanisms = plain login {mechanisms}
{capability}"""

_V23 = """\
disable_plaintext_auth = no
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
mail_location = maildir:{mails}/%u
ssl_cert = <{cert}
ssl_key = <{key}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = username_format=%u {passwords}
}}
{tokens}
userdb {{
  driver = static
  args = uid={user} gid={group} home={mails}/%u
}}
"""

_V24 = """\
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = {mails}/%{{user}}
ssl_server_cert_file = {cert}
ssl_server_key_file = {key}
passdb passwd-file {{
  passwd_file_path = {passwords}
}}
{tokens}
userdb static {{
  fields {{
    uid = {user}
    gid = {group}
    home = {mails}/%{{user}}
  }}
}}
"""

_SERVICES = """\
mail_fsync = never
service imap {{
  service_count = 200
  process_min_avail = 2
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {ssl_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


def _full_version() -> str:
    dovecot = shutil.which("dovecot", path=_path()) or "dovecot"
    text = subprocess.run([dovecot, "--version"], check=True, capture_output=True, text=True, timeout=10).stdout
    return text.split()[0].split("-")[0]


def _version() -> tuple[int, int]:
    major, minor = _full_version().split(".")[:2]
    return int(major), int(minor)


def _mail_owner() -> tuple[str, str]:
    """Dovecot refuses to let root own mail."""
    if os.geteuid() != 0:
        return getpass.getuser(), grp.getgrgid(os.getegid()).gr_name
    return "nobody", grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name


def _own(mails: Path) -> None:
    if os.geteuid() == 0:
        user, group = _mail_owner()
        for path in (mails, *mails.rglob("*")):
            shutil.chown(path, user, group)


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


def _free_ports(count: int) -> list[int]:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in listening]
    for one in listening:
        one.close()
    return ports


def _quoted(folder: str) -> str:
    """As RFC 3501 5.1.3 writes names: modified UTF-7, in quotes."""
    return '"' + imap_utf7.encode(folder).decode().replace("\\", "\\\\").replace('"', '\\"') + '"'
