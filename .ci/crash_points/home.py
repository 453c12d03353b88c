"""The home of an agency, asked with the real program. Not here: what the answers must be (the scenarios)."""
import contextlib
import json
import os
import socket
import subprocess
import time

import machine

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGET = os.environ.get("CARGO_TARGET_DIR", f"{TOP}/target")


def program():
    names = [os.environ.get("COMITY")] + [f"{TARGET}/{kind}/comity" for kind in ("release", "debug")]
    return next(os.path.abspath(name) for name in names if name and os.path.exists(name))


def table(numbers):
    row = '{0},"MIRAGE, Number {0}","individual","ZENDA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 1950; Passport X{0:07} (Ruritania)."\r\n'
    return "".join(row.format(number) for number in numbers)


def until(what, is_so, patience_secs=machine.PATIENCE_SECS):
    """Asks again and again until something is so, and gives it."""
    begun = time.monotonic()
    while time.monotonic() - begun < patience_secs:
        found = is_so()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"waited in vain until {what}")


def free_addresses(count):
    """Addresses that are free and stay so between two servings: below the ports that the system gives away."""
    found, port = [], 12_000 + os.getpid() % 400 * 20
    while len(found) < count:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)):
                found.append(f"127.0.0.1:{port}")
        port += 1
    return found


class Home:
    def __init__(self, folder):
        self.folder, self.program = folder, program()

    def init(self, agency, *more):
        machine.run(self.program, "init", self.folder, "--agency", agency, *more)

    def ask(self, *arguments):
        """The one JSON object that the program says, done or refused."""
        done = machine.run(self.program, *arguments, "--home", self.folder, "--json", check=False)
        assert done.returncode in (0, 1), f"{arguments}: exit {done.returncode}: {done.stderr}"
        said = json.loads(done.stdout)
        assert ("error" in said) == (done.returncode == 1), f"{arguments}: {said}"
        return said

    def done(self, *arguments):
        said = self.ask(*arguments)
        assert "error" not in said, f"{arguments}: {said}"
        return said

    def take(self, numbers, work):
        """Imports a list with these numbers, as it is said."""
        path = f"{work}/list.csv"
        with open(path, "w", encoding="utf-8") as file:
            file.write(table(numbers))
        return self.ask("import", "ofac", path, "--accept-removals")

    def finds(self, number):
        """Whether a number is found; for review alone, where a cut took the author's newest word and all is stale."""
        said = self.done("screen", "--id", f"passport:X{number:07}")
        assert said["answer"] in ("hits", "none", "stale"), f"{said}"
        return bool(said["hits"])

    @contextlib.contextmanager
    def served(self, log):
        """The node of the home, which ends with this script in any case; the child, to be killed."""
        with open(log, "a", encoding="utf-8") as said:
            child = subprocess.Popen(
                [self.program, "serve", "--home", self.folder, "--json", "--until-stdin-ends"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
            )
        line = child.stdout.readline()
        try:
            assert "peer_addr" in line, f"the node does not serve: {line}"
            yield child
        finally:
            child.terminate()
            child.wait(machine.PATIENCE_SECS)
            child.stdin.close()
            child.stdout.close()


def log_of(said, origin):
    """Size and root of a log in an answer to `status` or `log list`."""
    found = [log for log in said["logs"] if log["origin"] == origin]
    return (found[0]["size"], found[0]["root"]) if found else (0, None)
