"""Texts of our own for every detector: what comes in pieces is compared with what comes whole."""

import base64
import json
from urllib.parse import quote

from tests.unit.guardrails.secret_values import drawn, own_key_fits
from tests.unit.guardrails.test_secret_pairs import MUST_CATCH
from tests.unit.guardrails.test_secret_tokens import FORMS

_LINES = "\n".join(drawn("{b64}", line) for line in range(4))
_JWT = ".".join(
    base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")
    for part in ('{"alg":"HS256","typ":"JWT"}', '{"sub":"1","name":"x"}')
)

PERSONAL = (
    "Write to priya.das@mail.example.org, or to ada [at] example [dot] org; а not а@ехаmрlе.org.",
    "a d a @ h o m e . o r g is how she wrote it. UPI: ada.b@okaxis",
    "Test content with PII: 123-45-6789, and ITIN 912-70-1234. Part 123-45-67890.",
    "Card 4111 1111 1111 1111, exp 12/27, or 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 please; order 4111 1111 1111 1112.",
    "ring me: 98765 43210 or 91234 56780, Tel. +44 (0)20 7946 0958 ext. 12, then 1-800-555-0199",
    '{"phoneNumber":"9876543210","cardNumber":"4111111111111111","note":"Aadhaar 2341 2341 2346"}',
    "NHS number: 943 476 5919; NI number AB 12 34 56 C.",
    "IBAN DE89 3704 0044 0532 0130 00 bitte, GB82WEST12345698765432, d e 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0",
    "DOB: 12/05/1984. She was born on the 4th of July 1976 in Ohio; 12/05/1984 is my date of birth",
    "जन्म तिथि: 15 अगस्त 1985, Geburtsdatum: 3. März 1969, né le 3 août 1969",
    "PAN: ABCPE1234F, GSTIN 27ABCPE1234F1ZB, EPIC no ABC1234567, SBIN0001234, A B C P E 1 2 3 4 F",
    "CVV: 907, my card PIN is 4821; swiped %B4111111111111111^DOE/JANE^29121011000000000000?, ;4111111111111111=29121011000000?",
    "MRN: 00123456, patient id 8841-220, Medical record number: AB123456",
    "Passport No: M1234567, Reisepass C01X00T47, पासपोर्ट संख्या M1234567, US passport number 512345678",
    "CPF 529.982.247-25, DNI 12345678Z, PESEL: 44051401359, SIN 123 456 782, Steuer-ID 86095742719",
    "codice fiscale RSSMRA85T10A562S and CURP HEGG560427MVZRRL04.",
    "from 203.0.113.7 port 22, [2001:db8::1]:80, fe80::1ff:fe23:4567:890a%eth0, version 10.0.0.1",
    "mac 00:1A:2b:3c:4D:5e and 001a.2b3c.4d5e up",
    "Account number: 123456789012, a/c 00112233445566",
    "१२३-४५-६७८९ and 4111１１１１ 1111 1111, pri\u200bya@ex\u200bample.org \U0001f600\U0001f600 ﬁn",
    r'{"arguments": "{\"customer\": \"Farida Mansouri\", \"text\": \"Dear Ms Lindqvist\\nHello asha\\u0040example.com\"}"}',
)
NAMES = (
    "My name is Priya Raghunathan and I need help. Please call Tomáš Havlíček or Mrs. Lindqvist tomorrow.",
    "Ship it to 742 Birchwood Avenue, Apt 3B, Springfield, IL 62704. Then tell Margaret O'Donnell.",
    "Delivery address:\n221 King Street\nSuite 4\nToronto, ON M5H 1K5\n\nThank you,\nChinedu Eze",
    "मेरा नाम अनुराधा वैद्य है। मेरा पता मकान नंबर 45, गांधी नगर, जयपुर 302015 है।",
    'He said: {"customer_name": "Farida Al-Mansouri", "address": "9 Elm Street, Dayton, OH 45402", "id": 4}',
    "It was signed by Marguerite Fontaine. Later the board thanked Fontaine. Fontaine Ltd. was not there; D'Souza's was.",
    "J'habite au 8 rue des Tilleuls, 69003 Lyon. Me llamo Rocío Villalobos; Lindenstraße 27, 50674 Köln.",
)
NATIONAL = (
    "SIN 123 456 782. NIR 295109912611193. BSN 111222333. Personnummer: 811218-9876.",
    "CPR 211062-5629, fodselsnummer 15108695088, hetu 131052-308T, EGN 7523169263",
    "CNP 1630615123457\nTC Kimlik: 17291716060\nSA ID 7503305044089\nRRN 971013-9019902\n",
    "TFN: 123 456 782; PPS 6433435F; AHV 756.9217.0769.85; RUT 12.531.909-2; rijksregisternummer 85.07.30-033.28",
    "CNPJ 16.727.230/0001-97 and RUT 76086428-5. CURP BOXW310820HNERXN09. BOXW310820HNERXN09 x. IFSC SBIN0001234 there.",
    "मतदाता पहचान पत्र ABC1234567 है। Codice fiscale: RCCMNL83S18D969H; RCCMNL83S18D969H",
)
ENCODED = (
    f"see {base64.b64encode(b'mail ada@example.org or 123-45-6789').decode()} and",
    f"see {base64.b64encode(base64.b64encode(b'mail ada@example.org now')).decode()} and",
    f"dump {b'mail ada@example.org'.hex()} / {b'mail ada@example.org'.hex(':')} / {b'ssn 123-45-6789'.hex(' ')}",
    f"GET /?q=a%20b&mail=ada%40example.org&x={quote('ssn 123-45-6789 é')} HTTP/1.1",
    "ada&#64;example&#x2e;org and \\u0061\\u0064a\\x40example.org",
)
HARMLESS = (
    "The committee met again on Tuesday to discuss whether the new library should open at weekends, and who would pay for it.",
    "def total(prices: list[float]) -> float:\n    return sum(one * 1.19 for one in prices)  # with tax",
    '{"status": "ACTIVE", "city": "Pune", "count": 3, "items": [1, 22, 333, 4444], "at": "2026-01-04T10:00:01Z"}',
    "आज मौसम बहुत अच्छा है। Das Wetter ist schön. Il fait beau.",
    "| a | b |\n|---|---|\n| 1.5 | 10:20:30 |\n\n1. one\n2. two\n",
    " ".join(f"word{number}" for number in range(60)) + " take 12 of AB12 and CD34 then EF56 of it",
)
COMMANDS_NAMED = (
    (
        "Tools like curl or wget fetch it; the user wants docker, the login role of mysql is at the helm, "
        "and az ember megy a user után."
    ),
    "for (let i = 0; i < users.length; i++) {\n  const user = users[i];\n  login(user, config.get('http'));\n}\n",
)
KEYS = (
    f"key:\n-----BEGIN RSA PRIVATE KEY-----\n{_LINES}\n-----END RSA PRIVATE KEY-----\nand so on",
    (
        "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: x\nPublic-Lines: 1\n"
        f"{_LINES[:64]}\nPrivate-Lines: 1\n{_LINES[65:129]}\nend"
    ),
    f"see {_JWT}.{drawn('{u43}')} there",
    f"k4.local.{drawn('{u43}')} and v4.public.{drawn('{u86}')}",
    '{"kty": "EC", "crv": "P-256", "x": "' + drawn("{u43}") + '", "d": "' + drawn("{u43}", 1) + '"}',
    f"bot{drawn('{d9}')}:AA{drawn('{u33}')} told {drawn('M{u25}.{u6}.{u38}')}",
    f"mail {drawn('{x32}')}-us12 and {drawn('{x32}')}-{drawn('{x8}')}; https://{drawn('{x32}')}@o1.ingest.example.net/42",
    f"license {drawn('{x36}')}NRAL 2/{drawn('{d16}')}:{drawn('{x32}')}",
    "postgres://bob:" + drawn("{w14}") + "@db.example.net/shop and AccountKey=" + drawn("{b86}") + "==;",
    "https://" + drawn("{w40}") + ":x-oauth-basic@git.example.net/a.git?sig=" + drawn("{w43}") + "%3D&x=1",
)
_OWN = "gh" + "-prod-" + drawn("{w32}")
_OTHERS = (
    f"key {next(_OWN + f'{number:06}' for number in range(10**6) if own_key_fits(_OWN + f'{number:06}'))}!",
    "AQ" + f".Ab{drawn('{u48}')} and bce-v3/ALT" + f"AK-{drawn('{w20}')}/{drawn('{x40}')}",
    f"{_JWT[:20]}..{drawn('{u16}')}.{drawn('{u60}')}.{drawn('{u22}')} x",
)
SECRETS = (
    *(f"so {drawn(form)} it is" for _, form in FORMS),
    *(text.replace("@", drawn(form)).replace("\x01", "@") for text, form in MUST_CATCH),
)
JSON_VALUES = (
    "Hello\nasha@example.com\tbye",
    "ssn\n123-45-6789\n4111 1111 1111 1111",
    "DOB:\t12/05/1984\nfrom 10.0.0.12\n",
    "\tIFSC\tSBIN0001234\nफोन 98765 43210",
    "https://bob:Zq81xkLw0v@db.example.net/x",
    "path C:\\new\\ asha@example.com \U0001f600",
    'DB_PASSWORD="x9Kq2LwQ"\nHOST=a',
    f"key\n-----BEGIN PRIVATE KEY-----\n{_LINES}\n-----END PRIVATE KEY-----\n",
)
_IN_JSON = (
    *(json.dumps({"a": value}) for value in JSON_VALUES[:6]),
    *(json.dumps({"x": json.dumps({"a": value})}) for value in JSON_VALUES[:4]),
    json.dumps({"a": JSON_VALUES[0]}).replace("@", "\\u0040"),
    "".join(f"\\u{ord(one):04x}" for one in JSON_VALUES[1]),
)
CUT_EVERYWHERE = (*PERSONAL, *_IN_JSON, *NAMES, *NATIONAL, *ENCODED, *HARMLESS, *COMMANDS_NAMED, *KEYS, *_OTHERS)
TEXTS = (*CUT_EVERYWHERE, *SECRETS)
