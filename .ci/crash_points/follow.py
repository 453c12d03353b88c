"""A peer's log, followed: B's home lies on the recorded device, A's on the disk of this machine.

Not here: what B itself signs (`own`).
"""
import base64
import glob
import hashlib
import os
from typing import NamedTuple

import machine
from home import Home, free_addresses, log_of, until

A, B = "agency-a.example", "agency-b.example"
ORIGIN = f"{A}/pub"
# How many records A's list has, one publication after the other.
LISTS = (40, 300, 290, 700)


class Shown(NamedTuple):
    """What B had shown by a record of the log of writes; `number` is that of a record that was found."""
    by: int
    size: int
    number: int


def roots_of(exported):
    """The root of every size of a log (RFC 9162), from the leaf hashes of its export."""
    tiles = glob.glob(f"{exported}/tile/0/*") + glob.glob(f"{exported}/tile/0/*/*")
    hashes = {}
    for tile in filter(os.path.isfile, tiles):
        place = int(os.path.relpath(tile, f"{exported}/tile/0").split(".")[0])
        with open(tile, "rb") as file:
            hashes[place] = max(hashes.get(place, b""), file.read(), key=len)
    leaves = b"".join(hashes[place] for place in sorted(hashes))
    roots, peaks = {}, []
    for size in range(1, len(leaves) // 32 + 1):
        peaks.append((1, leaves[(size - 1) * 32:size * 32]))
        while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
            (count, right), (_, left) = peaks.pop(), peaks.pop()
            peaks.append((2 * count, hashlib.sha256(b"\x01" + left + right).digest()))
        root = peaks[-1][1]
        for _, left in reversed(peaks[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        roots[size] = base64.b64encode(root).decode()
    return roots


class Follow:
    name, what = "follow", "following four publications, with one kill of the follower"

    def __init__(self):
        self.shown, self.roots, self.records, self.a, self.log = [], {}, {}, None, None
        self.patience_secs = machine.PATIENCE_SECS

    def prepare(self, folder, work):
        self.a, b, self.log = Home(f"{work}/a"), Home(folder), f"{work}/node.log"
        places = free_addresses(4)
        self.a.init(A, "--listen", places[0], "--admin", places[1])
        b.init(B, "--listen", places[2], "--admin", places[3])
        for home, other, card in ((self.a, b, f"{work}/b.card"), (b, self.a, f"{work}/a.card")):
            words = other.done("card", "--out", card)["fingerprint"]
            home.done("peer", "add", card, "--fingerprint", words)

    def run(self, folder, work, written):
        b = Home(folder)
        with self.a.served(self.log):
            for place, count in enumerate(LISTS):
                with b.served(self.log) as node:
                    said = self.a.take(range(1, count + 1), work)
                    assert "error" not in said, said
                    self.records[said["size"]] = count
                    until("B shows all of it", lambda: self.look(b, written) == said["size"])
                    until("B finds the last of it", lambda: b.finds(count))
                    # One that stays on all later lists.
                    self.shown.append(Shown(written(), said["size"], min(LISTS[place:])))
                    if count == LISTS[1]:
                        node.kill()
            self.a.done("log", "export", "--out", f"{work}/exported-log")
        self.roots = roots_of(f"{work}/exported-log")

    def look(self, b, written):
        """What B shows at this moment was durable before it was asked for."""
        size, _ = log_of(b.done("log", "list"), ORIGIN)
        self.shown.append(Shown(written(), size, 0))
        return size

    def assert_holds(self, folder, point):
        b, shown = Home(folder), [shown for shown in self.shown if shown.by <= point]
        due = max((of.size for of in shown), default=0)
        found = next((of for of in reversed(shown) if of.number), None)
        said = b.done("status")
        assert said["state"] == "ready" and log_of(said, f"{B}/pub")[0] == 1, f"{said}"
        size = self.size_in(said)
        if size < due:
            # The newest note is durable with the next sync only; the node, once it runs, shows all that is held,
            # whether or not anybody can be reached.
            with b.served(self.log):
                shows = lambda: self.size_in(b.done("log", "list")) >= due
                until(f"the node shows {due} entries again", shows, self.patience_secs)
                if found:
                    until(f"it finds number {found.number}", lambda: b.finds(found.number), self.patience_secs)
            return
        assert not found or b.finds(found.number), f"number {found.number} was found, and is not any more"
        if found and found.size == size:
            # All its sections were there, or the last would not have been found.
            assert said["records"] == self.records[size], f"{said['records']} of {self.records[size]} records"

    def size_in(self, said):
        size, root = log_of(said, ORIGIN)
        assert size == 0 or self.roots.get(size) == root, f"a root that A never had for size {size}"
        return size

    def catches_up(self, folder, _point):
        """Serves B's home beside A, until it has all that A has; A runs."""
        b, head = Home(folder), log_of(self.a.done("log", "list"), ORIGIN)
        with b.served(self.log):
            until("B has all that A has", lambda: log_of(b.done("log", "list"), ORIGIN) == head)
            until("B finds the last of it", lambda: b.finds(LISTS[-1]))
        assert b.done("status")["records"] == LISTS[-1]
