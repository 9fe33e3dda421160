"""Comparing without regard to case, safe against letters that fold onto ASCII."""


def fold(text: str) -> str:
    """Lower-case a text one character at a time; no non-ASCII letter ever becomes an ASCII one.

    The Kelvin sign must not pass for `k` nor a dotted capital I for `i`: whoever may choose a name could otherwise
    wear somebody else's.
    """
    if text.isascii():
        return text.lower()
    return "".join(_fold_one(letter) for letter in text)


def _fold_one(letter: str) -> str:
    lower = letter.lower()
    if letter.isascii() or (len(lower) == 1 and not lower.isascii()):
        return lower
    return letter
