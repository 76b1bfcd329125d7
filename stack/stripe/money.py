"""Which currencies there are, in which steps an amount may go, and how it reads."""

from stack.stripe.errors import Refused
from stack.stripe.params import Params

_CODES = """
usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf
clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils
inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn
myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos
srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw
"""
_NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
CURRENCIES = frozenset(_CODES.split())
_WITHOUT_DECIMALS = frozenset(_NO_DECIMALS.split())
_THREE_DECIMALS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# These have no coins of a hundredth any more, and are written with two decimals all the same.
_WHOLE_ONLY = frozenset(("isk", "ugx"))
_LEAST = {
    **dict.fromkeys(("usd", "aud", "brl", "cad", "chf", "eur", "inr", "nzd", "sgd"), 50),
    "gbp": 30,
    "dkk": 250,
    "nok": 300,
    "sek": 300,
    "hkd": 400,
    "mxn": 1000,
    "jpy": 50,
    "myr": 200,
    "pln": 200,
    "aed": 200,
    "bgn": 100,
    "czk": 1500,
    "huf": 17500,
    "ron": 200,
    "thb": 1000,
}
MOST = 99_999_999


def currency(params: Params, name: str = "currency") -> str:
    """Return a currency that has to be there, in lower case. Raises Refused."""
    code = params.required(name).lower()
    if code not in CURRENCIES:
        raise Refused(
            f"Invalid currency: {code}. Stripe currently supports these currencies: {', '.join(sorted(CURRENCIES))}",
            param=params.called(name),
        )
    return code


def check_step(amount: int, code: str, param: str) -> None:
    """Refuse an amount that no card network could take in this currency. Raises Refused."""
    step = 10 if code in _THREE_DECIMALS else 100 if code in _WHOLE_ONLY else 1
    if amount % step:
        raise Refused(
            f"Invalid amount: in {code}, amounts must be evenly divisible by {step}.",
            code="parameter_invalid_integer",
            param=param,
        )


def check_total(total: int, code: str, what: str, param: str) -> None:
    """Refuse what is too little or too much to be charged. Raises Refused."""
    least = _LEAST.get(code, 0)
    if total < least:
        raise Refused(f"{what} must add up to at least {shown(least, code)}.", code="amount_too_small", param=param)
    if total > MOST:
        raise Refused(f"{what} must be no more than {shown(MOST, code)}.", code="amount_too_large", param=param)


def shown(amount: int, code: str) -> str:
    """Return an amount for reading, as in `12.50 EUR`."""
    places = 0 if code in _WITHOUT_DECIMALS else 3 if code in _THREE_DECIMALS else 2
    return f"{amount / 10**places:,.{places}f} {code.upper()}"
