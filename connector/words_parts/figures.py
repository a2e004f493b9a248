"""Words for figures: code -> (what happened, what to do)."""

WORDS = {
    "figures.period": (
        "{period} is no period.",
        "write a month (2026-10), a year (2026), an ISO week (2026-W40) or days (2026-10-05..2026-10-18)",
    ),
    "figures.json_or_csv": ("--json and --csv were both given.", "give one of them"),
    "figures.unmapped": (
        "Figures need these columns of {table}, which are not mirrored: {columns}.",
        "remove what leaves them out from the mappings in mappings_dir, then run `prestashop-connector sync`",
    ),
}
