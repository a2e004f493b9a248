"""What a message says of the files of its mail."""

from connector.core.automail import AutoClass
from connector.core.decisions import Facts, Policy
from connector.core.filing import NAMED, message
from connector.core.matching import Match, Trust, group_of
from connector.core.model import Attachment
from tests.support.mails import NOW, a_copy, a_mail, a_thread


def text_of(*attachments, text="Hello"):
    thread = a_thread()
    intent = message(
        a_copy(),
        a_mail(text=text, attachments=attachments),
        Match(Trust.TOKEN, True, thread, group=group_of(thread.id)),
        Facts(auto=AutoClass("human", ""), now=NOW),
        Policy(),
        lambda name, lang, **values: f"{name} {' '.join(map(str, values.values()))}",
        "en",
    )
    return intent.payload["text"]


def test_files_are_named_with_their_size_after_the_text():
    assert text_of(Attachment("bill.pdf", "application/pdf", 3000)) == "Hello\n\nattachments bill.pdf (3 kB)"


def test_a_logo_is_not_named():
    assert text_of(Attachment("logo.png", "image/png", 3000, "logo@x", inline=True)) == "Hello"


def test_of_very_many_files_the_number_is_told():
    files = [Attachment(f"{n}.txt", "text/plain", 1) for n in range(NAMED + 5)]
    assert text_of(*files).endswith("19.txt (1 kB), … (+5)")


def test_a_photo_without_a_word_is_named_although_it_belongs_to_the_page():
    assert "photo.jpg" in text_of(Attachment("photo.jpg", "image/jpeg", 3000, "photo@x", inline=True), text="")
