"""What a peer's types are called in the labels. Those that aren't here keep their own name (US_SSN, IP_ADDRESS, UK_NHS …)."""

SAME = {
    "EMAIL_ADDRESS": "EMAIL",
    "EMAIL_ADDRESS_RE": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "PHONE_NUMBER_WITH_EXT": "PHONE",
    "ZA_MOBILE_NUMBER": "PHONE",
    "ZA_TELEPHONE_NUMBER": "PHONE",
    "CREDIT_CARD_RE": "CREDIT_CARD",
    "IBAN_CODE": "IBAN",
    "US_SSN_RE": "US_SSN",
    "US_BANK_NUMBER": "BANK_ACCOUNT",
    "IN_AADHAAR": "AADHAAR",
    "IN_PAN": "PAN",
    "IN_GSTIN": "GSTIN",
    "IN_VOTER": "IN_VOTER_ID",
    "FI_PERSONAL_IDENTITY_CODE": "FI_HETU",
    "TR_NATIONAL_ID": "TR_KIMLIK",
    "ZA_ID_NUMBER": "ZA_ID",
    **{f"{country}_PASSPORT": "PASSPORT" for country in ("DE", "ES", "IN", "IT", "KR", "PH", "UK", "US", "ZA")},
}

# Not what the peer says that it finds, but what one would use it for in want of the other. Counts where all types do.
NEAREST = {"DATE_TIME": "DATE_OF_BIRTH"}


def type_name(theirs: str) -> str:
    return SAME.get(theirs) or NEAREST.get(theirs) or theirs


def claimed(theirs: list[str]) -> frozenset[str]:
    return frozenset(SAME.get(one, one) for one in theirs if one not in NEAREST)
