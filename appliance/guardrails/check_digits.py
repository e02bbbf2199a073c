"""Check digits: sums that a made-up number passes once in ten or a hundred times."""

_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUE = {one: value for value, one in enumerate(_ALPHABET)}
_TURNED = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4))


def _dihedral(left: int, right: int) -> int:
    """The product in the group of a pentagon's ten symmetries."""
    if left < 5:
        return (left + right) % 5 if right < 5 else 5 + (left + right) % 5
    return 5 + (left - right) % 5 if right < 5 else (left - right) % 5


def _permutations() -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = list(_TURNED)
    for _ in range(6):
        rows.append(tuple(_TURNED[1][one] for one in rows[-1]))
    return rows


_PRODUCT = [[_dihedral(left, right) for right in range(10)] for left in range(10)]
_PERMUTED = [{str(one): turned for one, turned in enumerate(row)} for row in _permutations()]


def luhn(digits: str) -> bool:
    """Cards."""
    codes = digits.encode("ascii")
    return (sum(codes[::-2]) + sum(codes[-2::-2].translate(_DOUBLED)) - 48 * len(codes)) % 10 == 0


def verhoeff(digits: str) -> bool:
    """Aadhaar."""
    check = 0
    for permuted, one in zip(_PERMUTED * 3, reversed(digits), strict=False):
        check = _PRODUCT[check][permuted[one]]
    return check == 0


def mod_97(code: str) -> bool:
    """IBAN, in capitals without spaces."""
    return int("".join(str(_VALUE[one]) for one in code[4:] + code[:4])) % 97 == 1


def gstin(code: str) -> bool:
    """India's tax number of traders, fifteen capitals and digits."""
    total = 0
    for place, one in enumerate(code[:14]):
        product = _VALUE[one] * (1 + place % 2)
        total += product // 36 + product % 36
    return _ALPHABET[-total % 36] == code[14]


def nhs(digits: str) -> bool:
    """The United Kingdom's National Health Service, ten digits."""
    return (sum(int(one) * (10 - place) for place, one in enumerate(digits[:9])) + int(digits[9])) % 11 == 0
