"""Whether what clients saw of a growing set can have been one set (N2, N3): each write adds its name, each read shows
all names. `fault` is exact: it finds an order of all of it, in which each write and read happens at one moment between
its call and its answer, or says that there is none."""

import graphlib
import random


class Write:
    """`returned` None: its client was told nothing, and it may have happened at any time since `invoked`, or never.
    `is_refused`: its client was told that it was not done."""

    def __init__(self, name, invoked, returned=None, is_refused=False):
        self.name, self.invoked, self.returned, self.is_refused = name, invoked, returned, is_refused

    def __repr__(self):
        return f"write {self.name} [{self.invoked:.3f}, {self.returned and round(self.returned, 3)}]"


class Read:
    def __init__(self, names, invoked, returned, where=""):
        self.names, self.invoked, self.returned, self.where = frozenset(names), invoked, returned, where

    def __repr__(self):
        return f"read of {len(self.names)} names {self.where} [{self.invoked:.3f}, {self.returned:.3f}]"


def fault(writes, reads):
    """None, or what no order explains."""
    known = {write.name: write for write in writes}
    shown = frozenset().union(*(read.names for read in reads))
    if shown - known.keys():
        return f"nobody wrote {sorted(shown - known.keys())[:3]}"
    refused = [name for name in shown if known[name].is_refused]
    if refused:
        return f"refused, and there: {refused[:3]}"
    # What nobody was told of and nobody saw may never have happened.
    done = [write for write in writes if not write.is_refused and (write.returned is not None or write.name in shown)]
    before = time_order(done + list(reads))
    for read in reads:
        for write in done:
            if write.name in read.names:
                before[read].add(write)
            else:
                before[write].add(read)
    try:
        graphlib.TopologicalSorter(before).prepare()
    except graphlib.CycleError as error:
        return " before ".join(str(step) for step in reversed(error.args[1]) if not isinstance(step, int))
    return None


def time_order(operations):
    """What has to come before each operation by the clock: what was answered before it was called. By way of the
    moments, so that it stays small."""
    moments = []
    for operation in operations:
        moments.append((operation.invoked, 0, operation))
        if operation.returned is not None:
            moments.append((operation.returned, 1, operation))
    # Two at one moment overlap.
    moments.sort(key=lambda moment: moment[:2])
    before = {operation: set() for operation in operations}
    for place, (_, kind, operation) in enumerate(moments):
        before[place] = {place - 1} if place else set()
        if kind == 0:
            before[operation].add(place)
        else:
            before[place].add(operation)
    return before


def example(chance, count=40):
    """A history that really happened to one set, with calls that overlap."""
    now, there, writes, reads = 0.0, set(), [], []
    for number in range(count):
        now += chance.uniform(0, 1)
        invoked, returned = now - chance.uniform(0, 2), now + chance.uniform(0, 2)
        if chance.random() < 0.5:
            name = f"w{number}"
            kind = chance.random()
            if kind < 0.8:
                there.add(name)
                writes.append(Write(name, invoked, returned if kind < 0.7 else None))
            else:
                writes.append(Write(name, invoked, returned if kind < 0.9 else None, is_refused=kind < 0.9))
        else:
            reads.append(Read(there, invoked, returned))
    reads.append(Read(there, now + 10, now + 11))
    return writes, reads


def mutants(chance, writes, reads):
    """Histories that cannot have happened, by what went wrong in them."""
    last = reads[-1]
    told = [write for write in writes if write.returned is not None and not write.is_refused]
    lost = chance.choice(told)
    yield "an acknowledged write is lost", writes, reads[:-1] + [
        Read(last.names - {lost.name}, last.invoked, last.returned)]
    late = Read(last.names - {lost.name}, last.returned + 1, last.returned + 2)
    yield "a read shows an older moment than the one before it", writes, reads + [late]
    ghost = Write("ghost", last.invoked, last.returned, is_refused=True)
    yield "a refused write is there", writes + [ghost], reads[:-1] + [
        Read(last.names | {"ghost"}, last.invoked, last.returned)]
    yield "a write that nobody made is there", writes, reads[:-1] + [
        Read(last.names | {"nobody"}, last.invoked, last.returned)]
    early = Write("early", last.returned + 5, last.returned + 6)
    yield "a write is there before it was asked for", writes + [early], reads[:-1] + [
        Read(last.names | {"early"}, last.invoked, last.returned)]
    now = last.returned
    two = [Write("left", now, now + 9), Write("right", now, now + 9)]
    forked = [Read(last.names | {"left"}, now + 1, now + 8), Read(last.names | {"right"}, now + 1, now + 8)]
    yield "two nodes show two histories", writes + two, reads + forked
    chained = [Write("one", now, now + 1), Write("two", now + 2, now + 3)]
    yield "a write is there without the one before it", writes + chained, reads + [
        Read(last.names | {"two"}, now + 0.5, now + 9)]


def proof(seed, rounds=50):
    """The checker itself: it finds an order for what happened, and none for what did not."""
    chance = random.Random(seed)
    for _ in range(rounds):
        writes, reads = example(chance)
        assert fault(writes, reads) is None, fault(writes, reads)
        if not any(write.returned is not None and not write.is_refused for write in writes):
            continue
        for what, wrong_writes, wrong_reads in mutants(chance, writes, reads):
            assert fault(wrong_writes, wrong_reads) is not None, what
