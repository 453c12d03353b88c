"""A block device of which each write is recorded: a file system in a file, behind qemu's blklogwrites and a loop mount.

Not here: what the record says (`blocks`), what is written (the scenarios).
"""
import contextlib
import os
import shutil
import subprocess
import time

import machine
from blocks import count_of

# The record at most; it has holes where nothing is.
LOG_BYTES_MAX = 4 << 30


class Device:
    def __init__(self, work, kind):
        self.work, self.kind = work, kind
        self.base, self.log, self.mount = f"{work}/base", f"{work}/log", f"{work}/mount"
        os.makedirs(self.mount, exist_ok=True)
        machine.make(self.base, kind)

    @contextlib.contextmanager
    def mounted(self, image):
        """The folder of an image, mounted."""
        machine.run("mount", "-o", "loop", image, self.mount)
        try:
            yield self.mount
        finally:
            machine.run("umount", self.mount)

    @contextlib.contextmanager
    def recorded(self):
        """The folder of a copy of the base, mounted, each write of which goes to the log."""
        work, exported = self.work, f"{self.work}/exported"
        shutil.copy(self.base, f"{work}/live")
        machine.run("truncate", "-s", str(LOG_BYTES_MAX), self.log)
        open(exported, "w").close()
        daemon = subprocess.Popen([
            "qemu-storage-daemon",
            "--blockdev", f"driver=file,node-name=disk,filename={work}/live",
            "--blockdev", f"driver=file,node-name=log,filename={self.log}",
            "--blockdev", "driver=blklogwrites,node-name=both,file=disk,log=log,log-sector-size=512,"
            "log-super-update-interval=1",
            "--export", f"type=fuse,id=export,node-name=both,mountpoint={exported},writable=on,growable=off",
        ])
        try:
            for _ in range(100):
                if os.path.getsize(exported) == machine.SIZES[self.kind]:
                    break
                time.sleep(0.1)
            with self.mounted(exported) as folder:
                yield folder
        finally:
            daemon.terminate()
            daemon.wait()
            machine.run("umount", exported, check=False)
            os.remove(f"{work}/live")

    def written(self):
        """How many records the log has by now: what was acknowledged before is among them."""
        return count_of(self.log)
