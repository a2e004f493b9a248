"""The made-up words and the small tables that every seeded shop has: languages, states, contacts, carriers, texts.

Data only. Names and addresses are invented; domains are the reserved example ones. Order states are those of a fresh
PrestaShop installation, with their flags.
"""

from __future__ import annotations

PASSWORD_HASH = "$2y$10$sandboxsandboxsandboxsO3mZ1hZkPz6YvX1c4s1u9oQ7b8r2tWxe"
PASSWORD_MD5 = "5a4db0c5a4db0c5a4db0c5a4db0c5a4d"  # 1.6 holds 32 characters (recording 03)

LANGUAGES = (
    # id, name, iso, locale, code, active, rtl, short date, long date
    (1, "English (English)", "en", "en-US", "en-us", 1, 0, "m/d/Y", "m/d/Y H:i:s"),
    (2, "Français (French)", "fr", "fr-FR", "fr", 1, 0, "d/m/Y", "d/m/Y H:i:s"),
    (3, "Deutsch (German)", "de", "de-DE", "de", 1, 0, "d.m.Y", "d.m.Y H:i:s"),
    (4, "Español (Spanish)", "es", "es-ES", "es", 1, 0, "d/m/Y", "d/m/Y H:i:s"),
    (5, "اللغة العربية (Arabic)", "ar", "ar-SA", "ar-sa", 1, 1, "Y-m-d", "Y-m-d H:i:s"),
    (6, "Italiano (Italian)", "it", "it-IT", "it", 0, 0, "d/m/Y", "d/m/Y H:i:s"),
)

#: English, French, German, Spanish name; template; flags: invoice logable paid shipped delivery send_email pdf_invoice
STATES = (
    ("Awaiting check payment", "En attente du paiement par chèque", "Scheckzahlung wird erwartet",
     "En espera de pago por cheque", "cheque", "0000010"),
    ("Payment accepted", "Paiement accepté", "Zahlung eingegangen", "Pago aceptado", "payment", "1110011"),
    ("Processing in progress", "En cours de préparation", "Bestellung in Bearbeitung", "Preparación en curso",
     "preparation", "1110110"),
    ("Shipped", "Expédié", "Versendet", "Enviado", "shipped", "1111110"),
    ("Delivered", "Livré", "Zugestellt", "Entregado", "", "1111100"),
    ("Canceled", "Annulé", "Storniert", "Cancelado", "order_canceled", "0000010"),
    ("Refunded", "Remboursé", "Erstattet", "Reembolsado", "refund", "1000010"),
    ("Payment error", "Erreur de paiement", "Fehler bei der Bezahlung", "Error en pago", "payment_error", "0000010"),
    ("On backorder (paid)", "En attente de réapprovisionnement (payé)", "Artikel nachbestellt (bezahlt)",
     "Pedido pendiente por falta de stock (pagado)", "outofstock", "1010010"),
    ("Awaiting bank wire payment", "En attente de virement bancaire", "Warten auf Zahlungseingang Überweisung",
     "En espera de pago por transferencia bancaria", "bankwire", "0000010"),
    ("Remote payment accepted", "Paiement à distance accepté", "Fernzahlung akzeptiert", "Pago remoto aceptado",
     "payment", "1110010"),
    ("On backorder (not paid)", "En attente de réapprovisionnement (non payé)", "Artikel nachbestellt (nicht bezahlt)",
     "Pedido pendiente por falta de stock (no pagado)", "outofstock", "0000010"),
    ("Awaiting Cash On Delivery validation", "En attente de paiement à la livraison",
     "Warten auf Bestätigung der Nachnahme", "En espera de validación por contra reembolso.", "", "0000000"),
)  # fmt: skip
PAYPAL = ("Awaiting PayPal payment", "En attente du paiement par PayPal", "Warten auf Zahlungseingang von PayPal",
          "En espera de pago por PayPal", "", "0000000")  # fmt: skip
COLORS = ("#34209E", "#3498D8", "#3498D8", "#01B887", "#01B887", "#2C3E50", "#01B887", "#E74C3C", "#3498D8", "#34209E",
          "#3498D8", "#34209E", "#34209E")  # fmt: skip

GROUPS = (
    ("Visitor", "Visiteur", "Besucher", "Visitante"),
    ("Guest", "Invité", "Gast", "Invitado"),
    ("Customer", "Client", "Kunde", "Cliente"),
    ("Professionals", "Professionnels", "Gewerbekunden", "Profesionales"),
)

CONTACTS = (
    # customer_service, local part, names, descriptions
    (0, "webmaster", ("Webmaster",) * 4, ("If a technical problem occurs on this website",
     "En cas de problème technique sur ce site", "Falls ein technisches Problem auftritt",
     "Si se produce un problema técnico")),
    (1, "service", ("Customer service", "Service client", "Kundenservice", "Servicio al cliente"),
     ("For any question about a product or an order", "Pour toute question sur un produit ou une commande",
      "Bei Fragen zu Artikeln oder Bestellungen", "Para cualquier pregunta sobre un producto o un pedido")),
    (1, "returns", ("Returns", "Retours", "Rücksendungen", "Devoluciones"),
     ("Send something back", "Renvoyer un article", "Etwas zurücksenden", "Devolver un artículo")),
)  # fmt: skip

EMPLOYEES = (
    ("Admin", "Ada", "admin@shop.example", 1, 1),
    ("Müller", "Jürgen", "juergen@shop.example", 1, 3),
    ("Benali", "Salma", "salma@shop.example", 1, 3),
    ("Ancien", "Paul", "paul@shop.example", 0, 3),
)

CARRIERS = (
    # id_reference, deleted, name, url, is_free
    (1, 0, "Click and collect", "", 1),
    (2, 1, "My carrier", "https://tracking.example/?n=@", 0),
    (2, 0, "My carrier", "https://tracking.example/parcel/@", 0),
    (4, 0, "My cheap carrier", "", 0),
)

COUNTRIES = (
    (1, 1, 49, "DE", 0, "NNNNN", ("Germany", "Allemagne", "Deutschland", "Alemania")),
    (6, 1, 34, "ES", 1, "NNNNN", ("Spain", "Espagne", "Spanien", "España")),
    (8, 1, 33, "FR", 0, "NNNNN", ("France", "France", "Frankreich", "Francia")),
    (17, 1, 44, "GB", 0, "", ("United Kingdom", "Royaume-Uni", "Vereinigtes Königreich", "Reino Unido")),
    (21, 2, 1, "US", 1, "NNNNN", ("United States", "États-Unis", "Vereinigte Staaten", "Estados Unidos")),
    (152, 4, 212, "MA", 0, "NNNNN", ("Morocco", "Maroc", "Marokko", "Marruecos")),
)
STATES_OF_COUNTRIES = ((21, "AL", "Alabama"), (21, "CA", "California"), (21, "NY", "New York"), (6, "ES-M", "Madrid"))

PRODUCTS = (
    ("demo_1", 23.9, "T-shirt with hummingbird", "T-shirt imprimé colibri", "T-Shirt mit Kolibri", "Camiseta colibrí"),
    ("demo_3", 35.9, "Sweater with hummingbird", "Pull imprimé colibri", "Pullover mit Kolibri", "Suéter colibrí"),
    ("demo_6", 29.0, "Framed poster", "Affiche encadrée", "Gerahmtes Poster", "Póster enmarcado"),
    ("demo_8", 12.9, "Mountain fox notebook", "Carnet renard", "Notizbuch Fuchs", "Cuaderno zorro"),
    ("demo_9", 12.9, "Brown bear notebook – edition 🎁", "Carnet ours brun – édition 🎁", "Notizbuch Braunbär 🎁",
     "Cuaderno oso pardo 🎁"),
    ("demo_11", 11.9, "Mug “The best is yet to come”", "Mug « Le meilleur reste à venir »",
     "Tasse „Das Beste kommt noch“", "Taza «Lo mejor está por llegar»"),
    ("demo_15", 18.9, "Mountain fox cushion", "Coussin renard", "Kissen Fuchs", "Cojín zorro"),
    ("demo_21", 35.0, "Pack mug and poster", "Pack mug et affiche", "Set aus Tasse und Poster", "Pack taza y póster"),
)  # fmt: skip

#: last name, first name, id_lang, country
PEOPLE = (
    ("Smith", "John", 1, 17), ("Lefèvre", "Zoé", 2, 8), ("Müller", "Jürgen", 3, 1), ("García", "José", 4, 6),
    ("العلوي", "فاطمة", 5, 152), ("Party 🎉", "Emma 😀", 1, 21), ("D'Aubigné", "Françoise", 2, 8),
    ("Groß", "Käthe", 3, 1), ("Núñez", "Begoña", 4, 6), ("السعيدي", "محمد", 5, 152), ("O'Brien", "Siobhán", 1, 17),
    ("Côté", "Søren", 2, 8), ("Weiß", "Günther", 3, 1), ("Peña", "Ángel", 4, 6), ("بن علي", "يوسف", 2, 152),
    ("Nguyễn", "Thị Hương", 2, 8), ("Łukasiewicz", "Małgorzata", 1, 17), ("Ö", "Åsa", 1, 17),
    ("de la Tour du Pin", "Marie-Chantal", 2, 8), ("李", "小龍", 1, 21), ("Петров", "Сергей", 1, 17),
)  # fmt: skip

CITIES = {8: ("Orléans", "45000", "allée de l'Église"), 1: ("München", "80331", "Königstraße"),
          6: ("Madrid", "28001", "calle de Alcalá"), 17: ("Leeds", "LS1 4AP", "Park Row"),
          21: ("New York", "10001", "5th Avenue"), 152: ("الدار البيضاء", "20000", "شارع محمد الخامس")}  # fmt: skip

QUESTIONS = {
    1: ("Hello, where is my parcel? 😀", "The mug arrived broken.\n\nCan you send me another one?\nThank you"),
    2: ("Bonjour, où en est ma commande ? L'été arrive…",
        "C'est inadmissible : colis abîmé, 2 articles manquants (réf. demo_1) — j'attends 47,80 €."),
    3: ("Guten Tag, Rechnung fehlt. Grüße", "Ich möchte die Größe umtauschen. Geht das noch?"),
    4: ("¿Cuándo llega mi pedido? ¡Gracias!", "Hola, quiero devolver el cojín. Está dañado."),
    5: ("مرحبا، أين طلبي؟ شكرا", "السلام عليكم، وصلني المنتج مكسورا 😟"),
}  # fmt: skip
ANSWERS = {
    1: "Hello, we are looking into it and will be back within 24 hours. 🙂",
    2: "Bonjour,\n\nNous avons bien reçu votre demande et revenons vers vous sous 24 h. 🙂\n\nLe service client",
    3: "Guten Tag, wir kümmern uns darum. Mit freundlichen Grüßen, Ihr Kundenservice",
    4: "Hola, lo estamos mirando y le respondemos en 24 horas.",
    5: "مرحبا، سنرد عليك خلال 24 ساعة",
}

USER_AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "")

PAYMENTS = (("ps_checkpayment", "Payment by check"), ("ps_wirepayment", "Bank transfer"),
            ("ps_cashondelivery", "Cash on delivery (COD)"), ("paypal", "PayPal"))  # fmt: skip
