#!/usr/bin/env python3
"""What stands in deploy/ beside the proxies (G9; those are proxies.py): Prometheus' configuration and rules, Grafana's
panels, the options that the unit and the containers give, the unit's sandbox."""

import json
import os
import re
import resource
import shlex
import subprocess
import sys
import tempfile

import syscalls
from cluster import Node, Postgres
from proxy import DEPLOY, container_options, node_options, text, unit_options
from shop import Shop
from support import Checks, Gateway, arguments, tool, verified_export

# As good as it is today; systemd's own scale, from 0 to 10.
EXPOSURE_MAX = 1.5
# Alerts on what should never happen: alert, metric, labels of the series.
FIRST_TIMES = [
    ("TollgateCommitsFail", "tollgate_commits_failed_total", {}),
    ("TollgateTenantUnavailable", "tollgate_refusals_total", {"reason": "tenant_unavailable"}),
    ("TollgateInternalErrors", "tollgate_requests_total", {"status": "500"}),
]


def promtool(*words, folder=DEPLOY):
    run = subprocess.run([tool("promtool"), *words], capture_output=True, text=True, timeout=60, cwd=folder)
    assert run.returncode == 0, (words, run.stdout, run.stderr)


def born_late(alert, series, labels, annotation):
    """A series that is not there until it counts its first: the alert fires all the same. Not where nothing happened,
    where it was there all the time, or where nobody watched before."""
    up = 'up{job="tollgate",instance="a"}'
    fired = {
        "exp_labels": {**labels, "alertname": alert, "instance": "a", "job": "tollgate"},
        "exp_annotations": {"summary": annotation},
    }

    def case(name, values, is_fired, watched="1x60"):
        return {
            "name": f"{alert}: {name}",
            "interval": "15s",
            "input_series": [{"series": up, "values": watched}, {"series": series, "values": values}],
            "alert_rule_test": [{"eval_time": "10m", "alertname": alert, "exp_alerts": [fired] if is_fired else []}],
        }

    return [
        case("born late", "_x36 1+0x20", True),
        case("there from the start", "0x36 1+0x20", True),
        case("nothing happened", "0x60", False),
        case("long ago", "3x60", False),
        case("watched since a moment ago", "_x38 3+0x20", False, "_x38 1x20"),
    ]


def rules(checks):
    with checks("G9 promtool finds Prometheus' configuration and rules sound"):
        promtool("check", "config", "prometheus.yml")
        promtool("check", "rules", "prometheus-rules.yml")

    with checks("G9 G7 what must never happen wakes somebody the first time, although its series is born with it"):
        cases = []
        for alert, metric, named in FIRST_TIMES:
            body = re.search(
                rf"- alert: {alert}\n(.*?)(?=\n      - alert|\Z)", text("prometheus-rules.yml"), re.S
            ).group(1)
            labels = {**named, "severity": re.search(r"severity: (\w+)", body).group(1)}
            pairs = "".join(f',{name}="{value}"' for name, value in named.items())
            cases += born_late(
                alert,
                f'{metric}{{job="tollgate",instance="a"{pairs}}}',
                labels,
                re.search(r"summary: (.*)", body).group(1),
            )
        try_rules(cases)

    with checks("G9 G7 webhooks that wait for the node wake somebody, those of receivers that fail do not; a disabled endpoint does"):
        try_rules([late("proven", True), late("unproven", True), late("failing", False), disabled(), given_up()])

    with checks("G9 G7 work that is late, a scheduler that stands and a clock that is not believed wake somebody"):
        try_rules(scheduled())


def try_rules(cases):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tests.yml")
        with open(path, "w", encoding="utf-8") as file:
            # JSON is YAML.
            json.dump(
                {
                    "rule_files": [os.path.join(DEPLOY, "prometheus-rules.yml")],
                    "evaluation_interval": "15s",
                    "tests": cases,
                },
                file,
            )
        promtool("test", "rules", path)


def late(standing, wakes):
    """The oldest delivery of such an endpoint has waited for ten minutes and more."""
    labels = {"severity": "ticket", "instance": "a"}
    summary = "Webhooks for endpoints that answer have been due for more than five minutes"
    return {
        "interval": "1m",
        "input_series": [
            {
                "series": f'tollgate_delivery_oldest_seconds{{job="tollgate",instance="a",standing="{standing}"}}',
                "values": "0 60+60x20",
            }
        ],
        "alert_rule_test": [
            {
                "eval_time": "18m",
                "alertname": "TollgateWebhooksAreLate",
                "exp_alerts": [{"exp_labels": labels, "exp_annotations": {"summary": summary}}] if wakes else [],
            }
        ],
    }


def scheduled():
    """What /metrics says of the scheduler, from minute 1 on, and who is woken at minute 18."""
    def case(alert, series, labels, summary, is_woken=True):
        fired = [{"exp_labels": {"instance": "a", **labels}, "exp_annotations": {"summary": summary}}]
        return {
            "interval": "1m", "input_series": [{"series": series, "values": "0 400+60x20"}],
            "alert_rule_test": [
                {"eval_time": "0m", "alertname": alert, "exp_alerts": []},
                {"eval_time": "18m", "alertname": alert, "exp_alerts": fired if is_woken else []}]}

    job = {"job": "tollgate", "severity": "page"}
    place = 'job="tollgate",instance="a"'
    late_work = "Work has been due for more than five minutes (renewal)"
    return [
        case("TollgateWorkIsLate", f'tollgate_due_oldest_seconds{{{place},kind="renewal"}}',
             {"kind": "renewal", "severity": "ticket"}, late_work),
        case("TollgateWorkIsLate", f'tollgate_due_oldest_seconds{{{place},kind="delivery"}}', {}, "", False),
        case("TollgateSchedulerStandsStill", f"tollgate_scheduler_stalled{{{place}}}", job,
             "Work is due and nobody does it; restart the node"),
        case("TollgateChargingIsPaused", f"tollgate_charging_paused{{{place}}}", job,
             "The node's clock leapt ahead; nothing is charged until it is back, or until “tollgate clock accept”"),
    ]


def disabled():
    """One was, five minutes after the gateway was started."""
    labels = {"severity": "ticket", "instance": "a", "job": "tollgate", "reason": "gone"}
    summary = "A webhook endpoint was disabled (gone); its deliveries are held until it is enabled"
    return {
        "interval": "1m",
        "input_series": [
            {
                "series": 'tollgate_webhook_endpoints_disabled_total{job="tollgate",instance="a",reason="gone"}',
                "values": "0x5 1x20",
            }
        ],
        "alert_rule_test": [
            {
                "eval_time": "7m",
                "alertname": "TollgateWebhookEndpointDisabled",
                "exp_alerts": [{"exp_labels": labels, "exp_annotations": {"summary": summary}}],
            },
            {"eval_time": "4m", "alertname": "TollgateWebhookEndpointDisabled", "exp_alerts": []},
        ],
    }


def given_up():
    """Two are, in minute 5; they lie there from then on. Those of a tenant that moves in minute 80, and is counted
    anew three minutes later, wake nobody, then or an hour later."""
    labels = {"severity": "ticket", "job": "tollgate", "state": "dead"}
    summary = "Webhooks were given up within the last hour; “tollgate deliveries list --state dead” names them"
    series = 'tollgate_deliveries{job="tollgate",instance="%s",state="dead"}'
    fired = [{"exp_labels": labels, "exp_annotations": {"summary": summary}}]
    return {
        "interval": "1m", "input_series": [
            {"series": series % "a", "values": "3x4 5x74 1x80"}, {"series": series % "b", "values": "0x82 4x77"}],
        "alert_rule_test": [
            {"eval_time": minute, "alertname": "TollgateDeliveriesAreDead", "exp_alerts": alerts}
            for minute, alerts in (("4m", []), ("7m", fired), ("78m", []), ("81m", []), ("90m", []), ("142m", []))]}


def panels(checks, options):
    with tempfile.TemporaryDirectory() as archive:
        given = ("--commits", "log", "--archive", archive)
        with Gateway(options.tollgate, *given, demo=False) as gateway:
            known = set(gateway.metrics().types)
    with Postgres() as postgres, Node(options.tollgate, "a", postgres.url) as node:
        known |= set(node.metrics().types)
    for name in ("prometheus-rules.yml", "grafana.json"):
        with checks(f"G9 G7 {name} speaks of metrics that a gateway has"):
            spoken = set(re.findall(r"\b((?:tollgate|process)_[a-z_]+)\b", text(name)))
            spoken = {
                re.sub("_(bucket|sum|count)$", "", metric) if metric not in known else metric for metric in spoken
            }
            assert len(spoken) > 10 and spoken <= known, sorted(spoken - known)


def unit(checks, options):
    with checks("G9 the unit, the container file and Kubernetes' give options that serve knows"):
        for given in (unit_options(), *container_options()):
            with Gateway(options.tollgate, *given, demo=False) as gateway:
                assert gateway.get("/readyz").status == 200, given
    with checks("G9 N1 the unit and the pods of a cluster's nodes give options that serve knows"):
        for number, given in enumerate(node_options()):
            with Postgres() as postgres:
                name = f"node-{number}"
                with Gateway(
                        options.tollgate, *given, "--cluster", postgres.url, "--node", name, "--advertise",
                        "127.0.0.1:8080", "--durability", "single", demo=False) as gateway:
                    assert gateway.get("/readyz").status == 200, given
    with checks("G9 N1 the image that a cluster's pods run, and the package, name the library that --cluster loads"):
        assert re.search(r"^ +image: .*tollgate", text("cluster/kubernetes.yaml"), re.M)
        assert "libpq5" in text("Containerfile").rsplit("\nFROM ", 1)[1].split()
        assert re.search(r"^Suggests:.*\blibpq5\b", text("package/control"), re.M)
    with checks("G9 the unit's sandbox is as tight as it was"):
        try:
            analyze = tool("systemd-analyze")
        except AssertionError as missing:
            print(f"# {missing}", flush=True)
            return
        run = subprocess.run(
            [analyze, "security", "--offline=true", "--no-pager", os.path.join(DEPLOY, "tollgate.service")],
            capture_output=True,
            text=True,
            timeout=60,
        )
        level = re.search(r"exposure level for tollgate.service: ([0-9.]+)", run.stdout)
        assert level and float(level.group(1)) <= EXPOSURE_MAX, (run.stdout[-500:], run.stderr)
        print(f"# systemd-analyze security: {level.group(1)} of 10", flush=True)


def filtered(service, folder):
    """The words before a program that may make the unit's system calls alone."""
    group = re.search(r"^SystemCallFilter=(@\S+)$", service, re.M)[1]
    allowed = os.path.join(folder, "allowed")
    with open(allowed, "w", encoding="utf-8") as file:
        file.write("\n".join(sorted(syscalls.members(tool("systemd-analyze"), group))))
    return shlex.join([sys.executable, syscalls.__file__, allowed])


def confined(checks, options):
    with checks("G9 P5 by the unit's limits, system calls and privileges a process of its own examines each file"):
        service = text("tollgate.service")
        assert "NoNewPrivileges=yes" in service.splitlines()
        files = int(re.search(r"^LimitNOFILE=(\d+)$", service, re.M)[1])
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        files = files if most == resource.RLIM_INFINITY else min(files, most)
        with tempfile.TemporaryDirectory() as folder:
            # It becomes the program, which starts itself again for the examination.
            program = os.path.join(folder, "tollgate")
            with open(program, "w", encoding="utf-8") as file:
                file.write(
                    "#!/bin/sh\n"
                    f"exec {tool('setpriv')} --no-new-privs {tool('prlimit')} --nofile={files} "
                    f"{filtered(service, folder)} {shlex.quote(os.path.abspath(options.tollgate))} \"$@\"\n")
            os.chmod(program, 0o755)
            with Gateway(program, demo=False) as gateway:
                shop = Shop(gateway)
                shop.reseller(balance="10.00")
                restored = gateway.post(
                    f"/provider/v1/tenants/{shop.slug}/restore", verified_export(gateway, shop.slug),
                    key=gateway.provider_key)
                assert restored.status < 300, restored
                with open(f"/proc/{gateway.process.pid}/status", encoding="utf-8") as status:
                    lines = status.readlines()
                assert "NoNewPrivs:\t1\n" in lines and "Seccomp:\t2\n" in lines, lines


def main():
    options = arguments()
    checks = Checks()
    rules(checks)
    panels(checks, options)
    unit(checks, options)
    confined(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
