"""Words for errors of the page for support staff, its users and its sign-in."""

WORDS: dict[str, tuple[str, str]] = {
    "web.library_missing": (
        "The page needs the library {library}, which is not installed.",
        "pip install 'prestashop-connector[web]'",
    ),
    "web.cannot_listen": (
        "Nobody can listen at {listen} (web.listen): {reason}.",
        'Another program holds it (`ss -lntpx` names it), or the folder is missing; set another one, or "".',
    ),
    "web.users_unreadable": (
        "The users file {path} cannot be read: {reason}.",
        "It is JSON that `prestashop-connector web user add` writes; mend it, or remove it and add the users again.",
    ),
    "web.users_open": (
        "The users file {path} may be read or written by others (mode {mode}).",
        "chmod 600 {path}",
    ),
    "web.users_not_written": ("The users file {path} cannot be written: {reason}.", "Check its folder."),
    "web.user_name": (
        "{name} is no name for a user.",
        "Use 1 to 64 of a-z, A-Z, 0-9 and . _ - that begin with a letter or digit.",
    ),
    "web.user_unknown": ("There is no user {name}.", "`prestashop-connector web user list` shows them."),
    "web.password_short": ("The password has fewer than {least} characters.", "Use a longer one."),
    "web.password_differs": ("The two passwords are not the same.", "Run the same again."),
    "web.employee_form": ("{value} is no employee.", "Write --employee 3, or --employee SHOP=3."),
    "web.listen_form": (
        "{listen} is no address of this machine.",
        "Write 127.0.0.1:8477, [::1]:8477 or unix:/path; for other machines put a web server with TLS before it.",
    ),
    "web.starting": ("The page is starting.", "Try again in a moment."),
    "web.no_employee": (
        "{user} is no employee of {shop}.",
        "`prestashop-connector web user add {user} --employee {shop}=ID` on the server, or set `employee` of the shop.",
    ),
    "web.page_old": ("This form is too old, or it was not sent by this page.", "Load the page again and repeat it."),
}
