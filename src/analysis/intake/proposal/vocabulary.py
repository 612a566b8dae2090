"""How companies name their tables and columns, in English, Russian, German and their neighbours."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from functools import cache

TABLE_WORDS: dict[str, str] = {
    "customers": "customers customer clients client kunden kunde kundenstamm subscribers subscriber users "
    "members accounts abonnenten mitglieder клиенты клиент покупатели абоненты пользователи контрагенты "
    "clientes clienti klienci asiakkaat klanten kunder crm stammdaten база kna1 buyers",
    "transactions": "transactions transaction orders order sales invoices purchases payments receipts "
    "bestellungen auftraege umsaetze rechnungen verkaeufe kaeufe buchungen заказы продажи покупки чеки "
    "транзакции платежи оплаты счета commandes ventes factures pedidos ventas ordini vendite zamowienia "
    "lines orderlines positionen bestellpositionen deals сделки реализация vbak vbrk receipts",
    "periods": "periods subscriptions billing bills monthly mrr charges abos abrechnung abrechnungen подписки "
    "начисления периоды abonnements suscripciones",
    "surveys": "panel waves surveys survey responses answers feedback nps csat ces reviews ratings "
    "umfrage umfragen "
    "befragung befragungen antworten bewertungen zufriedenheit опрос опросы ответы отзывы оценки анкеты "
    "enquetes avis encuestas sondaggi ankiety satisfaction",
    "contacts": "contacts tickets ticket cases calls requests helpdesk support enquiries kontakte anfragen "
    "anrufe vorgaenge обращения тикеты звонки контакты заявки поддержка demandes appels incidencias",
    "programmes": "programmes programs programme program initiatives investments projects programme "
    "massnahmen projekte initiativen программы инициативы проекты мероприятия programas",
    "rollout": "rollout rollouts launches einfuehrung внедрение запуск deploiement",
    "exposures": "exposures assignments assignment experiment arms treatment zuweisung teilnahme "
    "назначения эксперимент участники участие",
    "orientation": "orientation soco employees sheets mitarbeiter orientierung ориентация сотрудники",
    "marketing": "marketing advertising ads campaigns adspend spend werbung kampagnen маркетинг реклама "
    "кампании publicite publicidad",
    "journey": "journey funnel path steps trichter kaufpfad воронка путь entonnoir",
    "decisions": "decisions actions measures beschluesse entscheidungen решения decisiones",
}

# A word may stand under several columns of different tables; the table decides.
COLUMN_WORDS: dict[str, dict[str, str]] = {
    "customers": {
        "customer_id": "id; customer; customer number; customer no; customer code; client; client id; "
        "client code; subscriber; subscriber id; user id; account; account id; account number; member id; "
        "kunde; kunden nr; kundennummer; kundennr; kunden id; kd nr; клиент; код клиента; номер клиента; "
        "ид клиента; id клиента; клиент id; абонент; номер; код; покупатель; контрагент; лицевой счет; "
        "client no; numero client; n client; customer external id; external id; kunnr; contact id; "
        "id контакта; cliente; id cliente; codigo cliente; klient; numer klienta; klant; "
        "klantnummer; kund; kundnummer; nr",
        "started_on": "start; start date; opened; opened on; from; started; since; "
        "customer since; signup; sign up; signup date; "
        "registered; registered on; registration date; joined; join date; created; created at; "
        "activation date; first order; kunde seit; kundenbeginn; beginn; eintritt; eintrittsdatum; "
        "anmeldung; vertragsbeginn; startdatum; registriert am; angelegt am; дата регистрации; дата начала; "
        "начало; клиент с; дата подключения; дата договора; зарегистрирован; дата создания; "
        "дата создания контакта; erdat; date inscription; date d inscription; date de debut; client depuis; "
        "fecha alta; fecha de alta; cliente desde; "
        "data iscrizione; data rejestracji; klient od; startdato",
        "ended_on": "end; end date; until; closed; left; lost on; bis; "
        "ended; cancelled; canceled; cancelled on; cancellation date; churn date; "
        "churned on; left on; termination date; closed on; ende; kuendigung; kuendigungsdatum; gekuendigt am; "
        "austritt; austrittsdatum; vertragsende; дата ухода; дата окончания; окончание; дата отключения; "
        "дата расторжения; ушел; дата отказа; date de fin; date resiliation; fecha baja; fecha de baja; "
        "data disdetta; data rezygnacji",
        "ended": "gone; churn; churned; is churned; has churned; left; lost; cancelled flag; inactive; exited; "
        "attrition; gekuendigt; abgewandert; verloren; отток; ушел; ушел ли; потерян; расторгнут; resilie; "
        "baja; disdetto; status",
        "tenure": "weeks; days; years; wochen; monate; tage; jahre; недель; "
        "tenure; tenure months; months; months as customer; tenure in months; lifetime; "
        "kundendauer; dauer; laufzeit; vertragsdauer; стаж; срок; срок жизни; месяцев; anciennete; antiguedad",
        "end_reason": "reason; churn reason; cancellation reason; reason for leaving; grund; "
        "kuendigungsgrund; причина; причина ухода; причина оттока; motif; motivo; powod",
        "observed_from": "observed from; observation start; beobachtet ab; наблюдается с",
        "segment": "segment; customer segment; customer type; type; group; plan; tariff; tarif; product; "
        "kundensegment; kundengruppe; kundenart; сегмент; тип клиента; группа; тариф; категория клиента; "
        "segmento; segmento cliente",
        "region": "region; regio; land1; country; state; province; land; bundesland; gebiet; регион; "
        "область; страна; "
        "округ; pays; pais; regione; wojewodztwo; kraj",
        "area": "area; service area; district; branch; store; store area; territory; zone; bezirk; filiale; "
        "zustellbezirk; район; зона; филиал; отделение; участок; зона обслуживания; secteur; zona; magazin",
        "acquisition_channel": "acquisition channel; channel; source; lead source; origin; utm source; kanal; "
        "herkunft; akquisekanal; werbekanal; канал; канал привлечения; источник; canal; canale; "
        "kanal pozyskania",
        "acquisition_cost": "acquisition cost; cac; cost of acquisition; akquisekosten; werbekosten; "
        "стоимость привлечения; cout acquisition",
        "referred_by": "referred by; referrer; referrer id; recommended by; geworben von; empfohlen von; "
        "рекомендован; кто рекомендовал; пригласил; parrain",
    },
    "transactions": {
        "transaction_id": "id; transaction; order id; order; order no; order number; invoice; invoice id; "
        "invoice no; invoice number; receipt; receipt id; payment id; sale id; bestellung; bestellnummer; "
        "bestell nr; auftrag; auftragsnummer; rechnung; rechnungsnummer; rechnungsnr; beleg; belegnummer; "
        "credit note; credit note no; credit note number; gutschrift; gutschriftnummer; gutschrift nr; "
        "avoir; vbeln; n commande; документ; номер документа; сделка; id сделки; заказ; номер заказа; "
        "код заказа; id заказа; чек; номер чека; транзакция; счет; номер; commande; "
        "facture; numero commande; pedido; factura; ordine; fattura; numer zamowienia; nr",
        "customer_id": "customer; customer number; client; client id; user id; subscriber; account id; kunde; "
        "kundennummer; kunden nr; kundennr; клиент; код клиента; номер клиента; id клиента; покупатель; "
        "kunnr; n client; контакт id; id контакта; контакт; основной контакт; компания; customer email; "
        "email; абонент; контрагент; cliente; id cliente; klient; klant; buyer; member id",
        "occurred_on": "date; order date; ordered; ordered on; ordered at; invoice date; sale date; "
        "purchase date; payment date; paid on; created at; timestamp; datum; bestelldatum; bestellt am; "
        "rechnungsdatum; kaufdatum; belegdatum; buchungsdatum; дата; дата заказа; дата покупки; дата продажи; "
        "дата создания; дата создания сделки; erdat; audat; fkdat; processed at; дата оплаты; дата чека; "
        "date commande; date de commande; date facture; fecha; fecha pedido; data; "
        "data ordine; data zamowienia; day; tag",
        "amount": "amount; total; sum; value; revenue; sales; turnover; net; gross; price; paid; order value; "
        "order total; invoice amount; net amount; total amount; betrag; summe; umsatz; bestellwert; "
        "rechnungsbetrag; gesamtbetrag; nettobetrag; wert; preis; сумма; сумма заказа; выручка; стоимость; "
        "netwr; бюджет; итого; оплачено; к оплате; цена; montant; montant ttc; total ttc; chiffre affaires; "
        "importe; importo; totale; "
        "kwota; wartosc; bedrag; belopp",
        "margin": "margin; gross margin; profit; gross profit; contribution; marge; rohertrag; "
        "deckungsbeitrag; gewinn; маржа; прибыль; наценка; валовая прибыль; benefice; margen; margine; marza",
        "discount": "discount; reduction; rebate; rabatt; nachlass; скидка; сумма скидки; remise; descuento; "
        "sconto; rabat",
        "list_price": "list price; regular price; catalogue price; full price; listenpreis; katalogpreis; "
        "цена по прайсу; полная цена; prix catalogue",
        "category": "category; product; product category; product group; item; article; kategorie; "
        "warengruppe; "
        "produkt; artikel; sortiment; lineitem name; номенклатура; категория; товар; группа товаров; "
        "товарная группа; categorie; produit; "
        "categoria; kategoria",
        "channel": "channel; sales channel; store; shop; kanal; vertriebskanal; канал; канал продаж; магазин; "
        "canal; canale",
        "promised_on": "promised; promised on; promised date; due; due date; expected delivery; eta; "
        "delivery promised; zugesagt; zugesagt am; liefertermin; wunschtermin; обещано; обещанная дата; "
        "срок доставки; плановая дата; date promise",
        "fulfilled_on": "fulfilled; fulfilled on; delivered; delivered on; delivery date; shipped; shipped on; "
        "geliefert; geliefert am; lieferdatum; versandt am; доставлено; дата доставки; выполнен; "
        "date livraison; fecha entrega; data consegna; data dostawy",
    },
    "periods": {
        "customer_id": "customer; client; client id; subscriber; account; account id; user id; kunde; "
        "kundennummer; kunden nr; клиент; код клиента; абонент; лицевой счет; договор; cliente; klient",
        "from_on": "from; period start; start; begin; month; period; von; monat; zeitraum von; beginn; с; "
        "начало; месяц; период; начало периода; debut; mois; desde; inicio; mese; od; miesiac",
        "to_on": "to; until; period end; end; bis; zeitraum bis; ende; по; конец; окончание; конец периода; "
        "fin; hasta; fine; do",
        "spend": "sales; turnover; "
        "spend; amount; revenue; mrr; fee; charge; charges; total; paid; betrag; umsatz; gebuehr; "
        "сумма; выручка; начислено; оплата; montant; importe; importo; kwota",
        "orders": "orders; number of orders; purchases; bestellungen; anzahl bestellungen; заказов; "
        "число заказов; количество заказов; commandes; pedidos; ordini",
        "refunded": "refunded; refunds; returns; refund; erstattet; retouren; gutschriften; возвраты; возврат; "
        "возвращено; rembourse; devoluciones",
        "margin": "margin; profit; gross margin; marge; deckungsbeitrag; маржа; прибыль; margen; margine",
    },
    "surveys": {
        "response_id": "id; response; response no; respondent; respondent id; token; survey id; answer id; "
        "feedback id; review id; antwort; "
        "antwort nr; fragebogen; ответ; номер ответа; id ответа; номер анкеты; анкета; отзыв; номер; "
        "reponse; respuesta; risposta; nr",
        "customer_id": "customer; customer number; client; client id; user id; external data reference; "
        "custom data 1; kunde; kundennummer; kunden nr; клиент; код клиента; номер клиента; id клиента; "
        "абонент; cliente; klient; account id",
        "instrument": "instrument; metric; survey; survey type; question; question type; kind; type; "
        "kennzahl; frage; fragetyp; art; показатель; метрика; вопрос; тип опроса; вид опроса; indicateur; tipo",
        "invited_on": "invited; invited on; sent; sent on; sent at; invitation date; eingeladen; "
        "eingeladen am; versendet; versendet am; отправлено; приглашен; дата отправки; дата приглашения; "
        "envoye; enviado",
        "answered_on": "wave; posted; posted on; ответил; "
        "submit date; submit date utc; end date; answered; answered on; date; response date; submitted; "
        "submitted at; completed; "
        "created at; timestamp; datum; beantwortet; beantwortet am; antwortdatum; дата; дата ответа; "
        "дата опроса; дата отзыва; отвечено; date reponse; fecha; fecha respuesta; data; day",
        "score": "score; rating; answer; grade; points; stars; value; bewertung; note; punkte; wertung; "
        "zufriedenheit; оценка; балл; баллы; ответ; рейтинг; note donnee; puntuacion; punteggio; ocena; "
        "satisfaction",
        "attribute": "attribute; aspect; item; topic; merkmal; aspekt; атрибут; аспект; параметр; attribut",
        "importance": "importance; weight; wichtigkeit; важность; значимость; importancia; importanza",
        "touchpoint": "touchpoint; touch point; journey step; stage; moment; kontaktpunkt; anlass; "
        "точка контакта; этап; повод; point de contact; etapa",
        "channel": "channel; kanal; канал; canal; canale",
        "employee_id": "employee; employee id; agent; agent id; staff; staff id; operator; mitarbeiter; "
        "mitarbeiter nr; bearbeiter; сотрудник; код сотрудника; оператор; менеджер; employe; empleado",
        "comment": "comment; comments; text; verbatim; remark; feedback; review; kommentar; bemerkung; "
        "freitext; комментарий; отзыв; текст; текст отзыва; commentaire; comentario; commento; komentarz",
    },
    "contacts": {
        "contact_id": "id; contact; ticket; ticket id; ticket no; case; case id; case number; call id; "
        "request id; kontakt; vorgang; vorgangsnummer; anfrage; тикет; номер тикета; обращение; "
        "номер обращения; id обращения; звонок; номер; заявка; nr; numero",
        "customer_id": "customer; customer number; client; client id; user id; requester; requester id; kunde; "
        "kundennummer; kunden nr; клиент; код клиента; номер клиента; id клиента; абонент; cliente; klient; "
        "account id",
        "opened_at": "opened; opened at; opened on; created; created at; received; received at; date; start; "
        "call time; eroeffnet; eroeffnet am; erstellt; erstellt am; eingegangen; eingang; datum; открыт; "
        "создан; дата обращения; дата создания; дата; поступил; ouvert; creado; aperto",
        "first_reply_at": "first reply; first reply at; first response; first response at; replied at; "
        "erste antwort; erstantwort; beantwortet am; первый ответ; дата ответа; время ответа; "
        "premiere reponse; primera respuesta",
        "resolved_at": "resolved; resolved at; closed; closed at; solved; solved at; completed; geloest; "
        "geloest am; geschlossen; geschlossen am; erledigt; закрыт; решен; дата закрытия; дата решения; "
        "resolu; ferme; cerrado; risolto",
        "direction": "direction; richtung; направление; sens; direccion",
        "touchpoint": "touchpoint; topic; stage; journey step; department; thema; kontaktpunkt; тема; "
        "точка контакта; этап; sujet; tema",
        "channel": "channel; via; medium; kanal; канал; canal; canale",
        "reason": "reason; subject; category; grund; anliegen; betreff; причина; повод; категория; motif; "
        "motivo",
        "employee_id": "employee; agent; agent id; assignee; operator; owner; mitarbeiter; bearbeiter; "
        "сотрудник; оператор; исполнитель; агент; employe; agente",
        "cost": "cost; handling cost; kosten; стоимость; затраты; cout; coste; costo",
        "compensation": "compensation; voucher; goodwill; credit; entschaedigung; gutschrift; kulanz; "
        "компенсация; бонус; compensacion; indemnite",
    },
    "programmes": {
        "programme_id": "id; programme; program; program id; project id; initiative; programm; projekt; "
        "программа; код программы; проект",
        "name": "name; title; bezeichnung; titel; название; наименование; nom; nombre; nome",
        "starts_on": "start; starts; start date; begin; launch; launch date; beginn; startdatum; начало; "
        "дата начала; запуск; debut; inicio; inizio",
        "ends_on": "end; ends; end date; ende; enddatum; окончание; дата окончания; fin; fine",
        "upfront_cost": "upfront cost; investment; capex; setup cost; one off cost; initial cost; "
        "investition; anschaffungskosten; einmalkosten; инвестиции; вложения; разовые затраты; investissement",
        "monthly_cost": "monthly cost; cost per month; running cost; opex; monatliche kosten; laufende kosten; "
        "ежемесячные затраты; расходы в месяц; cout mensuel",
        "assignment": "assignment; allocation; selection; zuteilung; auswahl; способ назначения; отбор",
    },
    "rollout": {
        "programme_id": "programme; program; program id; project; initiative; programm; projekt; программа; "
        "проект",
        "area": "area; region; district; branch; store; bezirk; filiale; gebiet; район; зона; филиал; регион; "
        "secteur; zona",
        "starts_on": "start; starts; start date; date; launched; launch date; beginn; einfuehrung; начало; "
        "дата; дата запуска; debut; inicio",
    },
    "exposures": {
        "programme_id": "programme; program; program id; campaign; campaign id; experiment; experiment id; "
        "programm; kampagne; программа; кампания; эксперимент",
        "customer_id": "customer; client; client id; user id; kunde; kundennummer; kunden nr; клиент; "
        "код клиента; абонент; cliente; klient",
        "assigned_on": "assigned; assigned on; assignment date; date; zugewiesen; zugewiesen am; datum; "
        "назначен; дата назначения; дата; fecha; date affectation",
        "arm": "arm; group; variant; treatment; bucket; gruppe; variante; группа; вариант; groupe; grupo",
        "exposed_on": "exposed; exposed on; received; received on; contacted on; erhalten am; получил; "
        "дата получения; recu",
    },
    "orientation": {
        "employee_id": "employee; employee no; id; staff; agent; mitarbeiter; mitarbeiter nr; сотрудник; "
        "код сотрудника; employe; empleado",
        "answered_on": "answered; answered on; date; datum; beantwortet am; дата; дата ответа; fecha",
    },
    "marketing": {
        "month": "month; date; period; monat; datum; месяц; дата; период; mois; mes; mese; miesiac",
        "channel": "channel; medium; source; campaign; kanal; канал; источник; canal; canale; kanal reklamy",
        "cost": "cost; spend; costs; expenses; budget; kosten; ausgaben; затраты; расходы; бюджет; cout; "
        "depenses; gasto; costo; koszt",
        "leads": "leads; enquiries; inquiries; anfragen; лиды; заявки; обращения; demandes",
        "new_customers": "new customers; customers; conversions; acquired; neukunden; новые клиенты; "
        "привлечено; nouveaux clients; clientes nuevos",
        "revenue": "revenue; sales; turnover; umsatz; выручка; доход; chiffre affaires; ingresos",
    },
    "journey": {
        "month": "month; date; period; monat; datum; месяц; дата; mois; mes; mese",
        "step": "step; stage; phase; schritt; stufe; шаг; этап; etape; etapa; passo",
        "entered": "entered; visitors; visits; reached; eingetreten; besucher; вошли; посетители; дошли; "
        "visites",
        "completed": "completed; went on; converted; passed; abgeschlossen; weiter; завершили; прошли; termine",
    },
    "decisions": {
        "finding_id": "finding; id; result; befund; ergebnis; вывод; результат",
        "decided_on": "decided; decided on; date; datum; beschlossen am; дата; дата решения",
        "action": "action; decision; measure; massnahme; beschluss; действие; решение; мера",
        "owner_role": "owner; responsible; role; verantwortlich; ответственный; роль",
        "due_on": "due; due on; deadline; due date; faellig; frist; срок; до",
        "status": "status; state; stand; статус; состояние",
    },
}  # fmt: skip


NEARLY_SPELT = 0.88
MOST_LETTERS_APART = 3


@cache
def plain_words(name: str) -> str:
    """A name in small letters without accents, its words apart: "KundenNr." → "kunden nr"."""
    text = unicodedata.normalize("NFKC", name)
    text = re.sub(r"(?<=[a-zа-яё0-9])(?=[A-ZА-ЯЁ])", " ", text)
    text = text.casefold()
    for letter, written in (
        ("ä", "ae"),
        ("ö", "oe"),
        ("ü", "ue"),
        ("ł", "l"),
        ("ø", "o"),
        ("ё", "е"),
    ):
        text = text.replace(letter, written)
    text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return re.sub(r"[^\w]+|_", " ", unicodedata.normalize("NFC", text)).strip()


@cache
def _words_of(listed: str) -> tuple[str, ...]:
    return tuple(plain_words(word) for word in listed.split(";"))


def _spelt_alike(words: str, known: tuple[str, ...]) -> bool:
    matcher = SequenceMatcher(None, "", words)
    for word in known:
        # Cheap bounds first: most words cannot be meant.
        if word[:1] != words[0] or abs(len(word) - len(words)) > MOST_LETTERS_APART:
            continue
        matcher.set_seq1(word)
        if matcher.ratio() >= NEARLY_SPELT:
            return True
    return False


@cache
def likeness(name: str, canonical: str, synonyms: str) -> float:
    """How much a column's name says that it is the canonical one: 1 the same, 0 nothing.

    0.95: one of its usual names; 0.7: holds one; 0.6: is spelt nearly so.
    """
    words = plain_words(name)
    if not words:
        return 0.0
    ours = plain_words(canonical)
    if words == ours or words.replace(" ", "") == ours.replace(" ", ""):
        return 1.0
    known = _words_of(synonyms)
    squeezed = words.replace(" ", "")
    if any(squeezed == word.replace(" ", "") for word in known):
        return 0.95
    parts = set(words.split())
    within = [word for word in (ours, *known) if len(word) >= 4 and set(word.split()) <= parts]
    if within:
        # The more of the name is explained the better.
        longest = max(len(word.split()) for word in within)
        return 0.6 + 0.2 * longest / len(parts)
    return 0.6 if len(words) >= 5 and _spelt_alike(words, (ours, *known)) else 0.0


_PERSONAL = {
    "name", "first name", "last name", "firstname", "lastname", "surname", "phone", "mobile", "email", "e mail",
    "vorname", "nachname", "anrede", "telefon", "strasse", "name1", "имя", "фамилия", "отчество", "телефон",
    "рабочий телефон", "мобильный телефон", "рабочий e mail", "почта", "пол", "дата рождения", "birthday",
    "geburtsdatum", "prenom", "nom", "imie", "nazwisko", "nombre", "apellido", "organization", "company",
}  # fmt: skip
PERSONAL = frozenset(plain_words(word) for word in _PERSONAL)
LOST_WORDS = re.compile(
    r"cancel|void|refund|fail|lost|declin|storn|abgebroch|verloren|провал|отмен|возвра|отказ|annul|cancel"
    r"|anulo|rembours|zwrot|abandon|expired|reject"
)
TAXES = re.compile(r"\b(tax|taxes|vat|mwst|ust|umsatzsteuer|ндс|tva|iva|btw|moms|podatek)\b")
CREDITS = re.compile(
    r"credit|refund|return|gutschrift|storno|erstatt|retoure|возврат|корректир|avoir|rembours|zwrot|korekt"
    r"|nota credito|abono|resi\b"
)


@cache
def table_likeness(name: str, table: str) -> float:
    """How much a file's or sheet's name says that it is the canonical table, 0 to 1."""
    words = plain_words(name).split()
    known = {plain_words(word) for word in TABLE_WORDS[table].split()} | {table}
    if not words:
        return 0.0
    if "".join(words) in known:
        return 1.0
    if any(word in known for word in words):
        return 0.8
    long_ones = [word for word in known if len(word) >= 5]
    return 0.5 if any(word in "".join(words) for word in long_ones) else 0.0
