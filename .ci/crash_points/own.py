"""The own log: imports into an empty home, and appends into key pages that exist.

Not here: logs of others (`follow`), older layouts (`upgrade`).
"""
from typing import NamedTuple

from home import Home, log_of

AGENCY = "agency-a.example"
ORIGIN = f"{AGENCY}/pub"


class Told(NamedTuple):
    """What was acknowledged by a record of the log of writes."""
    by: int
    size: int


class OwnLog:
    """What holds for an own log at each point, whatever was done to it."""

    def __init__(self):
        self.told = []
        # Root and living records of each size that there was.
        self.heads = {}
        self.patience_secs = 0

    def prepare(self, folder, _work):
        home = Home(folder)
        home.init(AGENCY)
        self.knows(home)

    def knows(self, home):
        said = home.done("status")
        size, root = log_of(said, ORIGIN)
        self.heads[size] = (root, said["records"])
        return size

    def took(self, said, numbers, written):
        assert "error" not in said, said
        self.heads[said["size"]] = (said["root"], len(numbers))
        self.told.append(Told(written(), said["size"]))

    def due(self, point):
        return max((told.size for told in self.told if told.by <= point), default=1)

    def assert_holds(self, folder, point):
        said = Home(folder).done("status")
        assert said["state"] == "ready", f"{said}"
        size, root = log_of(said, ORIGIN)
        assert size >= self.due(point), f"{self.due(point)} entries were acknowledged, {size} are there"
        assert size in self.heads and self.heads[size][0] == root, f"a second root of size {size}"
        # Each of them was opened with its key.
        assert said["records"] == self.heads[size][1], f"{said['records']} of {self.heads[size][1]} records"


class Imports(OwnLog):
    """A page of keys that is there, new pages, and removals."""
    name, what = "import", "four imports"

    def run(self, folder, work, written):
        home = Home(folder)
        for count in (40, 300, 290, 700):
            numbers = range(1, count + 1)
            self.took(home.take(numbers, work), numbers, written)


class Keyring(OwnLog):
    """Small appends, most of them into the same pages of keys, by a node that is restarted and killed between them."""
    name, what = "keyring", "fifteen appends into key pages that exist"

    def run(self, folder, work, written):
        home, count = Home(folder), 100
        for round_ in range(3):
            with home.served(f"{work}/node.log") as node:
                for _ in range(5):
                    count += 7
                    numbers = range(1, count + 1)
                    self.took(home.take(numbers, work), numbers, written)
                if round_ == 1:
                    node.kill()
