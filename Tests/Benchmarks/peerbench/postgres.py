"""A PostgreSQL of our own in a stage's folder, as TestKit starts one: 20 connections, a role that may look."""
import glob
import os
import pwd
import subprocess

from .processes import Refusal, free_port


def start(stage):
    """Makes and starts the server; returns its port. Role `tocsin` (password the same) has pg_monitor."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    if not folders:
        raise Refusal("not installed: postgresql\ninstall with: deploy/local/deps.sh peers")
    binaries, port, data = folders[-1], free_port(), stage.path("postgres")
    # The server refuses to be root's: then it is the package's user's, who must get to its folder.
    user = {}
    os.makedirs(data, mode=0o700)
    if os.geteuid() == 0:
        entry = pwd.getpwnam("postgres")
        os.chmod(stage.folder, 0o711)
        os.chown(data, entry.pw_uid, entry.pw_gid)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    subprocess.run(
        [f"{binaries}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"],
        check=True, stdout=subprocess.DEVNULL, cwd="/", **user)
    child = stage.start(
        [f"{binaries}/postgres", "-D", data, "-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c",
         "max_connections=20"], directory="/", user=user)
    child.wait_until(lambda: subprocess.run(
        [f"{binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode == 0)
    subprocess.run([f"{binaries}/psql", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c",
                    "CREATE ROLE tocsin LOGIN PASSWORD 'tocsin'; GRANT pg_monitor TO tocsin"], check=True)
    return port
