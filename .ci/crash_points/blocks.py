"""The record of the writes of a device (the form of dm-log-writes), and the device as it was at any place of it.

Not here: who writes the record (`device`), and what is looked at (`points`).
"""
import shutil
import struct
from typing import NamedTuple

import machine

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4


def count_of(log):
    """How many records there are."""
    with open(log, "rb") as file:
        return struct.unpack("<QQQI", file.read(28))[2]


class Record(NamedTuple):
    """One write, or a flush alone where `sectors` is 0."""
    sector: int
    sectors: int
    flags: int
    place: int

    @property
    def writes(self):
        return self.sectors > 0


def records_of(log):
    """All of them, in order; a discard, which a file system may take or leave, is as if it were not."""
    found = []
    with open(log, "rb") as file:
        place = SECTOR
        for _ in range(count_of(log)):
            file.seek(place)
            sector, sectors, flags, _ = struct.unpack("<QQQQ", file.read(32))
            place += SECTOR
            if flags & DISCARD:
                found.append(Record(sector, 0, flags & FLUSH, place))
            else:
                found.append(Record(sector, sectors, flags, place))
                place += sectors * SECTOR
    return found


class Disk:
    """A device that goes forward through the record, write by write."""

    def __init__(self, base, path, log):
        shutil.copy(base, path)
        self.path, self.log, self.file = path, open(log, "rb"), open(path, "r+b")

    def close(self):
        self.log.close()
        self.file.close()

    def apply(self, record):
        put(self.file, record, self.bytes_of(record))

    def bytes_of(self, record):
        self.log.seek(record.place)
        return self.log.read(record.sectors * SECTOR)

    def copied(self, to):
        """Another one as it stands now, to be written to."""
        self.file.flush()
        machine.run("cp", "--sparse=always", self.path, to)
        return to


def put(file, record, data):
    file.seek(record.sector * SECTOR)
    file.write(data)


class Beginnings:
    """Every beginning of the record: a device that keeps the order."""

    def __init__(self, base, work, log):
        self.records, self.done = records_of(log), 0
        self.disk, self.to = Disk(base, f"{work}/disk", log), f"{work}/try"

    def at(self, number):
        """The device when this many records were made; numbers do not go back."""
        for record in self.records[self.done:number]:
            self.disk.apply(record)
        self.done = number
        return self.disk.copied(self.to)


class Cuts:
    """Power cuts: what was written after the last flush is there, or not, or torn between two sectors."""

    def __init__(self, base, work, log):
        self.records, self.done = records_of(log), 0
        # What a flush confirmed.
        self.disk, self.to = Disk(base, f"{work}/disk", log), f"{work}/try"

    def at(self, number, drawn):
        """The device after a cut when this many records were made; numbers do not go back."""
        flushes = (at for at in range(number - 1, self.done - 1, -1) if self.records[at].flags & FLUSH)
        flushed = next(flushes, None)
        if flushed is not None:
            # A flush confirms what was written before it; the data that may come with it is not yet confirmed.
            for record in self.records[self.done:flushed]:
                self.disk.apply(record)
            self.done = flushed
        path = self.disk.copied(self.to)
        left = drawn.choice(("nothing", "beginning", "any", "any"))
        later = [record for record in self.records[self.done:number] if record.writes]
        end = drawn.randrange(len(later) + 1)
        with open(path, "r+b") as file:
            for place, record in enumerate(later):
                data = self.disk.bytes_of(record)
                if record.flags & FUA or (left == "beginning" and place < end):
                    put(file, record, data)
                elif left == "any" or (left == "beginning" and place == end):
                    self.tear(file, record, data, drawn)
        return path

    def tear(self, file, record, data, drawn):
        """All of it, nothing, or some of its sectors."""
        how = drawn.choice(("all", "nothing", "some"))
        if how == "all":
            put(file, record, data)
        if how == "some":
            for sector in range(record.sectors):
                if drawn.random() < 0.5:
                    file.seek((record.sector + sector) * SECTOR)
                    file.write(data[sector * SECTOR:(sector + 1) * SECTOR])
