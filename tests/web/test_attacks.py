"""What strangers try: scripts in everything that they may write, forged forms, other people's pages, paths in names."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from connector.core.model import MailState
from connector.web.mails import disposition
from connector.web.sanitise import clean
from tests.web.conftest import BASE, post, secret

SCRIPTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "{{7331*7919}}{% print 1 %}",
    "javascript:alert(1)",
)


class Seen(HTMLParser):
    """Elements and attributes of a page as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def harmless(text: str) -> None:
    seen = Seen(text)
    assert seen.tags.count("script") == 1, "only the page's own"
    assert not [one for one in seen.attributes if one[1].startswith("on") or one[1] == "style"]
    led = [one[2] for one in seen.attributes if one[1] in ("href", "src", "action", "formaction", "content")]
    assert not [one for one in led if re.match(r"\s*(javascript|data|vbscript):", one, re.IGNORECASE)]
    assert "svg" not in seen.tags
    assert str(7331 * 7919) not in text, "a template that was filled in"


@pytest.fixture(scope="module")
def hostile(world):
    """A customer who puts scripts wherever they may write."""
    everything = " ".join(SCRIPTS)
    thread = world.thread()
    shop = world.shop
    person = shop.rows("customers")[0]
    shop.update_row("customers", person["id"], firstname=everything[:200], lastname=everything[:200])
    shop.touch("customers", person["id"])
    shop.update_row("customer_threads", thread["id"], id_customer=person["id"])
    shop.touch("customer_threads", thread["id"])
    shop.contact_form(int(thread["id"]), everything)
    for order in shop.rows("orders"):
        if order["id_customer"] == person["id"]:
            shop.update_row("orders", order["id"], reference='"><b>x</b>', note=everything, gift_message=everything)
            shop.touch("orders", order["id"])
    for row in shop.rows("messages"):
        shop.update_row("messages", row["id"], message=everything, id_customer=person["id"])
    mail = world.people.new_question("evil@customer.test", name="<script>alert(1)</script>")
    mail = mail.replace(b"Subject: ", b'Subject: <script>alert(1)</script>"><img src=x onerror=alert(2)> ', 1)
    world.deliver(mail)
    world.deliver(world.people.spoofed(99999, "x" * 12, "thief@customer.test", wrong_token=True))
    world.sync()
    return thread


def test_nothing_that_customers_write_runs_in_a_list_a_thread_or_the_quarantine(site, hostile):
    client = site.signed_in()
    pages = ["/threads?status=", f"/threads/main/{hostile['id']}", "/quarantine", "/status"]
    pages += [f"/mails/main/{copy.id}" for copy in site.app.mirror.ledger.listing("main", list(MailState))]
    assert len(pages) > 5
    for path in pages:
        answer = client.get(path, base_url=BASE)
        assert answer.status_code == 200, path
        harmless(answer.text)
    assert "&lt;script&gt;alert(1)" in client.get(pages[1], base_url=BASE).text


@pytest.mark.parametrize("script", SCRIPTS)
def test_nothing_that_stands_in_an_address_runs(site, script):
    client = site.signed_in()
    number = site.world.thread()["id"]
    for path, name in (
        ("/threads", "q"), ("/threads", "status"), ("/threads", "after"), ("/threads", "contact"),
        ("/threads", "order"),
        (f"/threads/main/{number}", "watch"), (f"/threads/main/{number}", "before"), ("/quarantine", "done"),
        (f"/threads/main/{number}", "template"), ("/threads", "shop"), ("/changes/main", "watch"),
    ):  # fmt: skip
        answer = client.get(path, base_url=BASE, query_string={name: script})
        assert answer.status_code < 500, (path, name)
        if path != "/changes/main":
            harmless(answer.text)


def test_a_refused_text_comes_back_as_text(site):
    client = site.signed_in()
    number = site.world.thread()["id"]
    at = f"/threads/main/{number}"
    answer = post(client, f"{at}/reply", at, text="</textarea><script>alert(1)</script>" + "x" * 61_000)
    assert (answer.status_code, "</textarea><script>" in answer.text) == (400, False)
    harmless(answer.text)


@pytest.mark.parametrize("path", ["/threads", "/sign-in", "/nothing", "/status", "/files/main/999"])
def test_every_answer_forbids_what_the_page_does_not_need(site, path):
    headers = site.signed_in().get(path, base_url=BASE).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"


def test_no_page_has_a_script_a_style_or_a_handler_in_its_text(site):
    client = site.signed_in("anton")
    for path in ("/threads", f"/threads/main/{site.world.thread()['id']}", "/quarantine", "/status"):
        text = client.get(path, base_url=BASE).text
        harmless(text)
        assert "<style" not in text
        assert not re.search(r"(src|href)=\"(?!/|#)", text), "nothing comes from elsewhere"


# --- forged forms ---------------------------------------------------------------------------------------------------


def changes(world) -> list[tuple[str, dict[str, str]]]:
    number = world.thread()["id"]
    return [
        (f"/threads/main/{number}/reply", {"text": "forged"}),
        (f"/threads/main/{number}/status", {"status": "closed"}),
        (f"/threads/main/{number}/forward", {"to": "1", "comment": "forged"}),
        ("/quarantine/main/mail/1/assign", {"thread": str(number)}),
        ("/quarantine/main/mail/1/drop", {}),
        ("/quarantine/main/mail/1/retry", {}),
        ("/quarantine/main/row/1/drop", {}),
        ("/status/main/changes/1/cancel", {}),
        ("/language", {"language": "ar"}),
        ("/sign-out", {}),
    ]


def test_a_form_of_another_site_changes_nothing(site):
    page = site.make()
    client, other = site.signed_in("anton", page), site.signed_in("rita", page)
    own, foreign = (secret(one.get("/threads", base_url=BASE)) for one in (client, other))
    for path, data in changes(site.world):
        for csrf, headers in (
            ("", {}),
            ("x", {}),
            (foreign, {}),
            (own, {"Origin": "https://evil.example"}),
            (own, {"Origin": "null"}),
            (own, {"Origin": "http://["}),
            (own, {"Sec-Fetch-Site": "cross-site"}),
            (own, {"Sec-Fetch-Site": "same-site"}),
        ):
            answer = client.post(path, base_url=BASE, data={**data, "csrf": csrf}, headers=headers)
            assert answer.status_code == 409, (path, csrf, headers)
        assert client.get(path, base_url=BASE).status_code in (404, 405), path
    assert site.sent == []
    assert len(site.heard.named("web.refused")) == 8 * len(changes(site.world))


def test_a_sign_in_form_of_another_site_signs_nobody_in(site):
    data = {"name": "alice", "password": "correct horse battery"}
    for csrf in ("", "x", secret(site.anybody().get("/sign-in", base_url=BASE))):
        answer = site.anybody().post("/sign-in", base_url=BASE, data={**data, "csrf": csrf})
        assert answer.status_code == 409


def test_a_name_that_leads_here_by_foreign_dns_is_refused(site):
    client = site.signed_in()
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example@localhost"):
        answer = client.get("/sign-in", base_url=f"https://{host}/")
        assert answer.status_code == 421


def test_numbers_that_no_database_has_and_words_that_are_not_ours_are_nothing(site):
    client = site.signed_in()
    for number in ("9" * 19, "9" * 5000):
        for path in (f"/threads/main/{number}", f"/mails/main/{number}/page", f"/files/main/{number}"):
            assert client.get(path, base_url=BASE).status_code == 404, path[:30]
    assert "Call 555" not in client.get("/quarantine?done=Call+555", base_url=BASE).text
    assert "set aside" in client.get("/quarantine?done=drop", base_url=BASE).text


# --- roles ----------------------------------------------------------------------------------------------------------


def test_a_reader_changes_nothing_and_is_offered_nothing(site):
    client = site.signed_in("rita")
    for path, data in changes(site.world)[:8]:
        assert post(client, path, **data).status_code == 403, path
    assert site.sent == []
    text = client.get(f"/threads/main/{site.world.thread()['id']}", base_url=BASE).text
    assert "<textarea" not in text


def test_only_an_administrator_settles_stuck_changes(site):
    assert post(site.signed_in("alice"), "/status/main/changes/1/cancel").status_code == 403
    assert post(site.signed_in("anton"), "/status/main/changes/999999/cancel").status_code == 400


def test_what_belongs_to_another_shop_is_not_here(site):
    client = site.signed_in()
    for path in ("/threads/other/1", "/mails/other/1", "/files/other/1", "/changes/other", "/threads?shop=other"):
        assert client.get(path, base_url=BASE).status_code == 404, path


# --- mails and files ------------------------------------------------------------------------------------------------

PAGE = """<html><head><style>body{background:url(https://evil.example/a)}</style>
<meta http-equiv=refresh content="0;url=//evil"><base href="https://evil.example/"><link rel=stylesheet href=//evil>
</head><body onload=alert(1) background="//evil/x.png">
<script>alert(1)</script><p style="position:fixed">Hello <b>you</b></p><img src="https://evil.example/pixel.gif">
<form action="https://evil.example"><input name=p></form><iframe src="//evil"></iframe><object data=x></object>
<a href="javascript:alert(1)">a</a><a href="https://shop.example/" target="_top" onclick="x()">b</a>
<svg><script>alert(1)</script></svg><math><mtext></mtext></math><video src=//evil></video>
<table><tr><td>1</td></tr></table>
<a href="data:text/html,<script>alert(1)</script>">c</a></body></html>"""


def test_of_a_customers_page_only_its_text_and_its_order_are_left():
    seen = Seen(clean(PAGE))
    assert set(seen.tags) <= {"p", "b", "a", "table", "tbody", "tr", "td"}
    assert {(tag, name) for tag, name, _ in seen.attributes} <= {("a", "href"), ("a", "rel")}
    assert [value for _, name, value in seen.attributes if name == "href"] == ["https://shop.example/"]
    assert "alert" not in clean(PAGE)
    assert "evil" not in clean(PAGE)


@pytest.mark.parametrize(
    "page",
    [
        "<p>" + "".join(f"<b lang={number}>" for number in range(20_000)) + "<p>x" * 20_000,
        "<p>" + "".join(f'<{name}\ttitle="<b x>{number}">' for number in range(500) for name in ("i", "FONT", "u"))
        + "<p>x" * 8_000,
        "<div>" * 200_000,
        "<b " * 300_000,
        "<a href=https://x/><div>" * 40_000,
    ],
)  # fmt: skip
def test_a_small_page_does_not_grow_into_gigabytes_nor_keep_the_service_busy(page):
    before = time.process_time()
    assert len(clean(page)) < 5_000_000
    assert time.process_time() - before < 10


def test_what_is_repeated_keeps_its_meaning():
    page = '<p>1 < 2 <b class="x">bold <I style=y>and</I></b> <br/><u/>more <a href="https://x/">l</a> <b'
    assert clean(page) == (
        '<p>1 &lt; 2 <b>bold <i>and</i></b> <br><u>more <a href="https://x/" rel="noopener noreferrer nofollow">l</a> '
        "</u></p>"
    )


def test_a_customers_page_is_shut_in(site):
    raw = (
        "From: a@customer.test\r\nTo: support@shop.test\r\nSubject: page\r\nMessage-ID: <page@x>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + PAGE
    )
    site.world.deliver(raw.encode())
    site.world.sync()
    copy = next(one for one in site.app.mirror.ledger.listing("main", list(MailState)) if one.subject == "page")
    client = site.signed_in()
    mail = client.get(f"/mails/main/{copy.id}", base_url=BASE).text
    frame = {name: value for tag, name, value in Seen(mail).attributes if tag == "iframe"}
    assert frame["sandbox"] == "allow-popups"
    answer = client.get(frame["src"], base_url=BASE)
    assert "alert" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..\\..\\x.exe", "/etc/passwd", 'a";\r\nSet-Cookie: x=1; ".txt', "", "..", "x" * 400,
     "été.pdf", "\u202egnp.exe", "a/../b.html"],
)  # fmt: skip
def test_a_files_name_leads_nowhere_and_adds_no_header(name):
    header = disposition(name, 7)
    assert header.startswith("attachment; ")
    assert "\r" not in header
    assert "\n" not in header
    assert header.isascii()
    plain = re.search(r'filename="([^"]*)"', header).group(1)
    assert plain
    assert not set("/\\\"';") & set(plain)
    assert "%2F" not in header
    assert plain not in (".", "..")


def test_a_file_is_only_ever_saved(site):
    world, thread = site.world, site.world.thread()
    head = f"From: {thread['email']}\r\nTo: s@shop.test\r\nSubject: Re: #ct{thread['id']} #tc{thread['token']}\r\n"
    page = "<script>alert(1)</script>"
    raw = (
        f"{head}Message-ID: <file@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n--b\r\nContent-Type: text/html\r\n"
        f'Content-Disposition: attachment; filename="../../evil.html"\r\n\r\n{page}\r\n--b--\r\n'
    )
    world.deliver(raw.encode())
    world.sync()
    (kept,) = site.app.mirror.attachments.of_thread("main", int(thread["id"]))
    client = site.signed_in()
    assert f"/files/main/{kept.id}" in client.get(f"/threads/main/{thread['id']}", base_url=BASE).text
    answer = client.get(f"/files/main/{kept.id}", base_url=BASE)
    assert (answer.status_code, page in answer.text) == (200, True)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="evil.html"')
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    for path in (
        "/files/main/../1",
        "/files/main/..%2f1",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
    ):
        assert client.get(path, base_url=BASE).status_code in (303, 308, 400, 404), path
