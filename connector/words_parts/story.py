"""Words for timelines."""

WORDS = {
    "story.unknown_language": (
        "this shop has no language {language}",
        "name one of its languages: {known}",
    ),
    "story.unknown_mark": (
        "{mark} is no place in a timeline",
        "give --before what the page above ended with (in --json: `next`)",
    ),
}
