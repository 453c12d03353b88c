"""The points of one scenario on one file system: recorded once, then each point mounted and looked at.

Not here: what is written and what must hold (the scenarios), and the device at a point (`blocks`).
"""
import random
import subprocess
import time
from typing import NamedTuple

import machine
import snapshots
from blocks import FLUSH, Beginnings, Cuts
from device import Device

# Records behind the last acknowledgement that still belong to it.
BEHIND = 3
# How long a node may try to show what is not there.
BITES_SECS = 1
# Failures of one row that are told.
TOLD_MAX = 5


class Form(NamedTuple):
    """How much is tried."""
    name: str
    # Beginnings of the record of a scenario, at most; 0 for each.
    points_max: int
    # Power cuts of a scenario and file system.
    cuts: int
    # Cuts after which a follower runs until it has all.
    catch_ups: int
    seed: int


class Tally:
    def __init__(self):
        self.tried, self.mended, self.snapshots, self.failures = 0, 0, 0, []

    def said(self):
        mended = f", {self.mended} mounted after a check of the file system" if self.mended else ""
        failed = f"; {len(self.failures)} FAILED" if self.failures else ""
        return f"{self.tried} tried, {self.snapshots} with damaged snapshots as well{mended}{failed}"


def recorded(scenario, work, kind):
    """Runs the scenario on a recorded device; gives the device and how far its record counts."""
    device = Device(work, kind)
    with device.mounted(device.base) as folder:
        scenario.prepare(f"{folder}/home", work)
    with device.recorded() as folder:
        scenario.run(f"{folder}/home", work, device.written)
        end = device.written() + BEHIND
    return device, min(end, device.written())


def assert_bites(scenario, device, end):
    """A device that kept nothing of it does not pass."""
    image, patience_secs, scenario.patience_secs = f"{device.work}/try", scenario.patience_secs, BITES_SECS
    machine.run("cp", "--sparse=always", device.base, image)
    with device.mounted(image) as folder:
        try:
            scenario.assert_holds(f"{folder}/home", end)
        except AssertionError:
            scenario.patience_secs = patience_secs
            return
    raise SystemExit(f"{scenario.name} on {device.kind}: a device that kept nothing was taken for sound")


def look(holds, device, image, point, drawn, tally):
    """Mounts the device as a start of the machine would, and looks at the home."""
    tally.tried += 1
    try:
        mount(device, image, tally)
        try:
            home = f"{device.mount}/home"
            if tally.tried % snapshots.EVERY == 0:
                tally.snapshots += snapshots.damage(home, drawn) > 0
            holds(home, point)
        finally:
            machine.run("umount", device.mount)
    except (AssertionError, RuntimeError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
        tally.failures.append(f"point {point}: {type(error).__name__} {error}")
        if len(tally.failures) <= TOLD_MAX:
            print(f"  {tally.failures[-1]}", flush=True)


def mount(device, image, tally):
    """As a machine does that starts; a file system that does not mount, such as one of a torn superblock, is checked."""
    for check in (None, *machine.CHECKS[device.kind]):
        if check:
            machine.run(*check, image, check=False)
        mounted = machine.run("mount", "-o", "loop", image, device.mount, check=False)
        if mounted.returncode == 0:
            tally.mended += check is not None
            return
    raise RuntimeError(f"the file system is gone: {mounted.stderr}")


def crash_points(scenario, device, end, form):
    """The device after each write: it keeps the order."""
    begun, tally, drawn = time.time(), Tally(), random.Random(form.seed)
    beginnings = Beginnings(device.base, device.work, device.log)
    places = [at + 1 for at, record in enumerate(beginnings.records[:end]) if record.writes]
    step = max(1, len(places) // form.points_max) if form.points_max else 1
    for point in places[step - 1::step]:
        look(scenario.assert_holds, device, beginnings.at(point), point, drawn, tally)
    beginnings.disk.close()
    flushes = sum(record.flags & FLUSH for record in beginnings.records[:end])
    print(f"{scenario.name} on {device.kind}, crash points, {form.name}: {len(places)} block writes and {flushes} "
          f"flushes of {scenario.what}, {tally.said()}; {time.time() - begun:.0f} s", flush=True)
    return tally


def after_cuts(check, device, end, count, drawn, tally):
    """Looks at the device as it is after so many cuts, at instants that are drawn."""
    cuts = Cuts(device.base, device.work, device.log)
    for point in sorted(drawn.randrange(end + 1) for _ in range(count)):
        look(check, device, cuts.at(point, drawn), point, drawn, tally)
    cuts.disk.close()


def power_cuts(scenario, device, end, form):
    """The device after cuts at instants that are drawn, with any part of what no flush had confirmed."""
    begun, tally = time.time(), Tally()
    after_cuts(scenario.assert_holds, device, end, form.cuts, random.Random(form.seed), tally)
    print(f"{scenario.name} on {device.kind}, power cuts, {form.name}, seed {form.seed}: {end} records of "
          f"{scenario.what}, {tally.said()}; {time.time() - begun:.0f} s", flush=True)
    return tally


def caught_up(scenario, device, end, form):
    """A handful of cuts, after which the node runs again beside its peer."""
    begun, tally = time.time(), Tally()
    with scenario.a.served(scenario.log):
        after_cuts(scenario.catches_up, device, end, form.catch_ups, random.Random(form.seed + 1), tally)
    print(f"{scenario.name} on {device.kind}, power cuts and then serving until all is there, {form.name}: "
          f"{tally.said()}; {time.time() - begun:.0f} s", flush=True)
    return tally
