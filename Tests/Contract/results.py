"""What a command came to: it did what it was to do, or it failed and said so in one line."""

import os
import subprocess

from support import ROOT

SECONDS_MAX = 60


def succeeds(result):
    assert result.returncode == 0, (result.args, result.returncode, result.stdout, result.stderr)
    return result


def fails(result, code, *words):
    """One line on standard error that has all the words."""
    assert result.returncode == code, (result.args, result.returncode, result.stdout, result.stderr)
    assert result.stderr.startswith("tollgate: ") and result.stderr.count("\n") == 1, (result.args, result.stderr)
    for word in words:
        assert word in result.stderr, (result.args, word, result.stderr)
    return result


def one_line(result, *words):
    return fails(result, 1, *words)


def serve(tollgate, data, **more):
    """A `serve` that ends by itself."""
    return subprocess.run(
        [tollgate, "serve", "--port", "0", "--data", data, "--blueprints", os.path.join(ROOT, "tenants")],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, **more)
