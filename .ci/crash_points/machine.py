"""Other programs of this machine, and whether it permits what is tried here. Not here: the device (`device`)."""
import os
import shutil
import subprocess
import tempfile

# Longest that one program may take: each takes a fraction of a second.
PATIENCE_SECS = 120
# The packages that have what is missing, where it can be installed.
PACKAGES = {"qemu-storage-daemon": "qemu-utils", "mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs"}
# What the images of one scenario take at most, in memory.
IMAGES_BYTES_MAX = 2 << 30


def run(*arguments, check=True):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE_SECS)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr}{done.stdout}")
    return done


def build(*arguments):
    """A build may have to begin from nothing, and wait for another."""
    subprocess.run(arguments, check=True)


def work_folder():
    """A folder for the images: in memory where there is room, since each point is a whole device."""
    memory = "/dev/shm"
    has_room = os.path.isdir(memory) and shutil.disk_usage(memory).free > IMAGES_BYTES_MAX
    return tempfile.mkdtemp(prefix="crash-points-", dir=memory if has_room else None)


def install(tool):
    """Tries to install what is missing; only root can, and only where the packages are to be had."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"{tool} is not installed; installing {PACKAGES[tool]}", flush=True)
        run("apt-get", "update", "-qq", check=False)
        run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", PACKAGES[tool], check=False)


def absent(work, kind):
    """Why this machine cannot have such a file system in a file; None if it can."""
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        return "only root with /dev/fuse may do it"
    for tool in ("qemu-storage-daemon", f"mkfs.{kind}"):
        if not shutil.which(tool):
            install(tool)
        if not shutil.which(tool):
            return f"{tool} is not installed and cannot be"
    probe, folder = f"{work}/probe", f"{work}/probed"
    os.makedirs(folder, exist_ok=True)
    make(probe, kind)
    mounted = run("mount", "-o", "loop", probe, folder, check=False)
    if mounted.returncode:
        return "loop mounts are not permitted"
    run("umount", folder)
    os.remove(probe)
    return None


# What mkfs needs at least, with room for the home.
SIZES = {"ext4": 32 << 20, "xfs": 320 << 20}
# Nothing is left to be laid out while it is mounted, so that every write is one of the home; several groups of blocks,
# so that there is a second superblock if the first is torn.
MAKE = {
    "ext4": ("-b", "4096", "-g", "2048", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"),
    "xfs": (),
}
# What is tried with one that does not mount: the log is dropped last of all, and with it what was to be kept.
CHECKS = {
    "ext4": (("e2fsck", "-f", "-y"), ("e2fsck", "-f", "-y", "-b", "2048", "-B", "4096")),
    "xfs": (("xfs_repair",), ("xfs_repair", "-L")),
}


def make(image, kind, size=None):
    """Makes an empty file system in a file."""
    if os.path.exists(image):
        os.remove(image)
    run("truncate", "-s", str(size or SIZES[kind]), image)
    run(f"mkfs.{kind}", "-q", *MAKE[kind], image)
    # Each point is a copy of it, which is fast where there are holes.
    run("fallocate", "--dig-holes", image)
