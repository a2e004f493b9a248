"""Where settings come from: the TOML file, the environment, credential files and files named by `*_file` settings.

Gathers one tree of raw values and remembers where each came from, so that an error can name it. Judges nothing but
what only a source can know: a file that cannot be read, a secret with two sources, a name nobody reads.
"""

from __future__ import annotations

import copy
import json
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from connector.config.lines import key_lines, line_of
from connector.config.tree import Settings
from connector.config.values import at_home

PREFIX = "PRESTASHOP_CONNECTOR__"
Loc = tuple[str, ...]
Tree = dict[str, Any]
SECRET_PATHS: tuple[Loc, ...] = (
    ("instance_secret",),
    ("mirror", "password"),
    ("health", "ping_url"),
    ("web", "user_header_secret"),
    ("shops", "*", "key"),
    ("shops", "*", "mailboxes", "*", "password"),
    ("shops", "*", "mailboxes", "*", "oauth", "client_secret"),
    ("shops", "*", "mailboxes", "*", "oauth", "refresh_token"),
    ("shops", "*", "mailboxes", "*", "oauth", "service_account"),
    ("shops", "*", "smtp", "password"),
    ("shops", "*", "smtp", "oauth", "client_secret"),
    ("shops", "*", "smtp", "oauth", "refresh_token"),
    ("shops", "*", "smtp", "oauth", "service_account"),
)
UNREADABLE = "unreadable-and-already-reported"  # stands in, so that the secret is not reported as missing too
SECRET_NAMES = frozenset(
    {"key", "password", "instance_secret", "old_instance_secrets", "client_secret", "refresh_token", "service_account"}
    | {"ping_url", "user_header_secret"}
)


@dataclass
class Gathered:
    """The raw tree and its story. `problems` as in `SettingsError`; `warnings` one line each."""

    tree: Tree = field(default_factory=dict)
    problems: list[dict[str, object]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    origins: dict[Loc, str] = field(default_factory=dict)  # values that do not stand in the TOML file
    lines: dict[Loc, int] = field(default_factory=dict)
    file: str = ""

    def problem(self, loc: Loc, expected: str, found: str = "", origin: str = "") -> None:
        origin = origin or self.origins.get(loc, "")
        line = None if origin else line_of(self.lines, loc)
        self.problems.append(
            {
                "file": origin or self.file,
                "line": line,
                "key": ".".join(loc),
                "found": found,
                "expected": " ".join(expected.splitlines()),  # the name of a file may hold anything
            }
        )


def gather(path: Path, environ: Mapping[str, str], *, file_needed: bool) -> Gathered:
    """All sources, the weakest first: default of the state directory, TOML, `*_file`, credentials, environment."""
    out = Gathered(file=str(path))
    if state := environ.get("STATE_DIRECTORY", "").split(":")[0]:
        out.tree["state_dir"] = state
    toml = _toml(path, out, needed=file_needed)
    env = _environment(environ, out)
    credentials = _credentials(environ.get("CREDENTIALS_DIRECTORY", ""), out)
    merge(out.tree, toml)
    merge(out.tree, env)
    for loc in _secrets_in(out.tree, credentials):
        _one_source(loc, out, toml=toml, env=env, credentials=credentials, folder=path.parent)
    return out


def merge(into: Tree, other: Tree) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def at(tree: object, loc: Loc) -> object:
    """The value at a path, None if there is none."""
    for part in loc:
        if not isinstance(tree, dict) or part not in tree:
            return None
        tree = tree[part]
    return tree


# --- one source each ------------------------------------------------------------------------------------------------


def _toml(path: Path, out: Gathered, *, needed: bool) -> Tree:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if needed:
            out.problem((), "a settings file here; `config.example.toml` shows every setting", "no such file")
        return {}
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        out.problem((), "text in UTF-8", f"byte 0x{error.object[error.start]:02x} in line {line}")
        return {}
    except OSError as error:
        out.problem((), "a readable settings file", str(error.strerror))
        return {}
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what = str(error)
        line_match = re.search(r"\(at line (\d+), column \d+\)|\(at end of document\)", what)
        out.problem((), "valid TOML", what)
        if line_match:
            out.problems[-1]["line"] = int(line_match[1]) if line_match[1] else text.count("\n") + 1
        return {}
    out.lines = key_lines(text)
    return tree


class _Environment(EnvSettingsSource):
    """pydantic-settings' reading of nested names, from a given mapping; lists as JSON or separated by commas."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in environ.items() if name.upper().startswith(PREFIX)}
        super().__init__(Settings, env_prefix=PREFIX.lower(), env_nested_delimiter="__")

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return dict(self._given)

    def decode_complex_value(self, field_name: str, field: FieldInfo | None, value: object) -> object:
        if field is None:  # no such setting: leave it to the check of unknown names
            return value
        if str(value).lstrip()[:1] in ("[", "{"):
            try:
                return json.loads(str(value))
            except ValueError:
                return value
        return [part.strip() for part in str(value).split(",")] if "tuple" in str(field.annotation) else value


def _environment(environ: Mapping[str, str], out: Gathered) -> Tree:
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX):
            continue
        loc = tuple(name[len(PREFIX) :].lower().split("__"))
        out.origins[loc] = f"environment variable {name}"
        if loc[0] not in Settings.model_fields or not all(loc):
            out.problem(loc, "a setting of this name" + suggestion(loc[0], Settings.model_fields), "no such setting")
    return _Environment(environ)()


def _credentials(folder: str, out: Gathered) -> dict[Loc, str]:
    """Secrets in systemd's credential directory: `shops__NAME__key` and so on. Other files there are not ours."""
    found: dict[Loc, str] = {}
    try:
        files = sorted(Path(folder).iterdir()) if folder else []
    except OSError as error:
        out.problem((), "a readable folder", str(error.strerror), origin=f"CREDENTIALS_DIRECTORY={folder}")
        return found
    for file in files:
        loc = tuple(file.name.split("__"))
        origin = f"credential {file.name}"
        if not any(_matches(loc, pattern) for pattern in SECRET_PATHS):
            if loc[0] in ("shops", "instance_secret", "mirror", "health", "web"):
                expected = "a name such as shops__NAME__key, mirror__password, health__ping_url or instance_secret"
                out.problem(loc, expected, "no such secret", origin)
            continue
        found[loc] = _read_secret(file, loc, out, origin)
    return found


def _read_secret(file: Path, loc: Loc, out: Gathered, origin: str) -> str:
    """The file's text without the line end that editors add; UNREADABLE when it cannot be used, and a problem."""
    try:
        text = file.read_text(encoding="utf-8")
        mode = file.stat().st_mode
    except UnicodeDecodeError:
        out.problem(loc, f"a secret as UTF-8 text in {file}", "other bytes", origin)
        return UNREADABLE
    except OSError as error:
        out.problem(loc, f"a readable secret file {file}", str(error.strerror), origin)
        return UNREADABLE
    except ValueError:  # a NUL in the name
        out.problem(loc, "the name of a file", "characters that no name has", origin)
        return UNREADABLE
    text = text.rstrip("\r\n")
    if not text:
        out.problem(loc, f"a secret in {file}", "an empty file", origin)
        return UNREADABLE
    if mode & stat.S_IROTH:
        out.warnings.append(f"{'.'.join(loc)}: everybody on this machine may read {file}; chmod 600 it")
    return text


# --- secrets: one source each ---------------------------------------------------------------------------------------


def _matches(loc: Loc, pattern: Loc) -> bool:
    return len(loc) == len(pattern) and all(want in ("*", part) for part, want in zip(loc, pattern, strict=True))


def _secrets_in(tree: Tree, credentials: Mapping[Loc, str]) -> Iterator[Loc]:
    """Every place of a secret whose surroundings exist, then credentials without such a place."""
    places: list[Loc] = []
    for pattern in SECRET_PATHS:
        tables: list[tuple[Loc, Any]] = [((), tree)]
        for part in pattern[:-1]:
            tables = [
                ((*loc, name), table[name])
                for loc, table in tables
                if isinstance(table, dict)
                for name in (table if part == "*" else [part])
                if isinstance(table.get(name), dict)
            ]
        places += [(*loc, pattern[-1]) for loc, _ in tables]
    yield from places
    yield from (loc for loc in credentials if loc not in places)


def _one_source(
    loc: Loc, out: Gathered, *, toml: Tree, env: Tree, credentials: Mapping[Loc, str], folder: Path
) -> None:
    table, name = at(out.tree, loc[:-1]), loc[-1]
    if not isinstance(table, dict):
        out.problem(
            loc, f"settings for {'.'.join(loc[:-1])}, which this secret is for", "none", f"credential {'__'.join(loc)}"
        )
        return
    file_loc = (*loc[:-1], f"{name}_file")
    sources = {
        f"the environment variable {PREFIX}{'__'.join(loc).upper()}": at(env, loc) is not None,
        f"the environment variable {PREFIX}{'__'.join(file_loc).upper()}": bool(at(env, file_loc)),
        f"the credential {'__'.join(loc)}": loc in credentials,
        f"{name} in {out.file}": at(toml, loc) is not None,
        f"{name}_file in {out.file}": bool(at(toml, file_loc)),
    }
    given = [source for source, there in sources.items() if there]
    if len(given) > 1:
        out.problem(
            loc,
            "one source for a secret",
            " and ".join(given),
            out.origins.get(loc, "") if at(toml, loc) is None else "",
        )
    if loc in credentials:
        table[name] = credentials[loc]
        out.origins.setdefault(loc, f"credential {'__'.join(loc)}")
    elif isinstance(file := table.get(f"{name}_file"), str) and file and name not in table:
        out.origins.setdefault(loc, out.origins.get(file_loc, ""))
        table[name] = _read_secret(folder / at_home(file), file_loc, out, out.origins.get(file_loc, ""))


def suggestion(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
