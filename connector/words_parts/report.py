"""Words for errors of the report: code -> (what happened, what to do)."""

WORDS = {
    "report.library_missing": (
        "The report needs the library {library}, which is not installed.",
        "pip install 'prestashop-connector[report]'",
    ),
    "report.language": ("There are no texts in the language {language}.", "Take one of these: {known}"),
}
