"""The local engine: a run is a gang of real process groups on this machine, kept by a small supervisor (the shim).

It knows no contract, no tenant and no price. The disk is its only memory, so that a new control plane adopts what an
old one left, and these rules say what holds at every moment:

- **Claim.** A run directory is built aside (`staging/`) and renamed to `runs/<run_id>`: a rename onto a directory that
  is not empty fails, so one launcher wins, and a run directory always holds its `intent.json`.
- **Decision.** `shim.json` is written by the shim, under the lock `SHIM` and before the first rank starts. Before it a
  run is *undecided*: nothing of it has run, and a repeat of the launch may start it. After it the run has been
  started once, and is never started again.
- **Undecided runs** are reported as STARTING for `START_MS_MAX` after the claim, or for as long as a launcher or a shim
  is at work on them. After that `observe()` gives them up under both locks: they move to `ended/`, are no longer
  reported, and every later launch of them is refused.
- **A stop** writes `stop.json` first and reads `shim.json` after; the shim writes `shim.json` first and reads
  `stop.json` after. So one of the two always sees the other, and no stop is lost. A stop of a run that is not there
  leaves a tombstone, under the same lock under which runs are claimed.
- **The end.** `exit.json` is written when every process of the run is dead, so that ENDED means that its chips are
  free. A shim that is gone without it was killed: what survives of its run is killed, and the run has ended with 137.
- **Silence** (`drill`) is looked at under the lock `LAUNCH` before a shim starts, and the drill takes that lock before
  it kills, so that nothing starts behind its back.

Locks are taken in this order: a checkpoint's `LOCK`, the engine's `LOCK`, a run's `LAUNCH`, a run's `SHIM`.
"""
