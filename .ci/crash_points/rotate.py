"""Keys that change hands: those of the log and of the witness, and the authority and certificates of TLS.

A change has happened or has not, each key in force has its file, and the home signs with all of them and goes on.
Not here: what peers make of it (`tests/keys.rs`), and a process alone that is killed (`tests/keys/killed.rs`).
"""
import base64
import os
import shutil

from home import Home, free_addresses, log_of
from own import AGENCY, ORIGIN, OwnLog, Told


def numbers_of(keys):
    """The numbers in vkeys (C2SP signed-note): `<name>+<number>+<key>`."""
    return {key.split("+")[1] for key in keys}


def held(folder, role):
    """The numbers of the keys of a role that lie in the home."""
    found = set()
    for path in (f"{folder}/keys/{role}.key", f"{folder}/keys/{role}-next.key"):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                # PRIVATE+KEY+<name>+<number>+<seed>
                found.add(file.read().split("+")[3])
    return found


class Changes(OwnLog):
    """What holds for a home whose keys are changed."""
    ROLES = ("log", "witness", "tls-authority")

    def __init__(self):
        super().__init__()
        # The keys in force of each role, for each size that there was.
        self.keys, self.count, self.root_key, self.work = {}, 0, None, None

    def prepare(self, folder, work):
        home, (listen, admin) = Home(folder), free_addresses(2)
        home.init(AGENCY, "--listen", listen, "--admin", admin)
        # It is kept away from the home.
        self.work, self.root_key = work, f"{work}/root.key"
        shutil.move(f"{folder}/offline/root.key", self.root_key)
        self.knows(home)

    def knows(self, home):
        size, root = log_of(home.done("status"), ORIGIN)
        self.heads[size], self.keys[size] = (root, self.count), self.in_force(home)
        return size

    def in_force(self, home):
        keys = [key for key in home.done("key", "list")["keys"] if key["state"] == "in_force"]
        return {role: [key["key"] for key in keys if key["role"] == role] for role in self.ROLES}

    def imports(self, home, count, written):
        self.count = count
        self.took(home.take(range(1, count + 1), self.work), range(count), written)
        self.knows(home)

    def changes(self, home, written, *command):
        said = home.done("key", *command, "--root", self.root_key)
        self.told.append(Told(written(), said["size"]))
        assert self.knows(home) == said["size"], f"{said}"

    def assert_holds(self, folder, point):
        super().assert_holds(folder, point)
        home = Home(folder)
        size, _ = log_of(home.done("status"), ORIGIN)
        found = self.in_force(home)
        assert found == self.keys[size], f"{found} at size {size}, and it was {self.keys[size]}"
        for role in ("log", "witness"):
            lost = numbers_of(found[role]) - held(folder, role)
            assert not lost, f"{lost} of {role} are in force, and no file holds them"
        card = home.done("card")["card"]
        assert any(f" {key}\n" in card for key in found["log"]), f"the card names no key in force: {card}"
        self.goes_on(home, size, found)

    def goes_on(self, home, size, keys):
        """Signs once more: with the keys in force, with all of them, and with no other."""
        said = home.take(range(1, self.heads[size][1] + 2), self.work)
        assert said.get("size", 0) > size, f"{said}"
        signed = self.signers(home)
        assert signed == numbers_of(keys["log"]), f"signed with {signed}, in force are {keys['log']}"

    def signers(self, home):
        """The numbers of the keys of the log that signed its newest checkpoint."""
        out = f"{self.work}/checked"
        shutil.rmtree(out, ignore_errors=True)
        home.done("log", "export", "--out", out)
        with open(f"{out}/checkpoint", encoding="utf-8") as file:
            lines = [line.split(" ") for line in file.read().rpartition("\n\n")[2].splitlines()]
        return {base64.b64decode(signature)[:4].hex() for _, name, signature in lines if name == ORIGIN}


class Rotate(Changes):
    name, what = "rotate", "two rotations of the log key and one of the witness's, with one kill of the node"

    def run(self, folder, work, written):
        home = Home(folder)
        self.imports(home, 20, written)
        self.changes(home, written, "rotate", "log")
        self.imports(home, 40, written)
        self.changes(home, written, "retire", "log")
        self.changes(home, written, "rotate", "witness")
        with home.served(f"{work}/node.log") as node:
            self.changes(home, written, "rotate", "log")
            self.imports(home, 50, written)
            self.changes(home, written, "retire", "log")
            node.kill()
        self.imports(home, 60, written)


class Authority(Changes):
    """Each look is by a node: operator and node get in to each other by their certificates."""
    name, what = "authority", "a new certificate, and a TLS authority that another one follows"

    def __init__(self):
        super().__init__()
        self.first, self.used_by = None, None

    def run(self, folder, work, written):
        home, (self.first,) = Home(folder), self.keys[1]["tls-authority"]
        self.imports(home, 3, written)
        home.done("tls", "renew")
        home.done("tls", "renew", "--operator")
        home.done("tls", "crl", "renew")
        home.done("tls", "ca", "new")
        self.changes(home, written, "rotate", "tls-authority")
        home.done("tls", "ca", "use")
        self.used_by = written()
        self.imports(home, 4, written)
        self.changes(home, written, "retire", "tls-authority")
        assert self.first not in self.in_force(home)["tls-authority"], "another one was retired than the older"
        home.done("tls", "ca", "retire", self.first)
        self.imports(home, 5, written)

    def assert_holds(self, folder, point):
        is_left = os.path.exists(f"{folder}/keys/tls-ca-next.pem")
        assert not is_left or point < self.used_by, "the next authority was used, and is still to be used"
        super().assert_holds(folder, point)

    def goes_on(self, home, size, keys):
        with home.served(f"{self.work}/node.log"):
            super().goes_on(home, size, keys)
        others = [key for key in keys["tls-authority"] if key != self.first]
        if others and os.path.exists(f"{home.folder}/keys/tls-ca-next.pem"):
            # Whoever was cut off goes on with the same command.
            said = home.done("tls", "ca", "use")
            assert [said["authority"]] == others, f"{said}, announced are {others}"
        home.done("tls", "renew")
        home.done("tls", "renew", "--operator")
        with home.served(f"{self.work}/node.log"):
            assert home.done("status")["state"] == "serving"
