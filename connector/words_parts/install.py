"""Words for `init`."""

WORDS = {
    "init.exists": (
        "{file} exists already; nothing was changed.",
        "Edit it and look with `prestashop-connector check-config`; or name another file: `prestashop-connector "
        "--config FILE init`.",
    ),
    "init.missing": (
        "Nobody can be asked here, and these are not given: {options}.",
        "Give them; `prestashop-connector init --help` explains each.",
    ),
    "init.no_user": (
        "There is no user {user}, whom the state directory is to belong to.",
        "Make it: `cp {sysusers} /etc/sysusers.d/prestashop-connector.conf && systemd-sysusers`. Or name another one "
        "with --user.",
    ),
    "init.not_root": (
        "Only root may set the program up for another user ({user}).",
        "Run the same with sudo, or leave --user out.",
    ),
    "init.program_closed": (
        "The user {user} may not read the program itself, in {path}.",
        "Install it where everybody may read, in /opt/prestashop-connector for one, and run the same from there.",
    ),
    "init.not_creatable": (
        "{path} cannot be made: {reason}.",
        "Run the same with sudo, or name places of your own: `prestashop-connector --config FILE init --state-dir "
        "DIRECTORY`.",
    ),
    "init.empty_secret": (
        "{option} names a file without a secret in it.",
        "Put the key or password into it, on one line.",
    ),
    "state.open_to_others": (
        "The state directory {path} may be written by others (mode {mode}): anybody could put a mirror or tokens of "
        "their own there.",
        "chmod 700 {path}",
    ),
}
