"""A real slapd of a test's own: a folder, a socket, free ports, TLS by a certificate made for it."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import ldap
import ldap.modlist

from croft.machine import authority

BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
DISABLED = f"cn=disabled,ou=ppolicies,{BASE}"
ROOT = f"cn=root,{BASE}"
READER = f"cn=reader,{BASE}"
PASSWORD = "the directory's own"
FILTER = "(&(objectClass=inetOrgPerson)(!(employeeType=disabled)))"
_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
sizelimit 500
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database mdb
directory {folder}/data
suffix "{base}"
rootdn "{root}"
rootpw "{password}"
index objectClass,uid,cn,member eq
limits dn.exact="{reader}" size.soft=1000 size.hard=unlimited size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by * none
"""


@dataclass
class Slapd:
    folder: Path
    port: int
    tls_port: int
    ca: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def ldapi(self) -> str:
        return f"ldapi://{quote(str(self.folder / 'socket'), safe='')}"

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def ldaps(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def start(self) -> None:
        urls = f"{self.ldapi} {self.url} {self.ldaps} ldaps://127.0.0.2:{self.tls_port}"
        argv = ["/usr/sbin/slapd", "-d", "0", "-f", self.folder / "slapd.conf", "-h", urls]
        self.process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.process.poll() is None, "slapd ended"
            assert time.monotonic() < deadline, "slapd does not come up"
            time.sleep(0.02)

    def _answers(self) -> bool:
        conn = ldap.initialize(self.ldapi)
        try:
            conn.simple_bind_s(ROOT, PASSWORD)
        except ldap.SERVER_DOWN:
            return False
        finally:
            conn.unbind_ext()
        return True

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    @contextmanager
    def writing(self) -> Iterator[ldap.ldapobject.SimpleLDAPObject]:
        conn = ldap.initialize(self.ldapi)
        conn.simple_bind_s(ROOT, PASSWORD)
        try:
            yield conn
        finally:
            conn.unbind_ext()

    def add(self, place: str, **values: str | list[str]) -> None:
        each = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
        with self.writing() as conn:
            conn.add_s(place, ldap.modlist.addModlist({name: [v.encode() for v in vs] for name, vs in each.items()}))

    def put(self, key: str, password: str, name: str = "", email: str = "") -> None:
        self.lose(key)
        words = {"objectClass": "inetOrgPerson", "uid": key, "cn": name or key, "sn": name or key}
        words |= {"mail": email} if email else {}
        self.add(f"uid={ldap.dn.escape_dn_chars(key)},{PEOPLE}", userPassword=hashed(password), **words)

    def rename(self, key: str, name: str) -> None:
        with self.writing() as conn:
            conn.modify_s(f"uid={key},{PEOPLE}", [(ldap.MOD_REPLACE, "cn", [name.encode()])])

    def disable(self, key: str) -> None:
        with self.writing() as conn:
            conn.modify_s(f"uid={key},{PEOPLE}", [(ldap.MOD_REPLACE, "employeeType", [b"disabled"])])

    def lose(self, key: str) -> None:
        with self.writing() as conn:
            try:
                conn.delete_s(f"uid={ldap.dn.escape_dn_chars(key)},{PEOPLE}")
            except ldap.NO_SUCH_OBJECT:
                return

    def join(self, group: str, *keys: str) -> None:
        place = f"cn={group},{GROUPS}"
        with self.writing() as conn, suppress(ldap.NO_SUCH_OBJECT):
            conn.delete_s(place)
        members = [ROOT, *(f"uid={key},{PEOPLE}" for key in keys)]
        self.add(place, objectClass="groupOfNames", cn=group, member=members)


def hashed(password: str) -> str:
    salt = os.urandom(8)
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def slapd() -> Iterator[Slapd]:
    """With two trees, nobody in them, and a reader who may see all but passwords."""
    folder = Path(tempfile.mkdtemp(prefix="croft-ldap-"))
    server = None
    try:
        (folder / "data").mkdir()
        ca, certificate, key = authority.ensure(folder / "tls", ["127.0.0.1"])
        server = Slapd(folder, free_port(), free_port(), ca)
        words = {"ca": ca, "certificate": certificate, "key": key, "folder": folder, "base": BASE, "root": ROOT}
        (folder / "slapd.conf").write_text(_CONFIG.format(**words, password=PASSWORD, reader=READER))
        server.start()
        server.add(BASE, objectClass=["dcObject", "organization"], dc="example", o="example")
        for place in (PEOPLE, GROUPS):
            server.add(place, objectClass="organizationalUnit", ou=place.split(",")[0].split("=")[1])
        reader = {"objectClass": ["organizationalRole", "simpleSecurityObject"], "cn": "reader"}
        server.add(READER, userPassword=hashed(PASSWORD), **reader)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
