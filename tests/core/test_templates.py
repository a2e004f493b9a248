"""Ready answers: no customer ever reads a placeholder, and a mistake is named with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import packagedata
from connector.core.replies import extract
from connector.core.templates import FACTS, Template, Templates, TemplateText, combine
from connector.core.wording import safe_message
from connector.errors import DataError

SHIPPED = packagedata.templates()
VALUES = {"firstname": "Zoé", "lastname": "O'Neil", "order": "ABCDEFGHI", "shop": "Zoé & Co", "thread": "12"}
ALL = [(name, language) for name, one in SHIPPED.of("").items() for language in one.texts]


def own(text: str, name: str = "late", shop: str = "") -> TemplateText:
    return TemplateText(name, text, f"own/{name}.toml", shop, own=True)


def mistakes(text: str, name: str = "late") -> list[str]:
    return [str(one) for one in combine([own(text, name)]).mistakes]


@pytest.mark.parametrize(("name", "language"), ALL)
def test_every_shipped_answer_can_be_sent_as_it_is(name: str, language: str) -> None:
    template = SHIPPED.of("")[name]
    text = template.render(language, VALUES | dict.fromkeys(template.values, "https://track.example/1"))
    assert "{" not in text
    assert "Zoé" in text
    assert safe_message(text, keeps_html=True, utf8mb4=False).changes == ()
    assert extract(text).new == text  # nothing in it looks like a quote or a signature


def test_the_shipped_files_are_without_mistakes_and_the_signature_is_the_shops_name() -> None:
    assert SHIPPED.mistakes == ()
    assert list(SHIPPED.of("any")) == ["received", "shipped"]
    assert SHIPPED.signature("any", "de", "Zoé & Co") == "Zoé & Co"


def test_the_language_is_the_customers_else_english_else_none() -> None:
    template = Template("x", {"en": "Hello", "pt": "Olá"})
    assert [template.language(one) for one in ("pt", "pt-BR", "PT_br", "de", "")] == ["pt", "pt", "pt", "en", "en"]
    with pytest.raises(DataError) as caught:
        Template("x", {"pt": "Olá"}).render("de", {})
    assert (caught.value.code, caught.value.facts["known"]) == ("template.no_language", "pt")


def test_a_value_that_is_not_known_or_has_no_place_is_refused() -> None:
    template = Template("x", {"en": "{order}: {link}"}, ("link",))
    for values, code in (
        ({"order": "A"}, "template.value_missing"),
        ({"order": "", "link": "b"}, "template.value_missing"),
        ({"order": "A", "link": "b", "lnk": "c"}, "template.unknown_value"),
    ):
        with pytest.raises(DataError) as caught:
            template.render("en", values)
        assert caught.value.code == code


@given(st.text(max_size=60))
def test_values_are_put_in_as_they_are_and_once(value: str) -> None:
    shown = Template("x", {"en": "<{link}>"}, ("link",))
    if value:
        assert shown.render("en", {"link": value}) == f"<{value}>"


def test_a_file_of_the_user_is_laid_over_language_by_language_and_that_of_a_shop_over_both() -> None:
    found = combine(
        [
            own('en = "own {firstname}"', "hello"),
            TemplateText("hello", 'en = "shipped"\nde = "geliefert"', "mappings/templates/hello.toml"),
            own('values = ["day"]\nen = "of main, {day}"', "hello", "main"),
            own('en = "Main shop"', "signature", "main"),
        ]
    )
    assert found.mistakes == ()
    assert found.named("other", "hello").texts == {"en": "own {firstname}", "de": "geliefert"}
    assert found.named("main", "hello").texts == {"en": "of main, {day}", "de": "geliefert"}
    assert found.named("main", "hello").values == ("day",)
    assert (found.signature("main", "fr", "X"), found.signature("other", "fr", "X")) == ("Main shop", "")
    with pytest.raises(DataError) as caught:
        found.named("main", "helo")
    assert caught.value.facts["known"] == "hello"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('en = """\nHello\n{firstname},\n{ordre}\n"""\n', "own/late.toml:4: `en` has an unknown placeholder {ordre}"),
        ('de = "x"\nen = "{firstname!r}"', "own/late.toml:2: `en` has a placeholder with `:` or `!`"),
        ('en = """\nfine\nlonely } brace\n"""', "own/late.toml:3: `en` has a brace without its partner"),
        ('\nEnglish = "x"', "own/late.toml:2: `English` is no language"),
        ('en = ""', "own/late.toml:1: `en` must be a text"),
        ("en = 7", "own/late.toml:1: `en` must be a text"),
        ('values = ["A b"]\nen = "x"', "own/late.toml:1: `values` must be a list"),
        ('values = ["order"]\nen = "x"', "own/late.toml:1: `order` is known by itself"),
        ('values = ["x"]', "own/late.toml:1: a template needs a text"),
        ('en = "{}"', "own/late.toml:1: `en` has an unknown placeholder {}"),
        ('en = "a\\u0007b"', "own/late.toml:1: `en` holds a control character"),
        ('\nen = "x', "own/late.toml:2: this is no valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(text: str, said: str) -> None:
    (found,) = mistakes(text)
    assert found.startswith(said)


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    assert len(mistakes('en = "{a} {b}"\nde = "{c}"')) == 3


def test_the_signature_knows_the_shop_only() -> None:
    assert "known are: shop" in mistakes('en = "{firstname}"', "signature")[0]
    assert mistakes('values = ["x"]\nen = ""', "signature") != []
    assert combine([own('en = ""', "signature")]).signature("main", "en", "X") == ""
    assert Templates().signature("main", "en", "X") == ""


def test_a_wrong_file_leaves_the_shipped_template_in_force() -> None:
    found = combine([TemplateText("late", 'en = "shipped"', "s.toml"), own('en = "{wrong}"')])
    assert found.named("main", "late").texts == {"en": "shipped"}
    assert len(found.mistakes) == 1
    assert set(FACTS) == {"firstname", "lastname", "order", "shop", "thread"}
