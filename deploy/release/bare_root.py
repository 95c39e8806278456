#!/usr/bin/env python3
"""Starts each released program in a root file system that holds nothing but it, the libraries it names, and /proc.

usage: bare_root.py DIST VERSION-PLATFORM

Prints the time from the agent's start to its first sample, which must be within a second. Needs the right to chroot:
root, or user namespaces.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

FIRST_SAMPLE_MAX = 1.0
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def unpack(dist, name, root):
    subprocess.run(["tar", "-C", root / "opt", "--strip-components=1", "-xzf", dist / f"{name}.tar.gz"], check=True)


def libraries(program):
    """Paths of the shared libraries that a program is linked to, the loader included."""
    for line in subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout.splitlines():
        for word in line.split():
            if word.startswith("/"):
                yield pathlib.Path(word)
                break


def bare_root(dist, version, folder):
    root = pathlib.Path(folder)
    for name in ("opt", "tmp", "etc", "proc"):
        (root / name).mkdir()
    total = 0
    for program in ("tocsin", "tocsin-agent", "tocsin-coordinator"):
        unpack(dist, f"{program}-{version}", root)
        for library in libraries(root / "opt" / program):
            target = root / library.relative_to("/")
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(library, target)
                total += target.stat().st_size
    print(f"shared libraries of all three: {total / 2**20:.1f} MiB")
    return root


def chroot(root, *command):
    # Swift reads a program's arguments from /proc, which every container has. The programs replace the shell, so that
    # signals reach them.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = 'mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"'
    return [shutil.which("unshare"), *user, "--mount", "/bin/sh", "-c", script, str(root), *command]


def run(root, *command):
    result = subprocess.run(chroot(root, *command), capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return result.stdout.strip()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def figures(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=1) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return {}
    return {line.split()[0]: float(line.split()[1]) for line in lines if line and not line.startswith("#")}


def wait_for(condition, seconds, process, what):
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            sys.exit(f"{what}: the program ended with {process.returncode}")
        if time.monotonic() > end:
            sys.exit(f"{what}: not within {seconds} s")
        time.sleep(0.005)


def configure(root, coordinator, page, agent):
    etc = root / "etc"
    (etc / "coordinator.yaml").write_text(
        f"""kind: coordinator
listen: 127.0.0.1:{coordinator}
tls: {{certificateFile: /tmp/tls/coordinator.crt, keyFile: /tmp/tls/coordinator.key, trustRootsFile: /tmp/tls/ca.crt}}
dataDirectory: /tmp/coordinator
http: {{listen: "127.0.0.1:{page}"}}
thresholdsFile: /opt/thresholds.yaml
"""
    )
    (etc / "agent.yaml").write_text(
        f"""kind: agent
cluster: bare
node: one
coordinator: {{endpoint: "127.0.0.1:{coordinator}"}}
tls: {{certificateFile: /tmp/tls/agent-one.crt, keyFile: /tmp/tls/agent-one.key, trustRootsFile: /tmp/tls/ca.crt}}
dataDirectory: /tmp/agent
interval: 1s
http: {{listen: "127.0.0.1:{agent}"}}
host: {{enabled: false}}
checks: [{{name: coordinator, url: "http://127.0.0.1:{page}/healthz"}}]
"""
    )


def start(root, *command):
    return subprocess.Popen(chroot(root, *command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def main():
    dist, version = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    with tempfile.TemporaryDirectory(prefix="tocsin-bare-") as folder:
        root = bare_root(dist, version, folder)
        for program in ("tocsin", "tocsin-agent", "tocsin-coordinator"):
            print(f"{program} --version: {run(root, f'/opt/{program}', '--version')}")
        run(root, "/opt/tocsin", "tls", "init", "/tmp/tls", "--cluster", "bare", "--node", "one",
            "--host", "127.0.0.1", "--user", "oncall")
        coordinator, page, agent = free_port(), free_port(), free_port()
        configure(root, coordinator, page, agent)
        run(root, "/opt/tocsin", "config", "check", "/etc/coordinator.yaml", "/etc/agent.yaml", "/opt/thresholds.yaml")
        run(root, "/opt/tocsin-agent", "--config", "/etc/agent.yaml", "--dry-run")
        run(root, "/opt/tocsin-coordinator", "--config", "/etc/coordinator.yaml", "--dry-run")
        running = []
        try:
            running.append(start(root, "/opt/tocsin-coordinator", "--config", "/etc/coordinator.yaml"))
            wait_for(lambda: figures(page), 30, running[-1], "the coordinator's page")
            begun = time.monotonic()
            running.append(start(root, "/opt/tocsin-agent", "--config", "/etc/agent.yaml"))
            wait_for(lambda: figures(agent).get("tocsin_agent_samples_total", 0) > 0, 30, running[-1], "a first sample")
            first = time.monotonic() - begun
            wait_for(lambda: figures(page).get("tocsin_coordinator_samples_stored_total", 0) > 0, 30, running[-1],
                     "a stored sample")
            stored = time.monotonic() - begun
            print(f"agent: first sample after {first:.2f} s, stored by the coordinator after {stored:.2f} s")
            run(root, "/opt/tocsin-coordinator", "backup", "/tmp/copy", "--config", "/etc/coordinator.yaml")
        finally:
            codes = [stop(process) for process in reversed(running)]
        if any(codes):
            sys.exit(f"the programs ended with {codes}")
        if first > FIRST_SAMPLE_MAX:
            sys.exit(f"the first sample came after {first:.2f} s, more than {FIRST_SAMPLE_MAX} s")


if __name__ == "__main__":
    main()
