"""A small ext4 with N free blocks, for each N until an import gets through: nothing is acknowledged that is not kept,
the home opens and is read while the disk stays full, and goes on with room.

Not here: a disk that is full from any write on, as seen by a node that follows (`tests/faults/full.rs`).
"""
import os
import shutil
import time

import machine
from home import Home, log_of
from own import AGENCY, ORIGIN

SIZE = 16 << 20
BEFORE, AFTER = 200, 600
# Imports that got through, one after the other, behind which there is nothing to be found.
THROUGH = 3
# More than it takes for the free blocks to come to rest.
FILL_TRIES = 20
# Free blocks from one try to the next in the short form.
STEP = 23


def fill(folder, free):
    """Takes the room until so many blocks are free, or as near as the file system comes to it."""
    filler, taken = os.open(f"{folder}/filler", os.O_CREAT | os.O_WRONLY), 0
    try:
        for _ in range(FILL_TRIES):
            machine.run("sync", "--file-system", folder)
            found = os.statvfs(folder)
            if found.f_bavail == free:
                return
            wanted = taken + (found.f_bavail - free) * found.f_bsize
            try:
                os.posix_fallocate(filler, 0, wanted)
            except OSError:
                # What the file needs to be described takes room too.
                wanted -= found.f_bsize
            os.ftruncate(filler, wanted)
            taken = wanted
    finally:
        os.close(filler)
    raise AssertionError(f"the disk cannot be filled to {free} free blocks")


class Full:
    """The tries with one way of importing."""

    def __init__(self, work, is_served):
        self.work, self.is_served = work, is_served
        self.image, self.mount, self.log = f"{work}/base", f"{work}/mount", f"{work}/node.log"
        self.refused, self.failures = 0, []
        os.makedirs(self.mount, exist_ok=True)
        machine.make(self.image, "ext4", SIZE)
        self.at(self.image, self.prepare)

    def at(self, image, act):
        machine.run("mount", "-o", "loop", image, self.mount)
        try:
            return act(Home(f"{self.mount}/home"))
        finally:
            machine.run("umount", self.mount)

    def prepare(self, home):
        home.init(AGENCY)
        said = home.take(range(1, BEFORE + 1), self.work)
        self.before = (said["size"], said["root"])

    def tried(self, free):
        """Tries it with so many free blocks; gives whether the import got through."""
        image = f"{self.work}/try"
        machine.run("cp", "--sparse=always", self.image, image)
        try:
            return self.at(image, lambda home: self.try_in(home, free))
        except (AssertionError, RuntimeError, KeyError, ValueError) as error:
            self.failures.append(f"{free} free blocks: {type(error).__name__} {error}")
            print(f"  {self.failures[-1]}", flush=True)
            return False

    def try_in(self, home, free):
        way = self.served if self.is_served else self.alone
        said = way(home, free)
        is_done = "error" not in said
        if not is_done:
            self.refused += 1
            message = said["error"]["message"]
            assert "free some space" in message or "look at th" in message, f"it does not say so: {said}"
        full = self.reads(home)
        os.remove(f"{self.mount}/filler")
        for head in (full, self.head(home)):
            assert head == self.before or head[0] == AFTER + 1, f"{head} after {said}"
            assert not is_done or head == (said["size"], said["root"]), f"{head} after {said}"
            assert full[0] <= head[0], f"{head} after {full}"
        again = home.take(range(1, AFTER + 1), self.work)
        assert again.get("size") == AFTER + 1, f"{again}"
        assert head == self.before or head[1] == again["root"], f"a second root: {again}"
        return is_done

    def alone(self, home, free):
        fill(self.mount, free)
        return home.take(range(1, AFTER + 1), self.work)

    def served(self, home, free):
        """By a node; reads go on beside it and after it, as long as it runs."""
        with home.served(self.log) as node:
            fill(self.mount, free)
            said = home.take(range(1, AFTER + 1), self.work)
            # A node that cannot tell what is on its disk ends.
            time.sleep(0.3)
            if node.poll() is None:
                self.reads(home)
            else:
                assert "error" in said, f"the node ended after {said}"
        return said

    def head(self, home):
        said = home.done("status")
        assert said["state"] in ("ready", "serving"), f"{said}"
        return log_of(said, ORIGIN)

    def reads(self, home):
        head = self.head(home)
        assert log_of(home.done("log", "list"), ORIGIN) == head
        home.done("log", "show", "3")
        assert home.finds(1) and home.finds(BEFORE)
        return head


def try_all(form):
    """Both ways, one after the other; gives how many tries failed."""
    failed = 0
    for is_served in (False, True):
        work = machine.work_folder()
        try:
            reason = machine.absent(work, "ext4")
            if reason:
                print(f"full: not permitted here ({reason})")
                return failed
            failed += tries(Full(work, is_served), form)
        finally:
            machine.run("umount", f"{work}/mount", check=False)
            shutil.rmtree(work)
    return failed


def tries(full, form):
    begun, free, tried, through = time.time(), 0, 0, 0
    # Beyond the first that got through, some more: not every block is taken in the same order.
    while through < THROUGH:
        through = through + 1 if full.tried(free) else 0
        tried += 1
        free += STEP if form.points_max else 1
    way = "a node that serves" if full.is_served else "a command"
    print(f"full, an import by {way}, {form.name}: {tried} sizes of 0 to {free - 1} free blocks, {full.refused} refused "
          f"and none of it acknowledged, each home read while the disk stayed full"
          f"{f', {len(full.failures)} FAILED' if full.failures else ''}; {time.time() - begun:.0f} s", flush=True)
    return len(full.failures)
