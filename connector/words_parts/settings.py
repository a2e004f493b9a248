"""Words for settings and the state directory."""

WORDS = {
    "settings.invalid": (
        "The settings are wrong:",
        "Correct them and look again with `prestashop-connector check-config`. Every setting is explained in "
        "config.example.toml.",
    ),
    "state.secret_not_permitted": (
        "The instance secret {file} may not be read or made by this user.",
        "Run the command as the user that owns the state directory, e.g. `sudo -u prestashop-connector ...`, or set "
        "`state_dir` to a directory of your own.",
    ),
    "state.secret_not_creatable": (
        "The instance secret {file} cannot be made: {reason}.",
        "Create the state directory for the service's user, or name another one in `state_dir`.",
    ),
    "state.secret_damaged": (
        "The instance secret {file} is too short to be one.",
        "Restore it from a backup. Without a backup, delete the file: a new one is made, and replies to mails sent "
        "before are then recognised by the thread's token only.",
    ),
}
