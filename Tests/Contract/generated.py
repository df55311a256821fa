#!/usr/bin/env python3
"""X7 Clients that others' generators make of the descriptions work: openapi-python-client takes each without a warning,
and what it makes places a signed order and makes a call of every API. `--long`: openapi-generator's do as well."""

import compileall
import glob
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

from examplebook import Stage
from examples import APIS
from schema import blueprints
from support import Checks, Gateway, arguments, python_of_tests, signature_headers

# It knows files by one type alone, and would look for ruff in PATH to format what it has written.
CONFIGURATION = {"post_hooks": [], "content_type_overrides": {name: "application/octet-stream" for name in (
    "text/csv", "application/jsonl", "image/png", "image/webp", "application/vnd.sqlite3",
    "application/vnd.tollgate.tenant", "application/vnd.tollgate.backup")}}
# A call that needs nothing but a credential, and a member of its answer.
CALLS = {"activation_codes": ("get_me", "stats"), "credit_reports": ("get_account", "name"),
         "licence_keys": ("get_fetchlicense", "license_"), "proxy_ports": ("get_reseller_balance", "balance"),
         "operator_admin": ("get_account", "email"), "provider": ("get_tenants", "data")}
ORDER = {"product": "vps-s", "term": "monthly", "quantity": 1, "customer": {"external_id": "c-1"}}
# Of events openapi-generator 7.26 writes methods whose parameters have no type: no Python.
NO_PYTHON = "/events_api.py"
# It makes samples up for its own pages, and not of every pattern that JSON Schema takes.
PATTERN = "ERROR_TO_EXAMPLE_VALUE"


class Scene:
    def __init__(self, gateway):
        self.gateway = gateway
        self.stage = stage = Stage(gateway, "generated", "gen")
        stage.product("vps-s", "VPS S")
        stage.product("lifetime", "Lifetime licence")
        self.shop = shop = stage.reseller("Ada", "Ada's Shop Ltd")
        stage.admin("PUT", f"/resellers/{shop['id']}/products/vps-s", {"wholesale_monthly": "4.00"})
        stage.admin("POST", "/licences", {"licences": [
            {"reseller": shop["id"], "product": "lifetime", "key": f"ps-{number}", "expiration": "2099-01-01T00:00:00Z"}
            for number in range(3)]})
        self.orders = 0

    def base(self, name):
        return (APIS[name] if name == "provider" else self.stage.base + APIS[name])

    def document(self, name):
        answer = self.gateway.get(self.base(name) + "/openapi.json")
        assert answer.status == 200, answer
        return answer.body

    def credential(self, name):
        """As headers, or as a query's parameters."""
        if name == "licence_keys":
            return {}, {"api_token": self.shop["key"]}
        if name == "activation_codes":
            return {"x-api-key": self.shop["key"]}, {}
        if name == "proxy_ports":
            return {"X-API-Key": self.shop["key"]}, {}
        key = {"operator_admin": self.stage.owner_key, "provider": self.gateway.provider_key}.get(name,
            self.shop["key"])
        return {"Authorization": f"Bearer {key}"}, {}

    def signed(self, body):
        """The headers of an order, as these clients name them."""
        self.orders += 1
        headers = signature_headers(
            self.shop["webhook_secret"], "POST", self.base("wholesale_orders") + "/orders", f"order-{self.orders}",
                body)
        return {name.lower().replace("-", "_"): value for name, value in headers.items()}


def python_client(folder, scene, name):
    """openapi-python-client's, imported."""
    package = f"opc_{name}"
    for path, content in ((f"{name}.json", scene.document(name)),
        ("configuration.json", json.dumps(CONFIGURATION).encode())):
        with open(os.path.join(folder, path), "wb") as file:
            file.write(content)
    run = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--config", "configuration.json", "--meta", "none",
         "--path", f"{name}.json", "--output-path", package], cwd=folder, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0 and "arning" not in run.stdout + run.stderr, run.stdout + run.stderr
    assert compileall.compile_dir(os.path.join(folder, package), quiet=1)
    return package


def asked_by_python_client(folder, scene, name, package):
    tag = next(entry for entry in os.listdir(os.path.join(folder, package, "api")) if not entry.startswith("_"))
    headers, query = scene.credential(name)
    client = importlib.import_module(package).Client(
        base_url=scene.gateway.base_url + scene.base(name), headers=headers, httpx_args={"params": query})

    def call(operation, **arguments):
        module = importlib.import_module(f"{package}.api.{tag}.{operation}")
        return module.sync_detailed(client=client, **arguments)

    if name == "wholesale_orders":
        body = importlib.import_module(f"{package}.models").OrderRequest.from_dict(ORDER)
        sent = json.dumps(body.to_dict(), separators=(",", ":"), ensure_ascii=False).encode()
        placed = call("post_orders", body=body, **scene.signed(sent))
        assert placed.status_code == 201 and placed.parsed.order.id.startswith("ord_"), placed
        assert call("get_orders").parsed.data[0].id == placed.parsed.order.id
        return
    operation, member = CALLS[name]
    answer = call(operation)
    assert answer.status_code == 200 and getattr(answer.parsed, member, None), (answer.content, answer.parsed)


def generator_client(folder, scene, name):
    """openapi-generator's, imported."""
    import openapi_generator_cli

    jar = os.path.join(os.path.dirname(openapi_generator_cli.__file__), "openapi-generator.jar")
    package = f"og_{name}"
    with open(os.path.join(folder, f"{name}.json"), "wb") as file:
        file.write(scene.document(name))
    run = subprocess.run(
        ["java", "-jar", jar, "generate", "-g", "python", "-i", f"{name}.json", "-o", package + "_project",
         "--package-name", package, "--global-property", "apis,models,supportingFiles,modelTests=false,apiTests=false"],
        cwd=folder, capture_output=True, text=True, timeout=300)
    said = "\n".join(line for line in (run.stdout + run.stderr).splitlines() if PATTERN not in line)
    assert run.returncode == 0 and "COLLISION" not in said and " ERROR " not in said, said[-3000:]
    place = os.path.join(folder, package + "_project")
    sources = [path for path in glob.glob(place + "/**/*.py", recursive=True) if not path.endswith(NO_PYTHON)]
    assert sources and all(compileall.compile_file(path, quiet=1) for path in sources)
    sys.path.insert(0, place)
    return package


def asked_by_generator_client(folder, scene, name, package):
    module = importlib.import_module(package)
    headers, query = scene.credential(name)
    client = module.ApiClient(module.Configuration(host=scene.gateway.base_url + scene.base(name)))
    for key, value in headers.items():
        client.set_default_header(key, value)
    path = next(path for path in glob.glob(f"{folder}/{package}_project/{package}/api/*_api.py")
                if not path.endswith(NO_PYTHON))
    stem = os.path.basename(path)[:-len(".py")]
    api = getattr(module, "".join(word.capitalize() for word in stem.split("_")))(client)
    if query:
        client.configuration.api_key = query
    if name == "wholesale_orders":
        body = module.OrderRequest.from_dict(ORDER)
        sent = json.dumps(client.sanitize_for_serialization(body)).encode()
        placed = api.post_orders(order_request=body, **scene.signed(sent))
        assert placed.order.id.startswith("ord_"), placed
        return
    operation, member = CALLS[name]
    answer = getattr(api, operation)()
    assert getattr(answer, member.rstrip("_"), None), answer


def tried(checks, scene, kind, generate, ask):
    with tempfile.TemporaryDirectory(prefix="tollgate-generated-") as folder:
        sys.path.insert(0, folder)
        for name in sorted(APIS):
            with checks(f"X7 {kind} makes a client of {name}, and it works"):
                ask(folder, scene, name, generate(folder, scene, name))


def main():
    options = arguments()
    if importlib.util.find_spec("openapi_python_client") is None:
        python = python_of_tests()
        os.execv(python, [python, "-u", *sys.argv])
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="tollgate-generated-") as folder:
        made, _ = blueprints(folder)
        with Gateway(options.tollgate, blueprints=made, demo=False) as gateway:
            scene = Scene(gateway)
            tried(checks, scene, "openapi-python-client", python_client, asked_by_python_client)
            if options.long:
                tried(checks, scene, "openapi-generator", generator_client, asked_by_generator_client)
    checks.finish()


if __name__ == "__main__":
    main()
