"""The ports that stamp an input: clock and ids."""

from typing import Protocol


class Clock(Protocol):
    """The only place the house learns the time from."""

    def wall_ms(self) -> int:
        """UTC by the wall, milliseconds since 1970; it may jump."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds since some moment; it never goes back."""
        ...


class IdMint(Protocol):
    """Makes ids that nobody can guess."""

    def mint(self) -> str:
        """Ten lower-case letters and digits."""
        ...
