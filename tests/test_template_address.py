"""`run.py template` where the template has an address: a bare repository, or one behind HTTPS."""

from __future__ import annotations

import functools
import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import owner
from .conftest import git
from .releases import NEXT, NOW, render_at, replace, tree
from .test_template_verb import BRANCH, edit, typed


@pytest.fixture(scope="module")
def bare(releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The releases as a server keeps them."""
    target = tmp_path_factory.mktemp("bare") / "copier-ml.git"
    git(releases, "clone", "--quiet", "--bare", str(releases), str(target))
    git(target, "repack", "-adq")  # each request is a handshake
    git(target, "update-server-info")
    return target


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server for files that keeps its requests to itself."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that nobody else trusts."""
    assert shutil.which("openssl"), "openssl is needed to make a certificate"
    made = tmp_path_factory.mktemp("tls") / "server.pem"
    call = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "rsa:2048"]
    call += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    call += ["-keyout", str(made), "-out", str(made) + ".crt"]
    subprocess.run(call, check=True, capture_output=True)
    return made


@pytest.fixture(params=["file", "https"])
def address(
    request: pytest.FixtureRequest, bare: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """What a project of this template records as its source."""
    if request.param == "file":
        yield f"git+file://{bare}"
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(certificate) + ".crt", certificate)
    handler = functools.partial(Quiet, directory=bare.parent)
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate) + ".crt")
        yield f"https://localhost:{server.server_port}/{bare.name}"
        server.shutdown()


def test_an_update_comes_from_an_address(releases: Path, tmp_path: Path, address: str) -> None:
    project = render_at(releases, NOW, tmp_path / "demo", {})
    replace(project / ".copier-answers.yml", str(releases), address)
    owner.adopt(project, edit)

    found = typed(project)
    done = typed(project, "update", "--no-tests")

    assert found.returncode == 2, found.stdout + found.stderr
    assert f"template: {NEXT} is out, this is {NOW}" in found.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    git(project, "merge", "--quiet", BRANCH)
    expected = render_at(releases, NEXT, tmp_path / "fresh" / "demo", {})
    replace(expected / ".copier-answers.yml", str(releases), address)
    edit(expected)
    assert tree(project) == tree(expected)


def test_an_address_that_does_not_answer_is_one_line(releases: Path, tmp_path: Path) -> None:
    project = render_at(releases, NOW, tmp_path / "demo", {})
    address = "https://me:secret@localhost:9/copier-ml.git"  # not a secret
    replace(project / ".copier-answers.yml", str(releases), address)

    done = typed(project)

    assert done.returncode == 1
    said = "template: https://localhost:9/copier-ml.git cannot be reached: fatal: unable to access"
    assert done.stdout.startswith(said)
    assert done.stdout.endswith("another address is written at _src_path in .copier-answers.yml\n")
    assert len(done.stdout.splitlines()) == 1
    assert "secret" not in done.stdout + done.stderr
