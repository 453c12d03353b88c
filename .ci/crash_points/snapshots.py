"""Damage to the snapshots that sled keeps beside its log, which no crash on a sound disk leaves behind.

A home with a snapshot that was cut short, and one half written beside it, must open as if there were none.
"""
import glob
import os

# One point in so many gets such damage as well.
EVERY = 4


def damage(home, drawn):
    """Cuts each snapshot short, at any length, and lays one that was never finished beside it; gives how many were cut."""
    found = [path for path in glob.glob(f"{home}/store/snap.*") if not path.endswith(".generating")]
    for path in found:
        os.truncate(path, drawn.randrange(os.path.getsize(path) or 1))
    if os.path.isdir(f"{home}/store"):
        with open(f"{home}/store/snap.00000000FFFFFFFF.generating", "wb") as file:
            file.write(drawn.randbytes(drawn.randrange(400)))
    return len(found)
