"""A home of store layout 1, which the program brings to the present layout when it opens it.

Not here: how a home of layout 1 is made (an example of `comity-store`), what the upgrade does (`crates/store`).
"""
import machine
from home import TARGET, TOP, Home
from own import OwnLog

# Records of the old home: over 5,000 sections.
RECORDS = 700


def maker():
    """The example that makes a home old, as the tests of the workspace are built."""
    build = ["cargo", "build", "--quiet", "--locked", "--workspace", "--example", "layout_1"]
    machine.build(*build, "--manifest-path", f"{TOP}/Cargo.toml")
    return f"{TARGET}/debug/examples/layout_1"


class Upgrade(OwnLog):
    name, what = "upgrade", f"an upgrade of {RECORDS} records from layout 1, and an import"

    def prepare(self, folder, work):
        super().prepare(folder, work)
        home = Home(folder)
        for count in (40, RECORDS):
            numbers = range(1, count + 1)
            self.took(home.take(numbers, work), numbers, lambda: 0)
        machine.run(maker(), f"{folder}/store")

    def run(self, folder, work, written):
        home = Home(folder)
        self.knows(home)
        numbers = range(1, RECORDS + 21)
        self.took(home.take(numbers, work), numbers, written)
