#!/usr/bin/env python3
"""The node's log (B1) on a disk that fails, under a live gateway: EIO on its syncs, kill -9, a log that is gone or cut,
the step back to files with WALs of their own, wrong files. The same promises as faults.py, with all tenants' commits in
one log; a page that is damaged in either."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess

from faults import FILES, LOG, PROVIDER, Trade, Trouble, can_inject, is_up, loudly, metric
from support import Checks, Gateway, arguments, wait_until


def main():
    options = arguments()
    checks = Checks()
    if can_inject():
        with Gateway(options.tollgate, *LOG, demo=False) as gateway:
            one_sync(checks, gateway)
            no_sync(checks, gateway)
    else:
        loudly("strace is missing or may not trace: EIO was NOT tested")
    with Gateway(options.tollgate, *LOG, demo=False) as gateway:
        one_log(checks, gateway)
        there_and_back(checks, gateway)
        without_log(checks, gateway, options)
        without_registry(checks, gateway, options)
    with Gateway(options.tollgate, *LOG, demo=False) as gateway:
        wrong_files(checks, gateway)
    for commits in (FILES, LOG):
        damaged_page(checks, options, commits)
    checks.finish()


def segments(gateway):
    folder = os.path.join(gateway.data, "log")
    return sorted(os.path.join(folder, name) for name in os.listdir(folder)) if os.path.isdir(folder) else []


def buy_until_back(trade, key=None):
    """The log comes back by itself; the answers until then say what is known."""
    answers = []

    def is_back():
        answers.append(trade.buy(key))
        return answers[-1].status == 201

    wait_until(is_back)
    return answers


def one_sync(checks, gateway):
    with checks("B1 G8 EIO on one sync of the log: whoever waited for it is told that it is unknown, and the node "
                "comes back by itself"):
        trades = [Trade(gateway) for _ in range(3)]
        for trade in trades:
            assert trade.buy().status == 201
        with Trouble(gateway, "fdatasync", when="1"):
            answer = trades[0].buy()
            assert answer.status == 503 and answer.json["code"] in ("outcome_unknown", "not_committed"), answer
            assert is_up(gateway)
        wait_until(lambda: metric(gateway, "tollgate_log_failures_total") == 1)
        # Until the log is back nobody is shown what may come back or not.
        wait_until(lambda: metric(gateway, "tollgate_log_failed") == 0)
        for trade in trades:
            assert trade.shop.get(trade.buyer, "/balance").status == 200
            buy_until_back(trade)
            trade.check()
        assert metric(gateway, "tollgate_log_failed") == 0
    with checks("B1 … asked again under the same key it is done, once; and so it is over kill -9"):
        again = trades[0].buy(answer.key)
        assert again.status == 201, again
        assert trades[0].buy(answer.key).headers["idempotency-hit"] == "true"
        for trade in trades:
            trade.check()
            trade.check_killed()


def no_sync(checks, gateway):
    for is_killed in (False, True):
        after = "it was killed meanwhile" if is_killed else "the disk is good again"
        with checks("B1 G8 EIO on every sync of the node: no write is told as done, whoever has nothing in doubt "
                    f"reads on; when {after}, exactly what was told"):
            wait_until(lambda: metric(gateway, "tollgate_log_failed") == 0)
            trades = [Trade(gateway) for _ in range(3)]
            quiet = Trade(gateway)
            for trade in (*trades, quiet):
                assert trade.buy().status == 201
            with Trouble(gateway, "fdatasync,fsync"):
                first = [trade.buy() for trade in trades]
                assert "outcome_unknown" in {answer.json["code"] for answer in first}, first
                for trade, answer in zip(trades, first):
                    assert trade.buy().status == 503
                    # Opened anew, with a sync; or not at all. Nobody is told that what is unknown is not there.
                    balance = trade.shop.get(trade.buyer, "/balance").status
                    if answer.json["code"] == "outcome_unknown":
                        again = trade.buy(answer.key)
                        assert again.status == 503 and again.json["code"] == "outcome_unknown", again
                        assert balance == 503, balance
                    else:
                        assert balance in (200, 503), balance
                assert quiet.shop.get(quiet.buyer, "/balance").status == 200
                assert metric(gateway, "tollgate_log_failed") == 1 and is_up(gateway)
                if is_killed:
                    gateway.kill()
            if is_killed:
                gateway.start()
            for trade, answer in zip(trades, first):
                buy_until_back(trade, answer.key)
                trade.check()
                trade.check_killed()


def one_log(checks, gateway):
    with checks("B1 no tenant has a WAL of its own: one log has the commits of all, and after kill -9 every file has "
                "them again"):
        trades = [Trade(gateway) for _ in range(5)]
        before = metric(gateway, "tollgate_log_bytes_total")
        for _ in range(5):
            for trade in trades:
                assert trade.buy().status == 201
        logged = metric(gateway, "tollgate_log_bytes_total") - before
        assert 25 * 500 < logged < 25 * 8_192, logged
        names = [name for _, _, names in os.walk(os.path.join(gateway.data, "tenants")) for name in names]
        assert names and all(name.endswith(".sqlite") for name in names), names
        assert metric(gateway, "tollgate_log_files_behind") >= len(trades)
        for trade in trades:
            trade.check_killed()


def there_and_back(checks, gateway):
    trade = Trade(gateway)
    with checks("B1 the step back: started with --commits files after kill -9, everything is in the files, and the "
                "log is gone"):
        assert trade.buy().status == 201 and segments(gateway)
        gateway.kill()
        gateway.arguments = list(FILES)
        gateway.start()
        assert not segments(gateway)
        assert trade.buy().status == 201
        assert os.path.getsize(trade.file + "-wal") > 0
        trade.check()
        trade.verify()
    with checks("B1 and forth: a WAL that a kill left goes into its file before the log has its next commit"):
        gateway.kill()
        gateway.arguments = list(LOG)
        gateway.start()
        trade.check()
        assert not os.path.exists(trade.file + "-wal")
        assert trade.buy().status == 201
        trade.check_killed()
    with checks("B1 stopped in order the files are whole by themselves: a gateway that finds no log serves them"):
        assert gateway.stop() == 0
        shutil.rmtree(os.path.join(gateway.data, "log"))
        gateway.start()
        trade.check()
        trade.verify()


def without_log(checks, gateway, options):
    trade = Trade(gateway)
    with checks("B1 a log that is gone while files need it: the gateway does not start, in neither way, and says why; "
                "put back, it serves"):
        assert trade.buy().status == 201
        gateway.kill()
        folder = os.path.join(gateway.data, "log")
        os.rename(folder, folder + ".away")
        for words in (LOG, FILES):
            ended = subprocess.run(
                [options.tollgate, "serve", "--port", "0", "--data", gateway.data, *words], capture_output=True,
                    text=True, timeout=60)
            assert ended.returncode == 1 and folder in ended.stderr and "no log" in ended.stderr, ended
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(folder + ".away", folder)
        gateway.start()
        trade.check()
        trade.verify()


def without_registry(checks, gateway, options):
    trade = Trade(gateway, slug="unlisted")
    with checks("B1 G8 a registry that is gone while tenants' files are there: the gateway does not start, in neither "
                "way, and says why; put back, everything acknowledged is there"):
        assert trade.buy().status == 201
        gateway.kill()
        path = os.path.join(gateway.data, "registry.sqlite")
        there = [path + suffix for suffix in ("", "-wal") if os.path.exists(path + suffix)]
        for name in there:
            os.rename(name, name + ".away")
        for words in (LOG, FILES):
            ended = subprocess.run(
                [options.tollgate, "serve", "--port", "0", "--data", gateway.data, *words], capture_output=True,
                text=True, timeout=60)
            assert ended.returncode == 1 and f"{path}: it is missing" in ended.stderr, ended
            assert not os.path.exists(path), words
        for name in there:
            os.rename(name + ".away", name)
        gateway.start()
        trade.check()
        trade.verify()


def wrong_files(checks, gateway):
    names = ["garbage", "truncated", "swapped", "exchanged", "wal", "well"]
    trades = {name: Trade(gateway, slug=name) for name in names}
    broken = names[:-1]
    for trade in trades.values():
        assert trade.buy().status == 201
    backup = gateway.get(f"{PROVIDER}/tenants/garbage/export", key=gateway.provider_key).body
    for trade in trades.values():
        assert trade.buy().status == 201
    gateway.kill()
    kept = {name: open(trades[name].file, "rb").read() for name in broken}
    with open(trades["garbage"].file, "wb") as file:
        file.write(random.randbytes(100_000))
    os.truncate(trades["truncated"].file, 40_960)
    for name, other in (("swapped", "exchanged"), ("exchanged", "swapped")):
        with open(trades[name].file, "wb") as file:
            file.write(kept[other])
    with open(trades["wal"].file + "-wal", "wb") as file:
        file.write(random.randbytes(50_000))
    os.chmod(trades["wal"].file + "-wal", 0o600)
    gateway.start()
    with checks("B1 G1 garbage, a cut file, two exchanged ones, a WAL of nobody: each of these tenants answers 503, "
                "the others go on"):
        for name in broken:
            trade = trades[name]
            for answer in (trade.shop.get(trade.buyer, "/balance"), trade.buy()):
                assert answer.status == 503 and answer.json["code"] == "tenant_unavailable", (name, answer)
            assert f"tenant {trade.shop.made['id']}: cannot be opened" in gateway.errors(), name
        trades["well"].check()
        assert trades["well"].buy().status == 201 and is_up(gateway)
    with checks("B1 P5 a damaged one is restored from its export, and stays so over kill -9: no record of before is "
                "played into it"):
        restored = gateway.post(f"{PROVIDER}/tenants/garbage/restore", backup, key=gateway.provider_key)
        assert restored.status == 200 and restored.json["incarnation"] == 2, restored
        trade = trades["garbage"]
        for key in list(trade.told)[1:]:
            trade.told.pop(key)
        trade.check()
        assert trade.buy().status == 201
        trade.check_killed()
    with checks("B1 G8 the right files put back, everything acknowledged is there"):
        gateway.kill()
        for name in broken[1:]:
            with open(trades[name].file, "wb") as file:
                file.write(kept[name])
        os.unlink(trades["wal"].file + "-wal")
        gateway.start()
        for trade in trades.values():
            trade.check()
            trade.verify()
            assert trade.buy().status == 201


def damaged_page(checks, options, commits):
    with checks(f"G8 a page is damaged, commits in the {commits[1]}: what meets it, a read too, is told that the "
                "tenant is unavailable, and not that it was not committed; all else is served"), \
            Gateway(options.tollgate, *commits, demo=False) as gateway:
        hurt, well = Trade(gateway, slug="hurt"), Trade(gateway, slug="well")
        for trade in (hurt, well):
            assert trade.buy().status == 201
        assert gateway.stop() == 0
        with open(hurt.file, "rb") as file:
            right = file.read()
        with contextlib.closing(sqlite3.connect(f"file:{hurt.file}?immutable=1", uri=True)) as connection:
            size, = connection.execute("PRAGMA page_size").fetchone()
            root, = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'orders'").fetchone()
        with open(hurt.file, "r+b") as file:
            file.seek((root - 1) * size)
            file.write(b"\x5a" * size)
        gateway.start()
        for answer in (hurt.shop.get(hurt.buyer, "/orders"), hurt.buy()):
            assert answer.status == 503 and answer.json["code"] == "tenant_unavailable", answer
        assert hurt.shop.balance(hurt.buyer) == hurt.funds - hurt.price
        assert well.buy().status == 201 and is_up(gateway)
        assert metric(gateway, "tollgate_unavailable_operations_total") >= 2
        assert "malformed" in gateway.errors() and hurt.shop.made["id"] in gateway.errors()
        gateway.stop()
        with open(hurt.file, "wb") as file:
            file.write(right)
        gateway.start()
        hurt.check()
        assert hurt.buy().status == 201
        hurt.verify()


if __name__ == "__main__":
    main()
