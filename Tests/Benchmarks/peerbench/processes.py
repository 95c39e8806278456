"""Server processes of a comparison: on free loopback ports, in a temporary folder, ended whatever happens."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGESIZE")
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class Refusal(Exception):
    """Why a run cannot be, with what to do about it."""


def require(programs):
    """Refuses when one of `programs` ({program: Debian package}) is not on the PATH; names the line that installs."""
    missing = sorted({package for program, package in programs.items() if shutil.which(program) is None})
    if missing:
        raise Refusal(
            f"not installed: {' '.join(missing)}\n"
            f"install with: deploy/local/deps.sh peers\n"
            f"          or: apt-get install -y --no-install-recommends {' '.join(missing)}")


def shared_library(name, package):
    """The C library `name`, or a refusal that names its Debian package."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        raise Refusal(
            f"not installed: {name}\ninstall with: deploy/local/deps.sh peers\n"
            f"          or: apt-get install -y --no-install-recommends {package}") from None


def free_port():
    """A TCP port of the loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _die_with_parent():
    """In the child before exec: SIGTERM when this process ends without having ended it (prctl(2))."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Child:
    """A process of ours; its output goes to a file in the stage's folder."""

    def __init__(self, arguments, log, directory=None, environment=None, user=None):
        self.name = os.path.basename(arguments[0])
        self.log = log
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=directory,
                env=dict(os.environ, **(environment or {})), start_new_session=True, preexec_fn=_die_with_parent,
                **(user or {}))

    @property
    def pid(self):
        return self.process.pid

    def tail(self, lines=12):
        """The last lines that it printed."""
        with open(self.log, errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def wait_until(self, condition, seconds=60):
        """Waits until `condition()` holds; a refusal with its last lines when it ends or time is up."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                raise Refusal(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise Refusal(f"{self.name} was not ready within {seconds} s:\n{self.tail()}")
            time.sleep(0.1)

    def wait_for_line(self, text, seconds=60):
        """Waits for a printed line that holds `text`, and returns it."""
        found = []

        def look():
            with open(self.log, errors="replace") as file:
                found[:] = [line for line in file if text in line][:1]
            return bool(found)

        self.wait_until(look, seconds)
        return found[0].rstrip("\n")

    def stop(self, seconds=20):
        """SIGTERM, and SIGKILL when that does not end it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Stage:
    """A temporary folder and the processes in it: `with Stage() as stage`. SIGINT and SIGTERM end the block too."""

    def __init__(self, prefix="tocsin-peers-"):
        self._prefix = prefix
        self._children = []

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix=self._prefix)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        return self

    def __exit__(self, *_):
        for child in reversed(self._children):
            child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        """Writes a file that only we read, and returns its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)
        return path

    def start(self, arguments, directory=None, environment=None, user=None):
        """Starts a process that ends with the stage; `user` is subprocess' user, group and extra_groups."""
        log = self.path(f"{len(self._children)}-{os.path.basename(arguments[0])}.log")
        child = Child(arguments, log, directory or self.folder, environment, user)
        self._children.append(child)
        return child

    def end(self, child):
        """Ends a process before the stage does."""
        child.stop()
        if child in self._children:
            self._children.remove(child)


def fetch(url, seconds=30, method="GET"):
    """Body of an answer with 2xx, as text; None without one."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=seconds) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def metric(page, name):
    """Sum of all series of `name` on a page of Prometheus text; None when there is none."""
    found = [line for line in (page or "").splitlines() if line.startswith((name + " ", name + "{"))]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found) if found else None


def cpu_seconds(pid):
    """User and system time of a process (proc(5), fields 14 and 15), in seconds."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid):
    """Resident memory of a process (statm's second field), in bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * _PAGE


def memory(pid):
    """Resident and anonymous memory from smaps_rollup, and the peak of the resident, all in bytes."""
    figures = {}
    for path in (f"/proc/{pid}/smaps_rollup", f"/proc/{pid}/status"):
        with open(path) as file:
            for line in file:
                words = line.split()
                if len(words) == 3 and words[2] == "kB":
                    figures[words[0]] = int(words[1]) * 1024
    return figures["Rss:"], figures["Anonymous:"], figures["VmHWM:"]


def disk_bytes(directory):
    """Blocks of all files below, each inode once, as `du` counts them."""
    seen, total = set(), 0
    for folder, folders, files in os.walk(directory):
        for name in files + folders:
            status = os.lstat(os.path.join(folder, name))
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def machine_is(state="now"):
    """One sentence about the load of the machine, which bounds what timings mean."""
    return f"load {state}: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
