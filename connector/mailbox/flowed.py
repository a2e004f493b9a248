"""format=flowed (RFC 3676): soft line breaks taken out, quote marks kept."""

from __future__ import annotations


def unflow(text: str, del_sp: bool = False) -> str:
    """Lines that end in a space are joined with the next of the same quote depth; `del_sp` drops that space.

    The signature mark `-- ` is never joined (RFC 3676 4.3). Linear in the text.
    """
    paragraphs: list[tuple[int, str]] = []
    pending: list[str] = []
    depth = 0

    def close() -> None:
        if pending:
            paragraphs.append((depth, "".join(pending)))
            pending.clear()

    for line in text.split("\n"):
        content = line.lstrip(">")
        marks = len(line) - len(content)
        content = content.removeprefix(" ")  # space-stuffing (4.4)
        if marks != depth:
            close()
            depth = marks
        if content == "-- ":
            close()
            paragraphs.append((depth, content))
        elif content.endswith(" "):
            pending.append(content[:-1] if del_sp else content)
        else:
            pending.append(content)
            close()
    close()
    return "\n".join("> " * min(marks, 20) + content if marks else content for marks, content in paragraphs)
