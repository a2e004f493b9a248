"""Words for segments: code -> (what happened, what to do)."""

WORDS = {
    "segment.unknown": ("the shop {shop} has no segment {name}", "use one of: {known}"),
    "segment.not_ready": (
        "shop {shop}: nobody can be told apart before the mirror holds {missing}",
        "let a pull come to its end (the webservice key needs GET on these resources)",
    ),
    "segment.unknown_group": (
        "{place}: the shop has no customer group {group}",
        "write the group's id or one of its names; a new group is known after the next sync",
    ),
    "segment.group_ambiguous": (
        "{place}: several customer groups are called {group}: {ids}",
        "write the id of the one that is meant",
    ),
    "segment.no_group": (
        "{place}: the segment {name} has no customer group of its own",
        "make a group in the back office, and write `group = ID` into the segment",
    ),
    "guard.segment_removed": (
        "{count} customers would leave the group of the segment {name}: more than {percent} % of those whom it put"
        " there, so nothing was changed",
        "look at `segment push {name} --dry-run`; if it is meant, say --allow-mass-change once",
    ),
    "guard.segment_added": (
        "{count} customers would join the group of the segment {name}: more than {percent} % of all customers, so"
        " nothing was changed",
        "look at `segment push {name} --dry-run`; if it is meant, say --allow-mass-change once",
    ),
}
