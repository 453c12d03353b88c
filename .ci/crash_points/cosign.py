"""What a follower states as witness and as mirror: B's home lies on the recorded device, A's on the disk of this machine.

What of it has come to A must be in B's sign-locks, whatever B's device has lost; and B goes on stating.
Not here: what B holds and shows (`follow`).
"""
import base64
import glob
import hashlib
import time
from typing import NamedTuple

from follow import A, B, ORIGIN, Follow
from home import Home, log_of, until

# How many records A's list has, one publication after the other, and for how long each stands.
LISTS, STANDS_SECS = (3, 20, 19, 45, 60), 2.5
# After so many seconds a statement is made again.
RENEW_SECS = 1
ROLES = ("witness", "mirror")


class Stated(NamedTuple):
    """What had come to A by a record of the log of writes on B's device."""
    by: int
    role: str
    size: int
    root: str
    time: int


def statements(note):
    """What the lines of B on a checkpoint of A state, by role (C2SP tlog-cosignature)."""
    text, _, lines = note.rpartition("\n\n")
    _, size, root = text.split("\n")[:3]
    for line in lines.splitlines():
        _, name, signature = line.split(" ")
        if name.startswith(f"{B}/"):
            stated = int.from_bytes(base64.b64decode(signature)[4:12])
            yield name.removeprefix(f"{B}/"), int(size), root, stated


def locked(folder):
    """What the sign-locks of a home hold for A's log, by role: size, time, root."""
    found = {}
    for path in glob.glob(f"{folder}/lock/*"):
        with open(path, "rb") as file:
            body, end, check = file.read().rstrip(b"\n").rpartition(b"\n")
        if base64.b64encode(hashlib.sha256(body + end).digest()) != check:
            continue
        _, role, origin, size, root, stated = body.decode().split("\n")
        if origin == ORIGIN:
            held = (int(size), 0 if stated == "-" else int(stated), root)
            found[role] = max(held, found.get(role, held))
    return found


class Cosign(Follow):
    name, what = "cosign", "stating five publications, again each second, with one kill of who states"

    def __init__(self):
        super().__init__()
        self.stated, self.exports = [], 0

    def prepare(self, folder, work):
        super().prepare(folder, work)
        for home in (self.a.folder, folder):
            with open(f"{home}/comity.toml", "a", encoding="utf-8") as file:
                file.write(f"\n[freshness]\nrenew_secs = {RENEW_SECS}\n")
        size, root = log_of(self.a.done("log", "list"), ORIGIN)
        self.roots[size] = root

    def run(self, folder, work, written):
        b = Home(folder)
        with self.a.served(self.log):
            for count in LISTS:
                with b.served(self.log) as node:
                    said = self.a.take(range(1, count + 1), work)
                    assert "error" not in said, said
                    self.records[said["size"]] = count
                    self.roots[said["size"]] = said["root"]
                    until("B has stated it in both roles", lambda: self.hears(written, said["size"]) == set(ROLES))
                    ends = time.monotonic() + STANDS_SECS
                    while time.monotonic() < ends:
                        self.hears(written, said["size"])
                        time.sleep(0.1)
                    if count == LISTS[2]:
                        node.kill()

    def hears(self, written, of):
        """Keeps what A has of B by now; the roles in which the newest checkpoint is stated, if it is of this size."""
        said = self.heard()
        self.stated.extend(Stated(written(), *stated) for stated in said)
        return {role for role, size, _, _ in said if size == of}

    def heard(self):
        self.exports += 1
        out = f"{self.log}-{self.exports}"
        self.a.done("log", "export", "--out", out)
        with open(f"{out}/checkpoint", encoding="utf-8") as file:
            return list(statements(file.read()))

    def assert_holds(self, folder, point):
        held = locked(folder)
        for stated in (of for of in self.stated if of.by <= point):
            lock = held.get(stated.role)
            assert lock, f"{stated} has no lock"
            size, at, root = lock
            assert size > stated.size or (size == stated.size and root == stated.root), f"{stated}, locked {lock}"
            assert at >= stated.time, f"{stated}, locked {lock}"
        said = Home(folder).done("status")
        assert said["state"] == "ready" and not said["alarms"], f"{said}"
        self.size_in(said)

    def catches_up(self, folder, point):
        """Serves B's home beside A, until B has stated A's newest checkpoint anew."""
        begun = int(time.time())
        newest = log_of(self.a.done("log", "list"), ORIGIN)
        anew = lambda: {role for role, size, root, at in self.heard() if (size, root) == newest and at >= begun}
        with Home(folder).served(self.log):
            until("B has stated it in both roles again", lambda: anew() == set(ROLES))
        self.assert_holds(folder, point)
