"""Every fault on demand, as a client over HTTP meets it."""

import time

import pytest
import requests

from connector.sandbox.shop import Misbehave


def messages(talk, text):
    return [row for row in talk.shop.rows("customer_messages") if row["message"] == text]


def test_a_lost_answer_leaves_the_message_in_the_shop(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("drop_after", method="POST", resource="customer_messages"))
    with pytest.raises(requests.ConnectionError):
        talk.post_message("lost answer")
    assert len(messages(talk, "lost answer")) == 1
    assert talk.post_message("second try").status_code == 201


def test_a_connection_dropped_before_the_write_leaves_nothing(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("drop_before", method="POST"))
    with pytest.raises(requests.ConnectionError):
        talk.post_message("never arrived")
    assert messages(talk, "never arrived") == []


def test_a_late_write_lands_after_the_client_has_gone(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("late_write", method="POST", seconds=0.6))
    with pytest.raises((requests.ConnectionError, requests.Timeout)):
        talk.post_message("late", timeout=0.2)
    assert messages(talk, "late") == []
    deadline = time.monotonic() + 5
    while not messages(talk, "late") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(messages(talk, "late")) == 1


def test_a_held_write_lands_when_it_is_let_go(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("held", method="POST"))
    with pytest.raises(requests.ConnectionError):
        talk.post_message("held")
    assert talk.shop.drained()
    assert messages(talk, "held") == []
    assert talk.shop.release() == 1
    assert len(messages(talk, "held")) == 1
    assert talk.shop.release() == 0


def test_an_error_page_before_the_write_leaves_nothing(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("error_before", method="POST"))
    answer = talk.post_message("refused")
    assert answer.status_code == 500
    assert "<html>" in answer.text
    assert messages(talk, "refused") == []


def test_an_error_page_after_the_write_leaves_the_message(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("error_after", method="POST"))
    assert talk.post_message("kept").status_code == 500
    assert len(messages(talk, "kept")) == 1


def test_a_php_warning_replaces_the_body_of_a_write_that_was_done(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("php_error_after", method="POST"))
    answer = talk.post_message("warned")
    assert (answer.status_code, "<code><![CDATA[3]]></code>" in answer.text) == (500, True)
    assert len(messages(talk, "warned")) == 1


def test_a_cut_body_breaks_off_in_the_middle(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("cut"))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        talk.get("orders", display="full")


def test_a_truncated_body_looks_whole_but_has_no_end(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("truncated"))
    answer = talk.get("orders", display="full")
    assert answer.status_code == 200
    assert "</prestashop>" not in answer.text


@pytest.mark.parametrize("kind", ["notice_before_xml", "html_before_xml"])
def test_a_notice_stands_before_the_xml(talk_to, kind):
    talk = talk_to()
    talk.shop.misbehave(Misbehave(kind))
    text = talk.get("orders/1").text
    assert not text.startswith("<?xml")
    assert text.endswith("</prestashop>\n")


def test_a_script_stands_after_the_xml(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("script_after_xml"))
    assert talk.get("orders/1").text.endswith("</script>\n")


def test_too_many_requests_say_when_to_come_back(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("rate_limit", times=2, retry_after=7))
    for _ in range(2):
        answer = talk.get("orders/1")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert talk.get("orders/1").status_code == 200


def test_a_resource_can_fail_for_ever_while_the_others_work(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("error_before", resource="carriers", times=None))
    assert [talk.get("carriers").status_code for _ in range(3)] == [500, 500, 500]
    assert talk.get("orders").status_code == 200
    talk.shop.behave()
    assert talk.get("carriers").status_code == 200


def test_a_fault_can_let_the_first_requests_pass(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("unavailable", skip=2))
    assert [talk.get("orders/1").status_code for _ in range(4)] == [200, 200, 503, 200]


def test_a_slow_answer_holds_up_nobody_else(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("delay", resource="orders", seconds=0.5))
    with pytest.raises(requests.Timeout):
        talk.get("orders/1", timeout=0.1)
    started = time.monotonic()
    assert talk.get("customers/1").status_code == 200
    assert time.monotonic() - started < 0.4


def test_a_host_page_and_a_redirect_are_not_the_webservice(talk_to):
    talk = talk_to()
    talk.shop.misbehave(Misbehave("html_200"))
    talk.shop.misbehave(Misbehave("redirect", location="https://other.example/"))
    page = talk.get("orders/1")
    assert (page.status_code, "PSWS-Version" in page.headers) == (200, False)
    assert talk.get("orders/1").headers["Location"] == "https://other.example/"


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="unknown misbehaviour"):
        Misbehave("tantrum")
