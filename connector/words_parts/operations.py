"""Words for metrics and health."""

WORDS = {
    "metrics.cannot_listen": (
        "Nobody can listen at {listen} (metrics.listen): {reason}.",
        'Another program holds the port (`ss -ltnp` names it); set metrics.listen to a free one, or to "".',
    ),
}
