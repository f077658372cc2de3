"""The clock and the id mint of the machine this runs on."""

import secrets
import string
import time

_NS_PER_MS = 1_000_000
_ID_CHARACTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 10
_IDS = len(_ID_CHARACTERS) ** _ID_LENGTH
"""How many ids there are."""


class OsClock:
    """The operating system's clocks, as the port `Clock` wants them."""

    def wall_ms(self) -> int:
        """UTC by the wall, milliseconds since 1970; it may jump."""
        return time.time_ns() // _NS_PER_MS

    def monotonic_ms(self) -> int:
        """Milliseconds since some moment; it never goes back."""
        return time.monotonic_ns() // _NS_PER_MS


class OsIdMint:
    """Ids from the operating system's random source, as the port `IdMint` wants them."""

    def mint(self) -> str:
        """Ten lower-case letters and digits: about 51 bits that nobody can guess."""
        # One draw below a power of 36: every id is as likely as every other.
        drawn, letters = secrets.randbelow(_IDS), ""
        for _ in range(_ID_LENGTH):
            drawn, digit = divmod(drawn, len(_ID_CHARACTERS))
            letters += _ID_CHARACTERS[digit]
        return letters
