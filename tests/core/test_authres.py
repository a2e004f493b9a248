"""Authentication-Results: whose header counts, and what a stranger can put into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.authres import HEADER, Dmarc, dmarc, parse

OWN = "mx.shop.test"
PASS = f"{OWN}; spf=pass smtp.mailfrom=ann@example.com; dmarc=pass (p=reject) header.from=example.com"
FAIL = f"{OWN}; dmarc=fail (p=none dis=none) header.from=example.com"
MICROSOFT = (
    "spf=fail (sender IP is 203.0.113.9) smtp.mailfrom=example.com; dkim=none (message not signed) header.d=none;"
    "dmarc=fail action=none header.from=example.com;compauth=fail reason=001"
)
GOOGLE = (
    "mx.google.com; dkim=pass header.i=@example.com header.s=s1 header.b=Ab/c=; spf=pass (google.com: domain of "
    "ann@example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom=ann@example.com; dmarc=pass (p=NONE "
    "sp=NONE dis=NONE) header.from=example.com"
)
SAYS_FAIL, SAYS_PASS, SAYS_NOTHING = Dmarc(failed=True), Dmarc(passed=True), Dmarc()


def verdict(*values, server=OWN, sender="ann@example.com"):
    return dmarc([("received", "by x"), *((HEADER, value) for value in values)], server, sender)


def test_the_forms_of_large_providers_are_read():
    google = parse(GOOGLE)
    assert google.server == "mx.google.com"
    assert [(r.method, r.result) for r in google.results] == [("dkim", "pass"), ("spf", "pass"), ("dmarc", "pass")]
    microsoft = parse(MICROSOFT)
    assert microsoft.server == ""
    assert [(r.method, r.result) for r in microsoft.results][2] == ("dmarc", "fail")
    assert microsoft.results[2].properties["header.from"] == "example.com"


@pytest.mark.parametrize(
    "value", ["mx.shop.test 1; none", "mx.shop.test; none", "mx.shop.test", "", ";;;", "=", "a=b=c"]
)
def test_a_header_without_results_says_nothing(value):
    assert verdict(value) == SAYS_NOTHING


def test_the_own_server_is_believed():
    assert verdict(PASS) == SAYS_PASS
    assert verdict(FAIL) == SAYS_FAIL
    assert verdict(PASS.replace(OWN, OWN.upper() + ".")) == SAYS_PASS
    assert verdict(FAIL.replace("dmarc=fail", "dmarc/1 = fail")) == SAYS_FAIL


def test_a_forged_pass_below_the_own_servers_header_does_not_help():
    assert verdict(FAIL, PASS) == SAYS_FAIL
    assert verdict(f"{OWN}; spf=none", PASS) == SAYS_NOTHING


def test_a_pass_of_another_server_is_nobodys_word():
    assert verdict(PASS.replace(OWN, "mx.evil.example")) == SAYS_NOTHING
    assert verdict(PASS.replace(OWN, "mx.evil.example"), FAIL) == SAYS_FAIL


def test_without_a_name_in_the_settings_only_a_failure_in_the_topmost_header_counts():
    assert verdict(PASS, server="") == SAYS_NOTHING
    assert verdict(FAIL, PASS, server="") == SAYS_FAIL
    assert verdict(PASS, FAIL, server="") == SAYS_NOTHING


def test_a_server_that_writes_no_name_is_believed_in_the_topmost_header_alone():
    assert verdict(MICROSOFT, server="-") == SAYS_FAIL
    assert verdict(MICROSOFT.replace("dmarc=fail", "dmarc=pass"), server="-") == SAYS_PASS
    assert verdict(PASS, MICROSOFT, server="-") == SAYS_NOTHING


def test_a_pass_counts_for_the_domain_of_the_from_address_only():
    assert verdict(PASS, sender="ann@other.example") == SAYS_NOTHING
    assert verdict(PASS, sender="ann@sub.example.com") == SAYS_NOTHING
    assert verdict(PASS, sender="") == SAYS_NOTHING
    assert verdict(f"{OWN}; dmarc=pass") == SAYS_NOTHING


@pytest.mark.parametrize(
    "trick",
    [
        f'{OWN}; spf=fail smtp.mailfrom="a;dmarc=pass header.from=example.com"@evil.example',
        f"{OWN}; spf=fail (a \\) ; dmarc=pass header.from=example.com) smtp.mailfrom=x@evil.example",
        f"{OWN}; spf=fail (a (b ; dmarc=pass header.from=example.com) c) smtp.mailfrom=x@evil.example",
        f"{OWN}; dmarc=pass header.from=evil.example; dmarc=pass header.from=example.com",
        f"{OWN}; dmarc=none header.from=example.com; dmarc=pass header.from=example.com",
    ],
)
def test_what_a_stranger_writes_into_an_envelope_address_gives_no_pass(trick):
    assert verdict(trick) == SAYS_NOTHING


@pytest.mark.parametrize("result", ["temperror", "permerror", "none", "bestguesspass", "policy"])
def test_what_is_neither_pass_nor_fail_says_nothing(result):
    assert verdict(f"{OWN}; dmarc={result} header.from=example.com") == SAYS_NOTHING


def test_a_header_of_a_megabyte_is_read_in_linear_time():
    assert verdict(f"{OWN}; " + "(" * 500_000 + '"' * 500_000) == SAYS_NOTHING


@given(st.text(max_size=300), st.sampled_from(["", "-", OWN]))
def test_any_text_is_read_without_a_fault(value, server):
    assert dmarc([(HEADER, value)], server, "ann@example.com") in (SAYS_FAIL, SAYS_PASS, SAYS_NOTHING)
