"""Words of mail programs, in the languages we know: data for `replies`.

Everything is compared casefolded. The words were collected from the mails that the programs
write; a language is added by adding words, without code.
"""

from __future__ import annotations

# How a line begins that introduces a quote: "On Monday ... wrote:". Compared as whole words at the start of a line.
STARTS = (
    "on", "at", "in", "from",  # en
    "am", "von", "vom",  # de
    "le", "à",  # fr
    "el", "en", "con fecha", "al",  # es, ca
    "il", "in data", "il giorno", "on giorno",  # it
    "op", "van",  # nl
    "w dniu", "dnia", "pt.", "pon.", "wt.", "śr.", "czw.", "sob.", "niedz.",  # pl
    "em", "a", "às", "no dia",  # pt
    "den", "d.", "på",  # sv, da, nb
    "dne", "v", "dňa", "po", "út", "st", "čt", "pá", "so", "ne", "ut", "št", "pi",  # cs, sk
    "în", "la", "pe", "in data de",  # ro
    "στις", "στις ", "την", "το",  # el
    "на", "в", "от", "дана", "dana", "u", "dne",  # bg, ru, hr, sl
    "у", "о",  # uk, sr
    "tarihinde", "בתאריך", "ב-", "ביום", "في", "بتاريخ", "در",  # tr, he, ar, fa
    "vào", "vào lúc", "pada", "noong", "เมื่อ",  # vi, id, tl, th
    "kuupäeval", "ühel kuupäeval", "sk.,", "data:", "dată",  # et, lv, lt
    "於", "在", "于",  # zh
)  # fmt: skip

# What such a line says of the person: "wrote". Looked for anywhere in the line.
VERBS = (
    "wrote", "writes", "sent the following message", "schrieb", "schreibt", "geschrieben", "a écrit", "écrivait",
    "a ecrit", "escribió", "escribio", "va escriure", "ha escrit", "ha scritto", "scrive", "schreef",
    "heeft geschreven", "geschreven", "napisał", "pisze", "escreveu", "skrev", "skrifaði", "napsal", "napísal",
    "napisao", "napisala", "napisal", "je napisao", "a scris", "έγραψε", "написал", "написав", "написа", "пише",
    "пишет", "yazdı", "yazmış", "כתב", "מאת", "كتب", "كتبت", "كتابة", "نوشت", "kirjoitti", "kirjutas", "rašė",
    "rakstīja", "írta", "ezt írta", "đã viết", "menulis", "เขียน", "のメール", "書きました", "wrote：", "写道",
    "寫道", "写到", "님이 작성", "작성", "쓴 글", "님의 말", "書き込みました", "のメッセージ", "του έγραψε", " sent:",
    " says:", "napisali", "napsala", "napísala", "je написао", "је написао", "написала", "írták", "ha pubblicato",
    "publicou", "shkroi", "idatzi", "scríobh", "ysgrifennodd",
)  # fmt: skip

# Sentences of people, not of programs: the start and the verb of a quote's introduction, with a pronoun between.
PRONOUNS = (
    "i wrote", "you wrote", "we wrote", "schrieb ich", "ich schrieb", "schrieben wir", "schrieben sie",
    "schriebst du", "j'ai écrit", "nous avons écrit", "vous avez écrit", "yo escribí", "ho scritto", "schreef ik",
    "jag skrev",
)  # fmt: skip

# Labels of the header block that Outlook and its kind put above a quote.
_LABELS = {
    "from": (
        "from", "von", "de", "da", "van", "od", "från", "fra", "lähettäjä", "feladó", "expéditeur", "remitente",
        "mittente", "afzender", "absender", "nadawca", "odesílatel", "odosielateľ", "de la", "expeditor", "από", "от",
        "від", "kimden", "gönderen", "מאת", "من", "差出人", "送信者", "发件人", "寄件者", "寄件人", "보낸 사람",
        "보낸사람", "pošiljatelj", "šalje", "saatja", "no", "nuo", "từ", "จาก", "dari", "frá",
    ),
    "sent": (
        "sent", "date", "gesendet", "datum", "envoyé", "envoyé le", "date d'envoi", "enviado", "enviado el", "fecha",
        "enviada em", "enviado em", "data", "inviato", "data invio", "verzonden", "wysłano", "data wysłania",
        "skickat", "skickad", "sendt", "dato", "lähetetty", "päivämäärä", "päiväys", "elküldve", "dátum", "küldve",
        "odesláno", "odoslané", "trimis", "dată", "στάλθηκε", "εστάλη", "ημερομηνία", "отправлено", "дата",
        "надіслано", "изпратено", "gönderildi", "gönderilme tarihi", "tarih", "נשלח", "תאריך", "تاريخ الإرسال",
        "التاريخ", "تم الإرسال", "送信日時", "日付", "日時", "发送时间", "发送日期", "日期", "傳送時間", "寄件日期",
        "보낸 날짜", "날짜", "poslano", "saadetud", "kuupäev", "nosūtīts", "išsiųsta", "ngày", "đã gửi", "ส่ง",
        "วันที่", "dikirim", "tanggal",
    ),
    "to": (
        "to", "an", "à", "a", "para", "aan", "do", "till", "til", "vastaanottaja", "címzett", "komu", "pre", "către",
        "προς", "кому", "до", "kime", "alıcı", "אל", "إلى", "宛先", "收件人", "收件者", "받는 사람", "받는사람", "za",
        "prima", "saaja", "adresāts", "kam", "tới", "đến", "ถึง", "kepada", "destinataire", "destinatario",
        "empfänger",
    ),
    "cc": ("cc", "kopie", "copie", "copia", "kopia", "kopi", "kopio", "másolat", "kopija", "копия", "копія", "κοιν",
           "bilgi", "עותק", "نسخة", "抄送", "副本", "참조", "dw", "kopie an", "bcc", "c.c."),
    "subject": (
        "subject", "betreff", "objet", "sujet", "asunto", "oggetto", "onderwerp", "temat", "assunto", "ämne", "emne",
        "aihe", "předmět", "predmet", "tárgy", "subiect", "θέμα", "тема", "относно", "konu", "נושא", "הנדון",
        "الموضوع", "件名", "主题", "主題", "主旨", "제목", "zadeva", "teema", "temats", "tema", "chủ đề", "เรื่อง",
        "subjek", "perihal", "efni", "assumpte",
    ),
}  # fmt: skip
LABELS: dict[str, frozenset[str]] = {kind: frozenset(words) for kind, words in _LABELS.items()}

# Text between dashes above a quoted original: "-----Original Message-----".
ORIGINALS = frozenset({
    "original message", "reply message", "replied message", "original", "message original", "antwort nachricht",
    "oprindelig besked", "opprinnelig e-post", "original e-post", "original-e-mail", "ursprüngliche e-mail",
    "originele bericht", "alkuperäinen sähköposti", "původní e-mail", "původní zpráva", "wiadomość źródłowa",
    "mensagem original", "e-mail original", "courriel original", "orijinal ileti", "asıl ileti", "özgün mesaj",
    "початкове повідомлення", "повідомлення-оригінал", "первоначальное сообщение", "начало оригинального сообщения",
    "αρχικό e-mail", "originalno sporočilo", "original melding", "upprunaleg skilaboð", "回复的原邮件", "原郵件",
    "original appointment", "original mail", "original email", "ursprüngliche nachricht", "originalnachricht",
    "original-nachricht", "ursprüngliche mail", "urspr. nachricht", "message d'origine", "message initial",
    "mensaje original", "missatge original", "messaggio originale", "messaggio original", "oorspronkelijk bericht",
    "oorspronkelijke bericht", "origineel bericht", "wiadomość oryginalna", "oryginalna wiadomość",
    "wiadomość pierwotna", "ursprungligt meddelande", "originalmeddelande", "oprindelig meddelelse",
    "original meddelelse", "opprinnelig melding", "alkuperäinen viesti", "puvodni zprava", "pôvodná správa",
    "eredeti üzenet", "mesaj original", "mesajul original", "αρχικό μήνυμα", "исходное сообщение",
    "оригинальное сообщение", "оригінальне повідомлення", "оригинално съобщение", "orijinal mesaj", "orjinal mesaj",
    "özgün ileti", "הודעה מקורית", "الرسالة الأصلية", "رسالة أصلية", "元のメッセージ", "元のメール", "原始邮件",
    "原始郵件", "原邮件", "원본 메시지", "원본 메일", "izvorna poruka", "originalna poruka", "izvirno sporočilo",
    "algne kiri", "sākotnējais ziņojums", "pirminis laiškas", "thư gốc", "ข้อความเดิม", "pesan asli",
})  # fmt: skip

# A forward is content: the person wants us to read it.
FORWARDS = frozenset({
    "forwarded message", "forwarded mail", "begin forwarded message", "weitergeleitete nachricht",
    "anfang der weitergeleiteten nachricht", "weitergeleitete mail", "message transféré", "message transmis",
    "début du message transféré", "début du message réexpédié", "mensaje reenviado", "inicio del mensaje reenviado",
    "messaggio inoltrato", "inizio messaggio inoltrato", "doorgestuurd bericht", "begin doorgestuurd bericht",
    "wiadomość przekazana dalej", "przekazana wiadomość", "początek przekazywanej wiadomości", "mensagem encaminhada",
    "mensagem reencaminhada", "início da mensagem reencaminhada", "vidarebefordrat meddelande",
    "vidarebefordrat brev", "videresendt meddelelse", "videresendt melding", "välitetty viesti",
    "alkaa välitetty viesti", "přeposlaná zpráva", "preposlaná správa", "továbbított üzenet", "mesaj redirecționat",
    "mesaj redirectionat", "προωθημένο μήνυμα", "пересылаемое сообщение", "пересланное сообщение",
    "переслане повідомлення", "препратено съобщение", "iletilen mesaj", "yönlendirilmiş ileti", "הודעה שהועברה",
    "رسالة معاد توجيهها", "الرسالة المحولة", "転送メッセージ", "転送されたメッセージ", "转发的邮件", "轉寄郵件",
    "已转发邮件", "전달된 메시지", "proslijeđena poruka", "posredovano sporočilo", "edastatud kiri",
    "persiųstas laiškas", "pārsūtīts ziņojums",
})  # fmt: skip

# How the subject of a forward begins, where the program does not say it in the text (Outlook).
FORWARD_MARKS = (
    "fw", "fwd", "wg", "tr", "rv", "i", "enc", "doorst", "vb", "vs", "vl", "pd", "tov", "továbbítás", "ilt", "i̇lt",
    "πρθ", "пер", "пересл", "нпр", "הועבר", "إعادة توجيه", "转发", "轉寄", "転送", "전달", "trs", "fs",
)  # fmt: skip

# "Reply above this line": everything below is the far side's own mail.
SEPARATORS = (
    "reply above this line", "please reply above this line", "please type your reply above this line",
    "write above this line", "type your reply above", "reply above the line", "bitte oberhalb dieser linie antworten",
    "antworten sie oberhalb dieser linie", "bitte antworten sie oberhalb", "répondez au-dessus de cette ligne",
    "répondre au-dessus de cette ligne", "responda por encima de esta línea",
    "escriba su respuesta por encima de esta línea", "rispondi sopra questa riga", "rispondere sopra questa linea",
    "antwoord boven deze lijn", "typ je antwoord boven deze lijn", "odpowiedz powyżej tej linii",
    "responda acima desta linha", "svara ovanför denna linje", "svar over denne linje",
)  # fmt: skip

# Lines that mail programs on telephones and tablets add: how they begin, and where `…` stands, what follows later.
# Every other line must also name a device or a program (DEVICES): "Sent with DHL on Monday" is a person's sentence.
MOBILE = (
    "sent from", "sent with", "sent via", "sent using", "sent by", "get outlook for", "get bluemail for", "download",
    "von meinem…gesendet", "von meiner…gesendet", "gesendet von", "gesendet mit", "gesendet über", "gesendet aus",
    "diese nachricht wurde von meinem…gesendet", "outlook für", "holen sie sich", "laden sie", "envoyé de mon",
    "envoyé depuis", "envoyé à partir de", "envoyé avec", "envoyé par", "envoyé via", "envoyé du", "obtenir",
    "télécharger", "téléchargez", "provenance :", "enviado desde", "enviado con", "enviado a través de",
    "enviado por", "obtener", "descargar", "inviato da", "inviata da", "inviato con", "ottieni", "scarica",
    "inviato tramite", "verstuurd", "verzonden", "outlook voor", "download outlook voor", "wysłane", "wysłano",
    "pobierz", "enviado do", "enviado pelo", "enviado de", "enviada do", "enviado através", "obter", "obtenha",
    "skickat från", "skickat med", "skaffa", "hämta", "sendt fra", "sendt med", "hent", "få", "lähetetty", "hanki",
    "odesláno", "získat", "získejte", "odoslané", "získajte", "az iphone", "az ipad", "iphone-omról", "az outlook",
    "загрузить", "отримати", "скачать", "скачайте", "הורד", "קבל את", "الحصول على", "تنزيل", "نُرسلت من", "ios 版",
    "ios版", "android 版", "android版", "获取", "下载", "取得適用", "取得 outlook", "android용", "ios용", "elküldve",
    "küldve", "a következőhöz", "trimis", "obțineți", "στάλθηκε από", "εστάλη από", "λήψη", "отправлено", "надіслано",
    "изпратено", "iphone'umdan", "iphone’umdan", "ipad’imden", "iphone'dan", "ipad'imden", "android için", "ios için",
    "samsung", "נשלח", "أُرسلت من", "أرسلت من", "تم الإرسال من", "gönderildi", "wysłane z", "sent on", "posted from",
    "odesláno z", "发送自我的", "从我的", "自我的", "傳送自我的", "寄自我的", "내 ", "모바일", "de pe ",
    "iphoneから送信", "私の", "ipadから送信", "androidから送信", "发自我的", "從我的", "发送自", "나의", "poslano",
    "poslato", "saadetud", "išsiųsta", "sūtīts", "gửi từ", "đã gửi từ", "ส่งจาก", "dikirim dari",
)  # fmt: skip

# These begin such a line whatever the device is called, when the line is short.
POSSESSIVE = (
    "sent from my ", "envoyé de mon ", "envoyé depuis mon ", "enviado desde mi ", "enviado do meu ",
    "inviato dal mio ", "verstuurd vanaf mijn ", "verzonden vanaf mijn ", "gesendet von meinem ", "skickat från min ",
    "sendt fra min ", "wysłane z mojego ", "odesláno z mého ", "trimis de pe ", "στάλθηκε από το ",
    "отправлено с моего ",
)  # fmt: skip

DEVICES = (
    "boxer", "k-9", "aqua mail", "spark", "edison", "airmail", "mailbox", "sparrow", "acompli", "cell", "ipod", "htc",
    "lg ", "oppo", "vivo", "honor", "realme", "asus", "zte", "fairphone", "nexus", "aol", "icloud", "libero",
    "orange", "t-online", "seznam", "yandex", "яндекс", "почт", "wp.pl", "onet", "interia", "portátil", "ordenador",
    "gerät", "appareil", "dispositivo", "toestel", "urządz", "zařízen", "készülék", "dispozitiv", "συσκευή",
    "устройств", "пристро", "cihaz", "מכשיר", "جهاز", "هاتف", "הנייד", "端末", "スマート", "手机版", "휴대폰",
    "laite", "enhet", "enhed", "iphon", "ipad", "ios", "android", "outlook", "windows", "mail", "samsung", "galaxy",
    "huawei", "xiaomi", "redmi", "pixel", "oneplus", "motorola", "nokia", "sony", "blackberry", "smartphone",
    "mobile", "mobil", "handy", "tablet", "telefon", "telefoon", "téléphone", "phone", "teléfono", "telefono",
    "móvil", "celular", "cellulare", "telemóvel", "puhelin", "τηλέφωνο", "κινητό", "телефон", "yahoo", "gmx",
    "web.de", "proton", "thunderbird", "app", "komórk", "手机", "手機", "携帯", "휴대", "nettbrett", "surfplatta",
    "デバイス",
)  # fmt: skip
