"""What the person newly wrote, in many languages and from many programs; never less than that."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.replies import extract

NEW = "Thank you, the parcel arrived.\n\nBest regards"
OLD = "Your order has been shipped.\nYour shop"
QUOTED = "> Your order has been shipped.\n> Your shop"

HEADERS = {
    "en gmail": "On Mon, Jan 5, 2026 at 10:00 AM My Shop <shop@example.org> wrote:",
    "en apple": "On 5 Jan 2026, at 10:00, My Shop <shop@example.org> wrote:",
    "en thunderbird": "On 05/01/2026 10:00, My Shop wrote:",
    "en wrapped": "On Mon, Jan 5, 2026 at 10:00 AM My Very Long Shop Name\n<shop@example.org> wrote:",
    "en wrapped thrice": "On Mon, Jan 5, 2026\nat 10:00 AM My Very Long Shop Name\n<shop@example.org>\nwrote:",
    "en 163": 'At 2026-01-05 10:00:00, "My Shop" <shop@example.org> wrote:',
    "de gmail": "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Mein Shop <shop@example.org>:",
    "de gmail wrapped": "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Mein Shop mit langem Namen\n<shop@example.org>:",
    "de thunderbird": "Am 05.01.26 um 10:00 schrieb Mein Shop:",
    "de name first": "Mein Shop <shop@example.org> schrieb am Mo., 5. Jan. 2026, 10:00:",
    "fr gmail": "Le lun. 5 janv. 2026 à 10:00, Ma Boutique <shop@example.org> a écrit :",
    "fr apple nbsp": "Le 5 janv. 2026 à 10:00, Ma Boutique <shop@example.org> a écrit\u00a0:",
    "fr wrapped": "Le lun. 5 janv. 2026 à 10:00, Ma Boutique <shop@example.org> a\nécrit :",
    "es gmail": "El lun, 5 ene 2026 a las 10:00, Mi Tienda (<shop@example.org>) escribió:",
    "it gmail": "Il giorno lun 5 gen 2026 alle ore 10:00 Negozio <shop@example.org> ha scritto:",
    "nl gmail": "Op ma 5 jan 2026 om 10:00 schreef Mijn Winkel <shop@example.org>:",
    "pl thunderbird": "W dniu 05.01.2026 o 10:00, Mój Sklep pisze:",
    "pl gmail": "pon., 5 sty 2026 o 10:00 Mój Sklep <shop@example.org> napisał(a):",
    "pt gmail": "Em seg., 5 de jan. de 2026 às 10:00, Minha Loja <shop@example.org> escreveu:",
    "sv gmail": "Den mån 5 jan. 2026 kl 10:00 skrev Min Butik <shop@example.org>:",
    "da gmail": "Den man. 5. jan. 2026 kl. 10.00 skrev Min Butik <shop@example.org>:",
    "nb gmail": "man. 5. jan. 2026 kl. 10:00 skrev Min Butikk <shop@example.org>:",
    "fi gmail": "ma 5. tammik. 2026 klo 10.00 Kauppa (shop@example.org) kirjoitti:",
    "cs gmail": "po 5. 1. 2026 v 10:00 odesílatel Obchod <shop@example.org> napsal:",
    "sk gmail": "po 5. 1. 2026 o 10:00 Obchod <shop@example.org> napísal(a):",
    "hu gmail": "Bolt <shop@example.org> ezt írta (időpont: 2026. jan. 5., H, 10:00):",
    "ro gmail": "În lun., 5 ian. 2026 la 10:00, Magazin <shop@example.org> a scris:",
    "el gmail": "Στις Δευ 5 Ιαν 2026 στις 10:00 π.μ., ο χρήστης Κατάστημα <shop@example.org> έγραψε:",
    "ru gmail": "пн, 5 янв. 2026 г. в 10:00, Магазин <shop@example.org>:",
    "ru yandex": '05.01.2026, 10:00, "Магазин" <shop@example.org>:',
    "uk gmail": "пн, 5 січ. 2026 р. о 10:00 Крамниця <shop@example.org> пише:",
    "bg gmail": "На пн, 5.01.2026 г. в 10:00 Магазин <shop@example.org> написа:",
    "tr gmail": "5 Oca 2026 Pzt, 10:00 tarihinde Dükkan <shop@example.org> şunu yazdı:",
    "tr wrapped": "5 Oca 2026 Pzt, 10:00 tarihinde Dükkan\n<shop@example.org> şunu yazdı:",
    "ar gmail": "في الاثنين، 5 يناير 2026 في 10:00 ص تمت كتابة ما يلي بواسطة متجر\u200f <shop@example.org>:",
    "he gmail": "\u202bבתאריך יום ב׳, 5 בינו׳ 2026 ב-10:00 מאת חנות \u200f<shop@example.org>:\u202c",
    "ja gmail": "2026年1月5日(月) 10:00 店 <shop@example.org>:",
    "zh gmail": "商店 <shop@example.org> 于2026年1月5日周一 10:00写道：",
    "zh 163": '在 2026-01-05 10:00:00，"商店" <shop@example.org> 写道：',
    "ko gmail": "2026년 1월 5일 (월) 오전 10:00, 상점 <shop@example.org>님이 작성:",
    "vi gmail": "Vào Th 2, 5 thg 1, 2026 vào lúc 10:00 Shop <shop@example.org> đã viết:",
    "hr gmail": "pon, 5. sij 2026. u 10:00 Trgovina <shop@example.org> napisao je:",
    "lt gmail": "2026-01-05, pr, 10:00 Shop <shop@example.org> rašė:",
    "en horde": "Quoting My Shop <shop@example.org>:",
    "bold": "*On 5 Jan 2026, at 10:00, My Shop <shop@example.org> wrote:*",
}

BLOCKS = {
    "en": ("From: My Shop <shop@example.org>", "Sent: Monday, January 5, 2026 10:00 AM", "To: Zoe", "Subject: Order"),
    "de": ("Von: Mein Shop <shop@example.org>", "Gesendet: Montag, 5. Januar 2026 10:00", "An: Zoe", "Betreff: B"),
    "de gmx": ("Gesendet: Montag, 05. Januar 2026 um 10:00 Uhr", "Von: Shop <shop@example.org>", "An: Z", "Betreff: B"),
    "fr": ("De : Boutique <shop@example.org>", "Envoyé : lundi 5 janvier 2026 10:00", "À : Zoé", "Objet : Commande"),
    "es": ("De: Tienda", "Enviado el: lunes, 5 de enero de 2026 10:00", "Para: Zoe", "Asunto: Pedido"),
    "it": ("Da: Negozio", "Inviato: lunedì 5 gennaio 2026 10:00", "A: Zoe", "Oggetto: Ordine"),
    "nl": ("Van: Winkel", "Verzonden: maandag 5 januari 2026 10:00", "Aan: Zoe", "Onderwerp: Bestelling"),
    "pl": ("Od: Sklep", "Wysłano: poniedziałek, 5 stycznia 2026 10:00", "Do: Zoe", "Temat: Zamówienie"),
    "pt": ("De: Loja", "Enviado: 5 de janeiro de 2026 10:00", "Para: Zoe", "Assunto: Pedido"),
    "sv": ("Från: Butik", "Skickat: den 5 januari 2026 10:00", "Till: Zoe", "Ämne: Order"),
    "da": ("Fra: Butik", "Sendt: 5. januar 2026 10:00", "Til: Zoe", "Emne: Ordre"),
    "fi": ("Lähettäjä: Kauppa", "Lähetetty: maanantai 5. tammikuuta 2026", "Vastaanottaja: Zoe", "Aihe: Tilaus"),
    "cs": ("Od: Obchod", "Odesláno: pondělí 5. ledna 2026 10:00", "Komu: Zoe", "Předmět: Objednávka"),
    "sk": ("Od: Obchod", "Odoslané: pondelok 5. januára 2026", "Komu: Zoe", "Predmet: Objednávka"),
    "hu": ("Feladó: Bolt", "Elküldve: 2026. január 5., hétfő 10:00", "Címzett: Zoe", "Tárgy: Rendelés"),
    "ro": ("De la: Magazin", "Trimis: luni, 5 ianuarie 2026 10:00", "Către: Zoe", "Subiect: Comandă"),
    "el": ("Από: Κατάστημα", "Στάλθηκε: Δευτέρα, 5 Ιανουαρίου 2026", "Προς: Ζωή", "Θέμα: Παραγγελία"),
    "ru": ("От: Магазин", "Отправлено: 5 января 2026 г. 10:00", "Кому: Зоя", "Тема: Заказ"),
    "uk": ("Від: Крамниця", "Надіслано: 5 січня 2026 р. 10:00", "Кому: Зоя", "Тема: Замовлення"),
    "tr": ("Kimden: Dükkan", "Gönderildi: 5 Ocak 2026 Pazartesi 10:00", "Kime: Zoe", "Konu: Sipariş"),
    "he": ("מאת: חנות", "נשלח: יום שני 05 ינואר 2026", "אל: זואי", "נושא: הזמנה"),
    "ar": ("من: متجر", "تاريخ الإرسال: 5 يناير 2026", "إلى: زوي", "الموضوع: طلب"),
    "ja": ("差出人: 店", "送信日時: 2026年1月5日 10:00", "宛先: ゾーイ", "件名: 注文"),
    "zh": ("发件人：商店", "发送时间：2026年1月5日 10:00", "收件人：佐伊", "主题：订单"),
    "bold": ("*From:* My Shop", "*Sent:* Monday", "*To:* Zoe", "*Subject:* Order"),
}

ORIGINALS = [
    "-----Original Message-----",
    "------- Original Message -------",
    "-----Ursprüngliche Nachricht-----",
    "-----Message d'origine-----",
    "-----Mensaje original-----",
    "-----Messaggio originale-----",
    "-----Oorspronkelijk bericht-----",
    "-----Wiadomość oryginalna-----",
    "-----Mensagem original-----",
    "-----Ursprungligt meddelande-----",
    "-----Исходное сообщение-----",
    "------------------ 原始邮件 ------------------",
    "----- 元のメッセージ -----",
]

MOBILE = [
    "Sent from my iPhone", "Get Outlook for iOS", "Sent from Mail for Windows", "Von meinem iPhone gesendet",
    "Gesendet mit der GMX Mail App", "Envoyé de mon iPhone", "Obtenir Outlook pour Android",
    "Enviado desde mi iPhone", "Inviato da iPhone", "Verstuurd vanaf mijn iPhone", "Wysłane z iPhone'a",
    "Enviado do meu iPhone", "Skickat från min iPhone", "Sendt fra min iPhone", "Lähetetty iPhonesta",
    "Odesláno z iPhonu", "Trimis de pe iPhone", "Στάλθηκε από το iPhone μου", "Отправлено с iPhone",
    "iPhone'umdan gönderildi", "iPhoneから送信", "发自我的iPhone", "나의 iPhone에서 보냄",
]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_quote_header_and_its_marked_quote_are_cut(header):
    parts = extract(f"{NEW}\n\n{header}\n\n{QUOTED}\n")
    assert (parts.new, parts.quoted, parts.confidence) == (NEW, f"{header}\n\n{QUOTED}", "high")


MARKED_ONLY = {"en horde"}  # without a verb we know or a time, only a marked quote below proves it


@pytest.mark.parametrize("header", [header for name, header in HEADERS.items() if name not in MARKED_ONLY])
def test_a_quote_header_and_its_unmarked_quote_are_cut(header):
    parts = extract(f"{NEW}\n\n{header}\n{OLD}")
    assert (parts.new, parts.quoted) == (NEW, f"{header}\n{OLD}")


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
@pytest.mark.parametrize("above", ["", "________________________________\n", "-----Original Message-----\n"])
def test_an_outlook_header_block_begins_a_quote(block, above):
    quote = above + "\n".join(block) + "\n\n" + OLD
    parts = extract(f"{NEW}\n\n{quote}")
    assert (parts.new, parts.quoted, parts.confidence) == (NEW, quote, "high")


@pytest.mark.parametrize("line", ORIGINALS)
def test_an_original_message_line_begins_a_quote(line):
    assert extract(f"{NEW}\n\n{line}\n{OLD}").quoted == f"{line}\n{OLD}"


@pytest.mark.parametrize(
    "line",
    ["##- Please type your reply above this line -##", "--- Reply above this line ---",
     "=== Bitte oberhalb dieser Linie antworten ==="],
)  # fmt: skip
def test_a_reply_separator_begins_a_quote(line):
    assert extract(f"{NEW}\n{line}\n{OLD}").new == NEW


@pytest.mark.parametrize("line", MOBILE)
def test_a_telephones_line_is_a_signature(line):
    parts = extract(f"{NEW}\n\n{line}\n\nOn 5 Jan 2026, at 10:00, Shop <shop@example.org> wrote:\n\n{QUOTED}")
    assert (parts.new, parts.signature) == (NEW, line)


@pytest.mark.parametrize(
    "line",
    [
        "Sent with DHL on Monday, not arrived.",
        "Von meinem Handy geht es nicht.",
        "Gesendet mit DHL",
        "Obtenir un avoir ?",
    ],
)
def test_a_persons_last_sentence_is_no_signature(line):
    assert extract(f"Hello\n{line}").new == f"Hello\n{line}"


@pytest.mark.parametrize("delimiter", ["-- ", "--"])
def test_a_signature_follows_two_dashes(delimiter):
    parts = extract(f"{NEW}\n{delimiter}\nZoe Example\n+49 30 1234\n\n{QUOTED}")
    assert (parts.new, parts.signature, parts.quoted) == (NEW, f"{delimiter}\nZoe Example\n+49 30 1234", QUOTED)


def test_two_dashes_with_a_long_text_below_divide_and_sign_nothing():
    text = "First part\n--\n" + "\n".join(f"line {n}" for n in range(20))
    assert extract(text).new == text


def test_an_answer_below_the_quote_is_new():
    parts = extract(f"On 5 Jan 2026 10:00, Shop wrote:\n{QUOTED}\n\n{NEW}\n-- \nZoe")
    assert (parts.new, parts.signature, parts.confidence) == (NEW, "-- \nZoe", "high")


def test_answers_between_quotes_keep_the_whole_text():
    text = "Hi,\n> Which colour?\nBlue.\n> Which size?\nLarge.\n> Anything else?"
    parts = extract(f"{text}\n\nBye\n-- \nZoe")
    assert (parts.new, parts.quoted, parts.signature) == (f"{text}\n\nBye", "", "-- \nZoe")
    assert parts.confidence == "low"


def test_deep_and_odd_quote_marks_are_quotes():
    parts = extract("Yes.\n>> a\n> > b\n >c\n| d\n|\n| e")
    assert (parts.new, parts.quoted) == ("Yes.", ">> a\n> > b\n >c\n| d\n|\n| e")


def test_a_table_row_is_no_quote():
    text = "My order:\n| item | size |\n| shoe | 42 |"
    assert extract(text).new == text


@pytest.mark.parametrize(
    "line",
    ["---------- Forwarded message ---------", "Begin forwarded message:",
     "-------- Weitergeleitete Nachricht --------",
     "---------- Message transféré ---------", "---------- Mensaje reenviado ----------",
     "-------- Пересылаемое сообщение --------", "---------- 转发的邮件 ----------"],
)  # fmt: skip
def test_a_forward_is_content(line):
    text = f"See what they wrote\n\n{line}\nFrom: X <x@y.example>\nDate: Mon\nSubject: S\nTo: Z\n\nThe text"
    assert extract(text).new == text


def test_a_forward_inside_a_quote_is_quoted():
    text = f"On 5 Jan 2026 10:00, Shop wrote:\n{OLD}\n---------- Forwarded message ---------\nold"
    assert extract(f"{NEW}\n\n{text}").new == NEW


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote:\nwhere is it?",
        "On 5 May at 10:00 I wrote you: where is it?\nPlease answer:\nor call",
        "Le 5 mai à 10:00 votre collègue m'a écrit :\nil arrive",
        "Hello,\nOn 5 May 2026 at 10:00 your colleague wrote:\nit will come",
        "Your colleague wrote:\nit will come on Monday",
        "Am 5. Mai um 10:00 schrieb ich Ihnen:\nWo ist es?",
        "From: Berlin\nTo: Rome\nDate: 5 May\nTwo tickets",
        "Please call me at 10:30:\n+49 30 1234",
        "My address is zoe@customer.example\nand my order 4711",
        "Order:\n________________________________\nshoes",
        "Von: mir",
    ],
)
def test_sentences_of_people_are_not_taken_for_quotes(text):
    parts = extract(text)
    assert (parts.new, parts.quoted) == (text, "")


def test_a_line_of_text_above_a_header_stays_new():
    parts = extract("My mail is zoe@customer.example\nAm 5.1.2026 um 10:00 schrieb Shop <shop@example.org>:\n> alt")
    assert parts.new == "My mail is zoe@customer.example"


@pytest.mark.parametrize(
    "text", [QUOTED, f"-----Original Message-----\n{OLD}", "Sent from my iPhone", "-- \nZoe", "\n".join(BLOCKS["en"])]
)
def test_a_text_is_never_emptied(text):
    parts = extract(text)
    assert parts.new == text
    assert parts.quoted == parts.signature == ""


def test_text_that_nobody_sees_does_not_count_as_new():
    assert "shipped" in extract(f"\u200b\n\n{QUOTED}").new


def test_an_empty_text_stays_as_it_is():
    assert extract(" \n ").new == " \n "
    assert extract("").new == ""


PIECES = """> quoted|text||-- |--|On 5 Jan 2026 10:00, Shop <a@b> wrote:|From: a@b|Sent: today|Subject: x
-----Original Message-----|Begin forwarded message:|Sent from my iPhone|On Monday, a@b|5 Jan 10:00|wrote:|>
> On 5 Jan a@b wrote:""".replace("\n", "|").split("|")
LINES = st.lists(
    st.one_of(st.text(max_size=12), st.sampled_from([*PIECES, "_" * 32, "| q", "\u200b", "\r", " " * 500 + "x"])),
    max_size=14,
)


@settings(deadline=None, max_examples=200)
@given(LINES)
def test_no_line_is_lost_doubled_or_moved_within_its_part(lines):
    text = "\n".join(lines)
    parts = extract(text)
    wanted = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    given_back = [
        [line for line in part.split("\n") if line.strip()] for part in (parts.new, parts.quoted, parts.signature)
    ]
    assert Counter(line for part in given_back for line in part) == Counter(wanted)
    for part in given_back:
        rest = iter(wanted)
        assert all(line in rest for line in part)
    assert bool(parts.new.strip()) == bool(text.strip())


HOSTILE = {
    "on wrote": lambda k: "On Monday you wrote " * k,
    "on wrote, line by line": lambda k: "On Monday at 10:00 a@b wrote\n" * k,
    "le": lambda k: "Le " * (4 * k),
    "le, line by line": lambda k: "Le \n" * (4 * k),
    "dashes": lambda k: "-" * (20 * k),
    "dash lines": lambda k: "-- \n" * k,
    "quote marks": lambda k: ">" * (20 * k),
    "quote lines": lambda k: ">\n" * k,
    "colons": lambda k: "wrote:\n" * k,
    "labels": lambda k: "From: a@b\n" * k,
    "interleaved": lambda k: "> a\nb\n" * k,
    "underscores": lambda k: "_" * 40 + "\n" * k,
}


def steps(text):
    """How many lines of our own code run: the same on every machine."""
    import sys

    count = 0

    def tracer(frame, event, _arg):
        nonlocal count
        if not frame.f_code.co_filename.endswith(("replies.py", "signatures.py", "textlines.py")):
            return None
        count += event == "line"
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        extract(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_twice_the_hostile_input_is_at_most_twice_the_work(hostile):
    assert steps(hostile(240)) <= 2.2 * steps(hostile(120)) + 200


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_inputs_that_hang_libraries_come_through_whole(hostile):
    text = hostile(5000)
    parts = extract(text)
    kept = sum(len(part.replace("\n", "")) for part in (parts.new, parts.quoted, parts.signature))
    assert abs(kept - len(text.replace("\n", ""))) <= 200  # blanks at the ends of the text
