#!/usr/bin/env python3
"""X7 Each body and answer in the description of an API has an example that a gateway gave. `--write` records them into
`Sources/CExamples/calls`, from where they are built into the program. Without it the examples that are served are sent,
in the order of `stories`, and must be answered as they say; ids, secrets and what is measured have stand-ins."""

from concurrent.futures import ThreadPoolExecutor
import importlib
import importlib.util
import json
import os
import sys
import tempfile

from examplebook import TIME, Stage, Story
from schema import BASES, blueprints
from support import Checks, Gateway, arguments, python_of_tests

APIS = {**BASES, "operator_admin": "/api/admin", "provider": "/provider/v1"}
SIDE_BY_SIDE = 2


def beginning(made, name, prefix):
    """The blueprint of every dialect, by itself, whose keys begin as the document's do."""
    folder = os.path.join(made, name)
    os.mkdir(folder)
    with open(os.path.join(made, "everything.json"), encoding="utf-8") as file:
        blueprint = json.load(file)
    with open(os.path.join(folder, "everything.json"), "w", encoding="utf-8") as file:
        json.dump({**blueprint, "key_prefix": prefix}, file)
    return folder


def told(options, name, made):
    """The story of one API, told by a gateway of its own whose clock stands."""
    module = importlib.import_module("stories." + name)
    made = beginning(made, name, module.PREFIX)
    with Gateway(options.tollgate, "--allow-private-addresses", blueprints=made, demo=False, clock=TIME) as gateway:
        stage = Stage(gateway, module.SLUG, module.PREFIX)
        base = APIS[name] if name == "provider" else stage.base + APIS[name]
        document = gateway.get(base + "/openapi.json")
        assert document.status == 200, document
        story = Story(name, document.body, gateway, base, options.write)
        module.tell(story, stage)
        assert not gateway.errors(), gateway.errors()
    return story


def main():
    options = arguments(flags={"write": "record the examples anew"})
    if importlib.util.find_spec("jsonschema") is None:
        python = python_of_tests()
        os.execv(python, [python, "-u", *sys.argv])
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="tollgate-examples-") as folder, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        made, _ = blueprints(folder)
        only = os.environ.get("TOLLGATE_STORIES", "").split(",")
        names = [name for name in sorted(APIS) if only == [""] or name in only]
        stories = {name: pool.submit(told, options, name, made) for name in names}
        for name, running in stories.items():
            with checks(f"X7 {name}: its story is told to its end"):
                story = running.result()
                judge(checks, name, story)
                if options.write:
                    story.write()
    checks.finish()


def judge(checks, name, story):
    with checks(f"X7 {name}: each example is answered with its status and what it says, but for ids, secrets and "
                "times"):
        assert not story.faults, "\n".join(story.faults)
    with checks(f"X7 {name}: each call has an example of what it takes and of what it answers"):
        assert not story.missing(), story.missing()
    with checks(f"X7 {name}: each example is as its schema says"):
        assert not story.unlike_schema(), "\n".join(story.unlike_schema())


if __name__ == "__main__":
    main()
