#!/usr/bin/env python3
"""G9 N6 The examples of deploy/ for Kubernetes, CloudNativePG, Patroni and systemd, as far as they can be judged without
any of them: they parse; what one part names, another has; ports, options, probes and times are those of the program.
That the options make a gateway which serves is deploy.py's."""

import json
import os
import re
import shlex
import subprocess
import tempfile

from proxy import text
from support import Checks, Gateway, arguments, command, python_of_tests, tool

SETS = ("kubernetes.yaml", "cluster/kubernetes.yaml")
UNITS = ("tollgate.service", "cluster/tollgate-node.service")
YAMLS = (*SETS, "cluster/patroni.yml", "prometheus.yml", "prometheus-rules.yml")
TO_JSON = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"
# Running requests are ended, then what they began: each takes `--drain-seconds` at most, as does a node's giving its
# tenants away before that (Gateway.stop). First /readyz says no for a second; in the end files are closed.
DRAINS, DRAINS_OF_NODE, NOTICE_SECONDS, CLOSING_SECONDS = 2, 3, 1, 10


def documents(name):
    read = subprocess.run(
        [python_of_tests(), "-c", TO_JSON], input=text(name), capture_output=True, text=True, timeout=600)
    assert read.returncode == 0, (name, read.stderr)
    return json.loads(read.stdout)


def fields(words):
    """--name=value as a table."""
    return dict(word.split("=", 1) for word in words if word.startswith("--"))


def host_port(name):
    host, _, port = name.rpartition(":")
    return host, int(port)


class StatefulSet:
    """The one of a file, with what stands beside it."""

    def __init__(self, name):
        self.name, self.text = name, text(name)
        self.all = documents(name)
        [self.set] = self.of("StatefulSet")
        self.spec = self.set["spec"]
        self.pod = self.spec["template"]["spec"]
        self.labels = self.spec["template"]["metadata"]["labels"]
        [self.container] = self.pod["containers"]
        self.ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        self.options = fields(self.container["args"])

    def of(self, kind):
        return [one for one in self.all if one["kind"] == kind]

    def selects(self, selector):
        return selector.items() <= self.labels.items()

    def secrets(self):
        """Secret → its keys, as the file's comments make them, and as CloudNativePG makes a database's."""
        made = re.findall(r"kubectl create secret generic (\S+) --from-file=(\S+)", self.text)
        return {
            **{name: {os.path.basename(path)} for name, path in made},
            **{f"{one['metadata']['name']}-app": {"uri", "username", "password"} for one in self.of("Cluster")}}


def names(checks, given):
    with checks(f"G9 {given.name}: services lead to the pods, by ports that these have and serve listens at"):
        assert given.selects(given.spec["selector"]["matchLabels"])
        services = {one["metadata"]["name"]: one["spec"] for one in given.of("Service")}
        for name, service in services.items():
            assert given.selects(service["selector"]), name
            assert all(port["targetPort"] in given.ports for port in service["ports"]), (name, service)
        governing = services[given.spec["serviceName"]]
        listens = {host_port(given.options["--listen"])[1], host_port(given.options["--admin-listen"])[1]}
        assert set(given.ports.values()) == listens, (given.ports, listens)
        assert given.ports["admin"] == host_port(given.options["--admin-listen"])[1]
        annotations = given.spec["template"]["metadata"]["annotations"]
        assert int(annotations["prometheus.io/port"]) == given.ports["admin"]
        for budget in given.of("PodDisruptionBudget"):
            assert given.selects(budget["spec"]["selector"]["matchLabels"])
        if "--advertise" in given.options:
            host, port = host_port(given.options["--advertise"])
            # Kubernetes gives each pod its own name below a service without an address, and to no other.
            assert host == f"$(NODE).{given.spec['serviceName']}" and governing["clusterIP"] == "None"
            assert port in [one["port"] for one in governing["ports"]] and governing["publishNotReadyAddresses"]


def places(checks, given):
    with checks(f"G9 {given.name}: volumes, secrets and variables that are named are there; the data are on a volume"):
        claims = {one["metadata"]["name"] for one in given.spec["volumeClaimTemplates"]}
        volumes = {one["name"]: one for one in given.pod["volumes"]}
        for container in (given.container, *given.pod.get("initContainers", [])):
            mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            assert mounted.keys() <= claims | volumes.keys(), mounted
            if container is given.container:
                assert given.options["--data"].startswith(mounted["data"] + "/") and "data" in claims, mounted
                # Nothing else can be written to.
                assert container["securityContext"]["readOnlyRootFilesystem"] and mounted["tmp"] == "/tmp"
            else:
                words = " ".join(container["args"])
                assert given.options["--data"] in words and mounted["key"] + "/master.key" in words, words
        secrets = given.secrets()
        for volume in volumes.values():
            if "secret" in volume:
                assert secrets[volume["secret"]["secretName"]] == {"master.key"}, volume
                # For the group that fsGroup names, as the pod is not root.
                assert volume["secret"]["defaultMode"] == 0o440 and given.pod["securityContext"]["fsGroup"]
        variables = {one["name"]: one for one in given.container.get("env", [])}
        for name in re.findall(r"\$\((\w+)\)", " ".join(given.container["args"])):
            assert name in variables, name
        for one in variables.values():
            named = one["valueFrom"].get("secretKeyRef")
            assert named is None or named["key"] in secrets[named["name"]], one
        user = re.search(r"useradd .*--uid (\d+)", text("Containerfile")).group(1)
        assert given.pod["securityContext"]["runAsUser"] == int(user)
    with checks(f"G9 {given.name}: each node of a database and of Tollgate is on a machine of its own"):
        if given.of("Cluster"):
            [database] = given.of("Cluster")
            assert database["spec"]["instances"] >= 3
            assert database["spec"]["affinity"]["podAntiAffinityType"] == "required"
            synchronous = database["spec"]["postgresql"]["synchronous"]
            assert synchronous["number"] >= 1 and synchronous["dataDurability"] == "required", synchronous
            assert database["spec"]["bootstrap"]["initdb"]["owner"] == "tollgate"
            rules = given.pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            assert all(given.selects(rule["labelSelector"]["matchLabels"]) for rule in rules)


def stop_seconds(tollgate, options):
    """How long serve takes to stop, at most, with these options."""
    stated = re.search(r"--drain-seconds N .*\((\d+)\)", command(tollgate, "serve", "--help").stdout).group(1)
    drains = DRAINS_OF_NODE if "--node" in options else DRAINS
    return NOTICE_SECONDS + drains * int(options.get("--drain-seconds", stated)) + CLOSING_SECONDS


def known_options(tollgate, *words):
    told = command(tollgate, *words, "--help")
    assert told.returncode == 0, (words, told)
    return set(re.findall(r"^  (--[\w-]+)", told.stdout, re.M))


def stop_script(given):
    words = given.container["lifecycle"]["preStop"]["exec"]["command"]
    return words[2] if words[0] == "sh" else " ".join(words)


def program(checks, options, gateway, given):
    with checks(f"G9 {given.name}: its options are serve's, its probes' paths are there"):
        assert given.options.keys() <= known_options(options.tollgate, "serve"), given.options
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if kind in given.container:
                probe = given.container[kind]["httpGet"]
                assert probe["port"] in given.ports and gateway.get(probe["path"]).status == 200, probe
        for part in stop_script(given).split(";"):
            called = shlex.split(re.sub(r"timeout \d+ ", "", part))
            if called[0] == "tollgate":
                assert "timeout " in part, "it may take as long as it likes"
                named = {word for word in called if word.startswith("--")}
                assert named <= known_options(options.tollgate, *called[1:3]), called
                assert called[called.index("--data") + 1] == given.options["--data"]
    with checks(f"G9 {given.name}: a pod has the time that its end takes"):
        script = stop_script(given)
        before = sum(int(seconds) for seconds in re.findall(r"(?:sleep|timeout) (\d+)", script))
        assert given.pod["terminationGracePeriodSeconds"] > before + stop_seconds(options.tollgate, given.options)


def unit(checks, options, name):
    lines = text(name)
    words = shlex.split(
        re.search(r"^ExecStart=((?:.*\\\n)*.*)$", lines, re.M).group(1).replace("\\\n", " "))
    given = dict(zip(words[2::2], words[3::2]))
    with checks(f"G9 {name}: its options are serve's, what it names is said how to make, and it has the time to end"):
        assert given.keys() <= known_options(options.tollgate, "serve"), given
        comments = "".join(line for line in lines.splitlines(True) if line.startswith("#"))
        for variable in re.findall(r"\$\{(\w+)\}", " ".join(words)):
            assert re.search(rf"^#   {variable}=", comments, re.M), variable
        for credential in re.findall(r"%d/(\w+)", " ".join(words)):
            path = re.search(rf"^LoadCredential={credential}:(\S+)$", lines, re.M).group(1)
            assert path in comments, path
        state = re.search(r"^StateDirectory=(\w+)$", lines, re.M).group(1)
        assert given["--data"] == f"/var/lib/{state}", given
        assert int(re.search(r"^TimeoutStopSec=(\d+)$", lines, re.M).group(1)) > stop_seconds(options.tollgate, given)
    with checks(f"G9 systemd finds nothing wrong with {name}"), tempfile.TemporaryDirectory() as folder:
        try:
            analyze = tool("systemd-analyze")
        except AssertionError as missing:
            print(f"# {missing}", flush=True)
            return
        path = os.path.join(folder, os.path.basename(name))
        with open(path, "w", encoding="utf-8") as file:
            # It wants the program to be there.
            file.write(lines.replace("/usr/local/bin/tollgate", options.tollgate))
        run = subprocess.run(
            [analyze, "verify", "--man=no", path], capture_output=True, text=True, timeout=60)
        assert run.returncode == 0 and os.path.basename(name) not in run.stderr, run.stderr


def parsed(checks):
    with checks("G9 the examples are YAML; Patroni's never lets a primary go on without a standby"):
        found = {name: documents(name) for name in YAMLS}
        [patroni] = found["cluster/patroni.yml"]
        dcs = patroni["bootstrap"]["dcs"]
        assert dcs["synchronous_mode"] == "quorum" and dcs["synchronous_mode_strict"] is True, dcs
        # Patroni's own rule, below which it does not start.
        assert dcs["ttl"] >= 20 and dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"], dcs
        given = dcs["postgresql"]["parameters"]
        assert {given[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {"on"}, given


def main():
    options, checks = arguments(), Checks()
    parsed(checks)
    with Gateway(options.tollgate, demo=False) as gateway:
        for name in SETS:
            given = StatefulSet(name)
            names(checks, given)
            places(checks, given)
            program(checks, options, gateway, given)
    for name in UNITS:
        unit(checks, options, name)
    checks.finish()


if __name__ == "__main__":
    main()
