"""Simulated time and ids: a clock that moves when it is told to, and whose wall may be wrong."""

from multihome.simulator.dice import Dice

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH = 10


class SimClock:
    """The `Clock` port. `true_ms` is what really is; the wall shows it with a skew, the monotonic clock since boot."""

    def __init__(self, start_ms: int) -> None:
        """Start at an instant, freshly booted, the wall right."""
        self.true_ms = start_ms
        self.skew_ms = 0
        self._boot_ms = start_ms

    def wall_ms(self) -> int:
        """See `Clock.wall_ms`."""
        return self.true_ms + self.skew_ms

    def monotonic_ms(self) -> int:
        """See `Clock.monotonic_ms`."""
        return self.true_ms - self._boot_ms

    def advance(self, by_ms: int) -> None:
        """Let time pass."""
        self.true_ms += by_ms

    def reboot(self) -> None:
        """Begin the monotonic clock anew, as a machine does."""
        self._boot_ms = self.true_ms


class SimMint:
    """The `IdMint` port over dice."""

    def __init__(self, dice: Dice) -> None:
        """Mint from these dice."""
        self._dice = dice

    def mint(self) -> str:
        """See `IdMint.mint`."""
        return "".join(self._dice.pick(_LETTERS) for _ in range(_ID_LENGTH))
