"""What a file is, told by its first bytes; what a mail says of it is a stranger's word.

Signatures are those of the formats' own specifications, as `file(1)` lists them. Nothing is unpacked: an office
document is told from other zip archives by the names that stand readable in its first local headers.
"""

from __future__ import annotations

import re

UNKNOWN = "application/octet-stream"
LOOKED_AT = 4096
"""Bytes that are enough to tell."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/vnd.microsoft.icon"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"{\\rtf", "application/rtf"),
    (b"%!PS", "application/postscript"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"MSCF", "application/vnd.ms-cab-compressed"),
    (b"ITSF", "application/vnd.ms-htmlhelp"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-elf"),
    (b"\xfe\xed\xfa", "application/x-mach-binary"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"dex\n", "application/vnd.android.dex"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (b"#!", "text/x-shellscript"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x78\x9f\x3e\x22", "application/vnd.ms-tnef"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif", b"M4A ": "audio/mp4",
    b"qt  ": "video/quicktime", b"3gp4": "video/3gpp", b"3gp5": "video/3gpp",
}  # fmt: skip
_OFFICE = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (b"AndroidManifest.xml", "application/vnd.android.package-archive"),
    (b"META-INF/MANIFEST.MF", "application/java-archive"),
)
_OLE = ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook")
_STORED_TYPE = re.compile(rb"mimetype(application/[a-z0-9.+-]{3,80})PK")  # OpenDocument and EPUB: its first entry
_COMMENTS = rb"(?:<!--(?:(?!-->).){0,500}-->\s*)*"
_TEXTS = (
    (re.compile(rb"\s*" + _COMMENTS + rb"<(?:!doctype\s+html|html|head|body|script)\b", re.I | re.S), "text/html"),
    (re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?" + _COMMENTS + rb"(?:<!doctype svg[^>]{0,300}>\s*)?<svg\b",
                re.I | re.S), "image/svg+xml"),
    (re.compile(rb"\s*<\?xml\b", re.I), "application/xml"),
    (re.compile(rb"\s*BEGIN:VCARD\b", re.I), "text/vcard"),
    (re.compile(rb"\s*BEGIN:VCALENDAR\b", re.I), "text/calendar"),
    (re.compile(rb"(?:received|return-path|delivered-to|message-id|dkim-signature|from):[ \t][^\n]{0,998}\n"
                rb"[a-z][a-z-]{1,40}:[ \t]|received:[ \t][^\n]{0,998}\n[ \t]", re.I), "message/rfc822"),
)  # fmt: skip
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TOKEN = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")


def sniff(data: bytes, declared: str = "") -> str:
    """The media type of a file. `declared` counts only where bytes cannot contradict it: which kind of plain text or of
    old Office document it is. Empty and unrecognised files are `application/octet-stream`."""
    head = data[:LOOKED_AT]
    said = declared if _TOKEN.fullmatch(declared) else ""
    if head.startswith(b"PK\x03\x04"):
        return _zip(head)
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(b"BM") and head[6:10] == b"\x00" * 4 and int.from_bytes(head[2:6], "little") == len(data):
        return "image/bmp"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return said if kind == "application/x-ole-storage" and said in _OLE else kind
    return _text(head.removeprefix(b"\xef\xbb\xbf"), said) if head else UNKNOWN


def _zip(head: bytes) -> str:
    found = _STORED_TYPE.search(head[:200])
    if found:
        return found[1].decode("ascii")
    return next((kind for name, kind in _OFFICE if name in head), "application/zip")


def _text(head: bytes, said: str) -> str:
    for pattern, kind in _TEXTS:
        if pattern.match(head):
            return kind
    if _BINARY.search(head) and not head.startswith(_UTF16):
        return UNKNOWN
    return said if said.startswith("text/") and said != "text/html" else "text/plain"
