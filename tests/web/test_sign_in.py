"""Who gets in, how long, and who does not."""

from __future__ import annotations

import pytest

from connector.errors import DataError, NotPermitted, StateError
from connector.web.guard import COOKIE, Proxy
from connector.web.sessions import FREE_TRIES, TRIES_A_MINUTE, Attempts, Sessions
from connector.web.users import Users
from tests.web.conftest import BASE, CHEAP, PASSWORD, post, secret

ADDRESSES = ("/threads", "/threads/main/1", "/changes/main?watch=1", "/mails/main/1", "/mails/main/1/page",
             "/files/main/1", "/quarantine", "/status")  # fmt: skip


@pytest.mark.parametrize("path", ADDRESSES)
def test_nobody_sees_anything_without_signing_in(site, path):
    answer = site.anybody().get(path, base_url=BASE)
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, "/sign-in")


def test_a_password_opens_the_page_that_was_asked_for(site):
    client = site.anybody()
    form = client.get(client.get("/quarantine?shop=main", base_url=BASE).headers["Location"], base_url=BASE)
    assert 'value="/quarantine?shop=main"' in form.text
    data = {"csrf": secret(form), "name": "alice", "password": PASSWORD, "to": "/quarantine?shop=main"}
    answer = client.post("/sign-in", base_url=BASE, data=data)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/quarantine?shop=main")
    assert client.get("/threads", base_url=BASE).status_code == 200
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith(COOKIE))
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"))
    assert "Domain" not in cookie
    assert [keys["user"] for keys in site.heard.named("web.session_started")] == ["alice"]


@pytest.mark.parametrize(
    "to", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "//["]
)
def test_nobody_is_led_away_by_signing_in(site, to):
    client = site.anybody()
    csrf = secret(client.get("/sign-in", base_url=BASE))
    data = {"csrf": csrf, "name": "alice", "password": PASSWORD, "to": to}
    assert client.post("/sign-in", base_url=BASE, data=data).headers["Location"] == "/threads"


@pytest.mark.parametrize(
    ("name", "password"), [("alice", "wrong password"), ("nobody", PASSWORD), ("", ""), ("alice", "")]
)
def test_a_wrong_password_or_name_is_refused_in_the_same_words(site, name, password):
    client = site.anybody()
    csrf = secret(client.get("/sign-in", base_url=BASE))
    answer = client.post("/sign-in", base_url=BASE, data={"csrf": csrf, "name": name, "password": password})
    assert (answer.status_code, "Name or password is wrong." in answer.text) == (401, True)
    assert COOKIE not in str(answer.headers)
    told = site.heard.named("web.refused")
    assert [keys.get("user") for keys in told] == ["alice" if name == "alice" else None]


def test_guessing_gets_slower_and_slower(site):
    now = [0.0]
    client = site.anybody(attempts=Attempts(lambda: now[0]))
    csrf = secret(client.get("/sign-in", base_url=BASE))
    data = {"csrf": csrf, "name": "alice", "password": "guess"}
    codes = [client.post("/sign-in", base_url=BASE, data=data).status_code for _ in range(FREE_TRIES + 1)]
    assert codes == [401] * FREE_TRIES + [429]
    answer = client.post("/sign-in", base_url=BASE, data=data | {"password": PASSWORD})
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)
    now[0] += 901
    assert client.post("/sign-in", base_url=BASE, data=data | {"password": PASSWORD}).status_code == 303


def test_many_names_together_are_held_up_too():
    attempts = Attempts(lambda: 5.0)
    assert [attempts.wait(f"name{n}") for n in range(TRIES_A_MINUTE)] == [0.0] * TRIES_A_MINUTE
    assert attempts.wait("another") > 0


def test_a_session_ends_unused_after_a_while_and_at_last_in_any_case():
    now = [0.0]
    sessions = Sessions(idle=100, longest=250, clock=lambda: now[0])
    token, session = sessions.begin("alice", "hash")
    for now[0] in (90.0, 180.0, 249.0):
        assert sessions.find(token) is session
    now[0] = 251.0
    assert sessions.find(token) is None
    token, _ = sessions.begin("alice", "hash")
    now[0] += 101
    assert sessions.find(token) is None


def test_signing_out_ends_the_session_on_the_server(site):
    page = site.make()
    client = site.signed_in(page=page)
    stolen = client.get_cookie(COOKIE, domain="localhost").value
    assert post(client, "/sign-out").status_code == 303
    thief = site.anybody(page)
    thief.set_cookie(COOKIE, stolen, domain="localhost", secure=True)
    assert thief.get("/threads", base_url=BASE).status_code == 303


def test_another_password_or_a_removed_user_ends_sessions_at_once(site):
    page = site.make()
    first, second = site.signed_in("alice", page), site.signed_in("rita", page)
    site.users.put("alice", "answer", "another password", {})
    site.users.remove("rita")
    assert [one.get("/threads", base_url=BASE).status_code for one in (first, second)] == [303, 303]


def test_a_role_that_is_taken_away_counts_at_once(site):
    client = site.signed_in()
    site.users.put("alice", "read", None, {})
    number = site.world.thread()["id"]
    assert post(client, f"/threads/main/{number}/status", status="closed").status_code == 403


def test_a_made_up_cookie_opens_nothing(site):
    client = site.anybody()
    for value in ("x", "a" * 43, "../../etc/passwd", "\u00e9"):
        client.set_cookie(COOKIE, value, domain="localhost", secure=True)
        assert client.get("/threads", base_url=BASE).status_code == 303


def test_each_sign_in_has_a_session_of_its_own(site):
    page = site.make()
    first, second = site.signed_in(page=page), site.signed_in(page=page)
    tokens = {one.get_cookie(COOKIE, domain="localhost").value for one in (first, second)}
    assert len(tokens) == 2
    csrf = secret(first.get("/threads", base_url=BASE))
    answer = second.post("/sign-out", base_url=BASE, data={"csrf": csrf})
    assert (answer.status_code, second.get("/threads", base_url=BASE).status_code) == (409, 200)


# --- a proxy signs people in ----------------------------------------------------------------------------------------


def test_a_proxys_header_counts_only_with_its_secret(site):
    proxy = Proxy("X-Remote-User", "a proxy secret", trusted=False)
    client = site.anybody(proxy=proxy)
    name = {"X-Remote-User": "alice"}
    assert client.get("/threads", base_url=BASE, headers=name).status_code == 403
    wrong = name | {"X-Proxy-Secret": "another"}
    assert client.get("/threads", base_url=BASE, headers=wrong).status_code == 403
    right = name | {"X-Proxy-Secret": "a proxy secret"}
    answer = client.get("/threads", base_url=BASE, headers=right)
    assert (answer.status_code, "alice" in answer.text, "Sign out" in answer.text) == (200, True, False)
    assert client.get("/threads", base_url=BASE).status_code == 403


def test_without_a_socket_and_without_a_secret_no_header_counts(site):
    """A socket in the settings, a port at the command line: anybody on this machine could send the header there."""
    client = site.anybody(proxy=Proxy("X-Remote-User", "", trusted=False))
    for headers in ({"X-Remote-User": "anton"}, {"X-Remote-User": "anton", "X-Proxy-Secret": ""}):
        assert client.get("/threads", base_url=BASE, headers=headers).status_code == 403


def test_over_a_unix_socket_the_header_is_enough_and_a_role_is_needed(site):
    client = site.anybody(proxy=Proxy("X-Remote-User", "", trusted=True))
    assert client.get("/threads", base_url=BASE, headers={"X-Remote-User": "stranger"}).status_code == 403
    assert client.get("/threads", base_url=BASE, headers={"X-Remote-User": "rita"}).status_code == 200
    client = site.anybody(proxy=Proxy("X-Remote-User", "", trusted=True, role="read"))
    answer = client.get("/threads", base_url=BASE, headers={"X-Remote-User": "eve@corp.example"})
    assert (answer.status_code, "may read" in answer.text) == (200, True)
    assert site.heard.named("web.session_started")[-1]["user"] == "eve at corp.example"


def test_a_proxys_session_belongs_to_whom_the_proxy_names(site):
    client = site.anybody(proxy=Proxy("X-Remote-User", "", trusted=True))
    first = secret(client.get("/threads", base_url=BASE, headers={"X-Remote-User": "alice"}))
    answer = client.post("/language", base_url=BASE, headers={"X-Remote-User": "rita"}, data={"csrf": first})
    assert answer.status_code == 409


# --- the users file -------------------------------------------------------------------------------------------------


def test_the_users_file_holds_hashes_and_is_the_owners_alone(tmp_path):
    users = Users(tmp_path / "users.json", CHEAP)
    users.put("alice", "answer", PASSWORD, {"main": 3})
    text = users.path.read_text()
    assert "$argon2id$" in text
    assert PASSWORD not in text
    assert users.path.stat().st_mode & 0o777 == 0o600
    assert users.check("alice", PASSWORD) == users.get("alice")
    users.path.chmod(0o644)
    with pytest.raises(NotPermitted):
        users.all()


def test_names_and_short_passwords_are_refused_and_a_damaged_file_is_named(tmp_path):
    users = Users(tmp_path / "users.json", CHEAP)
    for name, password in (("a b", PASSWORD), ("<script>", PASSWORD), ("", PASSWORD), ("alice", "short")):
        with pytest.raises(DataError):
            users.put(name, "read", password, {})
    assert not users.path.exists()
    for text in ("", "{}", '{"users": {"a": {"role": "root"}}}', "[]"):
        users.path.write_text(text)
        users.path.chmod(0o600)
        with pytest.raises(StateError):
            users.all()
