#!/usr/bin/env python3
"""G1 P5 Files that hold secrets are their owner's alone, or nothing starts; and a private key stands in no text."""

import os
import re
import shutil
import subprocess
import tempfile

from results import one_line, serve
from support import Checks, Gateway, arguments, command


def private_files(checks, tollgate, folder):
    def refused(path, mode, mended):
        before = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode)
        try:
            result = serve(tollgate, folder, stdout=subprocess.PIPE)
            remedy = f"chmod {mended} {path}"
            one_line(result, path, remedy)
            assert result.stdout == "", result.stdout
            subprocess.run(remedy.split(), check=True)
            assert os.stat(path).st_mode & 0o077 == 0
        finally:
            os.chmod(path, before)

    with checks("G1 P5 a data folder, or a file in it, that others may use is refused, with what mends it"):
        with Gateway(tollgate, data=folder, demo=False) as gateway:
            made = gateway.command("tenant", "create", "held", "--blueprint", "hosting", "--owner-email", "o@h.example")
            assert made.returncode == 0, made
            socket = os.path.join(folder, "control.sock")
            assert os.stat(socket).st_mode & 0o077 == 0
            assert gateway.stop() == 0
        for mode in (0o777, 0o755, 0o750, 0o701, 0o710):
            refused(folder, mode, 700)
        found = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
        assert any(path.endswith("master.key") for path in found) and any("/tenants/" in path for path in found)
        for path in found:
            refused(path, 0o644, 600)
        for mode in (0o640, 0o604, 0o620, 0o666):
            refused(os.path.join(folder, "master.key"), mode, 600)
        refused(os.path.join(folder, "tenants"), 0o755, 700)
        demo = os.path.join(folder, "demo.json")
        with open(demo, "w", encoding="utf-8") as file:
            file.write("{}")
        os.chmod(demo, 0o600)
        refused(demo, 0o644, 600)
        with Gateway(tollgate, data=folder, demo=False) as gateway:
            assert gateway.get("/readyz").status == 200


def private_keys(checks, tollgate, folder):
    with checks("G1 a TLS key that others may read is refused, at the start and where it is sent for a domain"):
        away = tempfile.mkdtemp(prefix="tollgate-")
        certificate, key = os.path.join(away, "tls-cert.pem"), os.path.join(away, "tls-key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
             "/CN=test", "-addext", "subjectAltName=DNS:own.there.example", "-days", "2", "-keyout", key, "-out",
             certificate], check=True, capture_output=True)
        try:
            os.chmod(key, 0o644)
            result = command(tollgate, "serve", "--port", "0", "--data", folder, "--tls-cert", certificate,
                "--tls-key", key)
            one_line(result, key, f"chmod 600 {key}")
            with Gateway(tollgate, data=folder, demo=False) as gateway:
                sent = gateway.command("tenant", "change", "held", "--domain", f"own.there.example,{certificate},{key}")
                one_line(sent, f"chmod 600 {key}")
                os.chmod(key, 0o600)
                sent = gateway.command("tenant", "change", "held", "--domain", f"own.there.example,{certificate},{key}")
                assert sent.returncode == 0, sent.stderr
                with open(certificate, encoding="utf-8") as file, open(key, encoding="utf-8") as secret:
                    pasted(checks, gateway, file.read(), secret.read())
        finally:
            shutil.rmtree(away)


def pasted(checks, gateway, certificate, key):
    """A private key in a field that is shown, or in any text: refused, and neither kept nor said again."""
    provider = gateway.command("provider-key", "rotate", "--json")
    provider = re.search(r"tgp_live_\w+", provider.stdout).group(0)
    for text in (key, key + certificate, certificate + key, certificate + "\n" + key.lower(),
                 certificate.replace("CERTIFICATE", "RSA PRIVATE KEY")):
        answer = gateway.patch("/provider/v1/tenants/held", {
            "domains": [{"host": "own.there.example", "certificate": text, "private_key": key}]}, key=provider)
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/domains/0/certificate", answer
        assert key.splitlines()[1] not in answer.body.decode()
    # What is wrong with a private key is said of it, and what would do.
    locked = subprocess.run(
        ["openssl", "pkey", "-aes256", "-passout", "pass:four words"], input=key, capture_output=True, text=True,
        check=True)
    for text, words in ((locked.stdout, "without a passphrase"), (certificate, "no private key")):
        answer = gateway.patch("/provider/v1/tenants/held", {
            "domains": [{"host": "own.there.example", "certificate": certificate, "private_key": text}]}, key=provider)
        assert answer.status == 422, answer
        [error] = answer.json["errors"]
        assert error["pointer"] == "/domains/0/private_key" and words in error["detail"], answer
    owner = gateway.post("/provider/v1/tenants/held/owner-key", key=provider).json
    owner = owner.get("owner_key") or owner["key"]
    line = key.replace("\n", " ").strip()
    for method, path, body, field in (
            ("POST", "/resellers", {"email": "a@there.example", "name": line[:200]}, "name"),
            ("PATCH", "/settings", {"name": line[:100]}, "name"),
            ("POST", "/products", {"sku": "a", "name": line[:200], "fulfilment": "instant"}, "name"),
            ("POST", "/api-keys", {"owner_email": "o@h.example", "name": line[-100:]}, "name")):
        answer = gateway.request(method, f"/t/held/api/admin{path}", body, key=owner)
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == f"/{field}", (path, answer)
        assert line[40:80] not in answer.body.decode()


def main():
    options = arguments()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        private_files(checks, options.tollgate, folder)
        private_keys(checks, options.tollgate, folder)
    checks.finish()


if __name__ == "__main__":
    main()
