"""`mappings`: check, show and suggest what the mirror holds of a shop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector import packagedata, words
from connector.cli.output import emit_json, safe, say, table
from connector.cli.session import Options, check_owner, load, named_shop, show_error
from connector.core.mapping import Mapped, MappingText, fields_of, tables_of
from connector.engine.mappings import Finding, compare, make
from connector.errors import CannotCreate, ConnectorError, DataError, Exit, MappingError, SettingsError, worst
from connector.wiring.mappings import MappingFiles

_WIDEST = 250  # a path is of no use when it is cut
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_SHOP = click.option("--shop", help="The shop, when the settings name several.")


@click.group()
def mappings() -> None:
    """What is mirrored of a shop: look at the mappings, check them, make new ones."""


# --- check ----------------------------------------------------------------------------------------------------------


@mappings.command()
@click.option("--online", is_flag=True, help="Also ask the shops for their fields (reads only).")
@click.option("--shop", help="With --online: this shop only.")
@_JSON
@click.pass_obj
def check(options: Options, online: bool, shop: str | None, as_json: bool) -> int:
    """Read all mapping files and templates, say every mistake with its line, and what the next start would change in
    the mirror."""
    files = MappingFiles(load(options))
    shops = [named_shop(files.settings, shop)] if shop else list(files.settings.shops) if online else []
    report: dict[str, Any] = {"files": _count(files), "mistakes": [], "mirror": None, "shops": []}
    report["rules"] = {"all": len(files.rules.every), "on": sum(rule.enabled for rule in files.rules.every)}
    report["segments"] = len(files.segments.every)
    errors: list[ConnectorError] = []
    if files.mistakes:
        report["mistakes"] = [{"file": m.file, "line": m.line, "problem": m.text} for m in files.mistakes]
        errors.append(packagedata.wrong(files.mistakes))
    else:
        _mirror(files, report, errors)
        for name in shops:
            _online(files, name, report, errors)
    found = any(finding["serious"] for one in report["shops"] for finding in one["findings"])
    code = worst([*(error.exit for error in errors), *([Exit.FOUND] if found else [])])
    if as_json:
        emit_json({"exit_code": int(code), **report})
        return int(code)
    for error in errors:
        show_error(error)
    if not report["mistakes"]:
        own, shipped = report["files"]["own"], report["files"]["shipped"]
        say(f"mappings: {'ok' if not errors else 'read'} ({shipped} shipped file(s), {own} of your own)")
        say(f"rules: {report['rules']['on']} rule(s) on, {report['rules']['all']} in all")
        say(f"segments: {report['segments']}")
        _say_mirror(report["mirror"])
        for one in report["shops"]:
            _say_shop(one)
    return int(code)


def _count(files: MappingFiles) -> dict[str, int]:
    mapped = files.found.mapped
    own = sum(bool(one.own) for one in mapped) + len(files.found.left_out)
    return {"shipped": sum(bool(one.shipped) for one in mapped) + len(files.found.left_out), "own": own}


def _mirror(files: MappingFiles, report: dict[str, Any], errors: list[ConnectorError]) -> None:
    check_owner(files.settings)
    try:
        seen = files.preview()
    except MappingError as error:
        errors.append(error)
        return
    if seen is None:
        report["mirror"] = {"there": False, "changes": [], "read_again": [], "refused": []}
        return
    errors += seen.refused
    refused = [{**error.facts, "problem": words.explain(error)[0]} for error in seen.refused]
    report["mirror"] = {"there": True, "changes": seen.changes, "read_again": seen.reread, "refused": refused}


def _online(files: MappingFiles, name: str, report: dict[str, Any], errors: list[ConnectorError]) -> None:
    with files.shop(name) as client:
        try:
            findings = compare(client, files.found)
        except ConnectorError as error:
            errors.append(error)
            return
        version = client.version
    told = [{**_facts(one), "problem": _told(one, version)} for one in findings]
    report["shops"].append({"shop": name, "prestashop": version, "findings": told})


def _facts(finding: Finding) -> dict[str, Any]:
    names = ("kind", "resource", "file", "line", "name", "close", "serious")
    return {name: getattr(finding, name) for name in names}


def _told(finding: Finding, version: str) -> str:
    resource, name = finding.resource, finding.name
    meant = f"; did you mean {finding.close}?" if finding.close else ""
    match finding.kind:
        case "forbidden":
            return f"the key may not read {resource}, or the shop does not have it; it is not mirrored"
        case "unreadable":
            return f"the shop does not describe {resource}; its fields were not compared"
        case "refused":
            text = f"PrestaShop {version} has no {name} in {resource}, and refuses to give {resource} when asked for it"
            return text + meant
    return f"PrestaShop {version} has no {name} in {resource}; it stays empty{meant}"


def _say_mirror(mirror: dict[str, Any] | None) -> None:
    if mirror is None:
        return
    if not mirror["there"]:
        say("mirror: not there yet; the first sync makes it")
        return
    if not mirror["changes"] and not mirror["read_again"] and not mirror["refused"]:
        say("mirror: as the mappings want it")
    for line in mirror["changes"]:
        say(f"mirror: the next start will {safe(line)}")
    if mirror["read_again"]:
        say(f"mirror: to be read again in full: {safe(', '.join(mirror['read_again']))}")


def _say_shop(one: dict[str, Any]) -> None:
    serious = [finding for finding in one["findings"] if finding["serious"]]
    for finding in serious:
        place = f"{finding['file']}:{finding['line']}" if finding["line"] else finding["file"]
        say(f"shop {safe(one['shop'])}: {safe(place)}: {safe(finding['problem'])}")
    others = len(one["findings"]) - len(serious)
    rest = f"; {others} shipped field(s) are of other versions" if others else ""
    say(f"shop {safe(one['shop'])}: PrestaShop {safe(one['prestashop'])}: {len(serious)} finding(s){rest}")


# --- show -----------------------------------------------------------------------------------------------------------


@mappings.command()
@click.argument("resource", required=False)
@_JSON
@click.pass_obj
def show(options: Options, resource: str | None, as_json: bool) -> int:
    """The mappings in force: of one resource every field, its column and where it comes from; else a list of all."""
    found = MappingFiles(load(options)).found
    if found.mistakes:
        raise packagedata.wrong(found.mistakes)
    if resource is None:
        rows = [_brief(one) for one in found.mapped]
        if as_json:
            emit_json({"resources": rows, "left_out": found.left_out})
            return int(Exit.OK)
        table(
            ("resource", "table", "pull", "fields", "from"),
            [(row["resource"], row["table"], row["pull"], row["fields"], row["from"]) for row in rows],
            widest=_WIDEST,
        )
        for name, file in sorted(found.left_out.items()):
            say(f"{safe(name)} is left out by {safe(file)}")
        return int(Exit.OK)
    one = found.of(resource)
    if one is None:
        raise DataError("mapping.unknown", resource=resource)
    whole = _whole(one)
    if as_json:
        emit_json(whole)
        return int(Exit.OK)
    for name in ("resource", "table", "pull", "since", "per_shop", "display", "only", "sweeps"):
        if whole[name] not in (None, [], False):
            shown = whole[name]
            say(f"{name}: {safe(', '.join(map(str, shown)) if isinstance(shown, list) else shown)}")
    table(
        ("table", "column", "type", "personal", "points to", "in the shop", "from"),
        [
            (f["table"], f["column"], f["type"], "yes" if f["personal"] else "", f["target"], f["key"], f["from"])
            for f in whole["fields"]
        ],
        widest=_WIDEST,
    )
    return int(Exit.OK)


def _brief(one: Mapped) -> dict[str, Any]:
    origin = " + ".join(file for file in (one.shipped and "shipped", one.own) if file)
    return {
        "resource": one.resource.name,
        "table": one.resource.table,
        "pull": one.resource.pull,
        "fields": sum(1 for _ in fields_of(one.resource)),
        "from": origin,
    }


def _whole(one: Mapped) -> dict[str, Any]:
    resource = one.resource
    tables = {path[:2]: name for path, name in tables_of(resource)}
    fields = []
    for path, item in fields_of(resource):
        file, line = one.place(path)
        where = tables[("table",)] if path[0] == "fields" else tables[path[:1] if path[0] == "lang" else path[:2]]
        fields.append(
            {
                "table": where,
                "column": item.name,
                "type": item.type,
                "personal": item.personal,
                "target": item.target,
                "key": item.key,
                "from": f"{file}:{line}",
            }
        )
    return {
        "resource": resource.name,
        "table": resource.table,
        "pull": resource.pull,
        "since": ".".join(map(str, resource.since)),
        "per_shop": resource.per_shop,
        "display": resource.display,
        "only": [f"{resource.only[0]} = {value}" for value in resource.only[1]] if resource.only else [],
        "sweeps": [sweep.field for sweep in resource.sweeps],
        "fields": fields,
        "shipped": one.shipped,
        "own": one.own,
    }


# --- suggest --------------------------------------------------------------------------------------------------------


@mappings.command("suggest")
@click.argument("resource")
@_SHOP
@click.option("--write", is_flag=True, help="Put it into mappings_dir; a file that is there stays as it is.")
@click.pass_obj
def suggest_(options: Options, resource: str, shop: str | None, write: bool) -> int:
    """Ask the shop for the fields of RESOURCE and print a ready mapping file: all of them, or those that the mapping
    in force lacks."""
    files = MappingFiles(load(options))
    if files.found.mistakes:
        raise packagedata.wrong(files.found.mistakes)
    folder = files.settings.mappings_dir
    if write and folder is None:
        raise SettingsError("mapping.no_folder")
    with files.shop(named_shop(files.settings, shop)) as client:
        text = make(client, resource, files.found)
    if not text:
        say(f"# nothing to suggest: all fields of {safe(resource)} are mapped")
        return int(Exit.OK)
    if not write or folder is None:
        click.echo(safe(text, lines=True), nl=False)
        return int(Exit.OK)
    path = _write(Path(folder), resource, text)
    say(f"wrote {safe(path)}; read it through, then restart or reload the service")
    return int(Exit.OK)


def _write(folder: Path, resource: str, text: str) -> Path:
    path = folder / f"{resource}.toml"
    mistakes = packagedata.mappings(folder, [MappingText(str(path), text)]).mistakes if not path.exists() else ()
    if mistakes:  # it would keep the service from starting
        raise packagedata.wrong(mistakes)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CannotCreate("mapping.exists", file=str(path)) from None
    except OSError as error:
        raise CannotCreate("mapping.not_written", file=str(path), reason=error.strerror or "error") from error
    return path
