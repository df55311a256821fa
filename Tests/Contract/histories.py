"""Whether what clients saw of a growing set can have been one set (N2, N3): each write adds its name, each read shows
all names, or how many there are. `fault` is exact: it finds an order of all of it, in which each write and read happens
at one moment between its call and its answer, or says that there is none.

How: a read says how many writes come before it. So each write has a first and a last place in the order: by the clock,
by the names that were shown, and by the writes that had to come before or after it. Whether all find a place is the
question of single jobs on one machine, which whoever must come first answers. Of n calls: n log n, and the names that
were shown."""

from bisect import bisect_left, bisect_right
import heapq
import itertools
import math
import random


class Write:
    """`returned` None: its client was told nothing, and it may have happened at any time since `invoked`, or never.
    `is_refused`: its client was told that it was not done."""

    def __init__(self, name, invoked, returned=None, is_refused=False):
        self.name, self.invoked, self.returned, self.is_refused = name, invoked, returned, is_refused

    @property
    def end(self):
        return math.inf if self.returned is None else self.returned

    def __repr__(self):
        return f"write {self.name} [{self.invoked:.3f}, {self.returned and round(self.returned, 3)}]"


class Read:
    """All names; None where it showed no more than their `count`, as a balance does."""

    def __init__(self, names, invoked, returned, where="", count=None):
        self.names = None if names is None else frozenset(names)
        self.count = count if names is None else len(self.names)
        self.invoked, self.returned, self.where = invoked, returned, where

    def __repr__(self):
        what = "names" if self.names is not None else "as a count"
        return f"read of {self.count} {what} {self.where} [{self.invoked:.3f}, {self.returned:.3f}]"


def fault(writes, reads):
    """None, or what no order explains."""
    known = {write.name: write for write in writes}
    named = sorted((read for read in reads if read.names is not None), key=lambda read: read.count)
    shown = frozenset().union(*(read.names for read in named[-1:]))
    for before, after in itertools.pairwise(named):
        if not before.names <= after.names:
            return f"two histories: {before} has {sorted(before.names - after.names)[:3]}, {after} does not"
    if shown - known.keys():
        return f"nobody wrote {sorted(shown - known.keys())[:3]}"
    refused = [name for name in shown if known[name].is_refused]
    if refused:
        return f"refused, and there: {refused[:3]}"
    # What nobody was told of and nobody saw by name may have happened.
    asked = [write for write in writes if not write.is_refused]
    must = {write for write in asked if write.returned is not None or write.name in shown}
    return back_in_time(reads) or place(asked, must, reads, *windows(asked, named, reads))


def back_in_time(reads):
    """None, or a read that shows fewer than one that was answered before it was called."""
    ends, most = so_far(sorted(reads, key=lambda read: read.returned), lambda read: read.returned)
    for read in reads:
        place = bisect_left(ends, read.invoked)
        if place and most[place - 1].count > read.count:
            return f"{most[place - 1]} before {read}"
    return None


def so_far(reads, moment):
    """The moments of the reads, and up to each the one that shows most."""
    return [moment(read) for read in reads], list(
        itertools.accumulate(reads, lambda one, other: other if other.count > one.count else one))


def windows(writes, named, reads):
    """Behind how many writes each has to come at least, and the last place that it may have."""
    after, last = {}, {}
    # What the names say: it is not in the read before the first that shows it.
    below, seen = 0, set()
    for read in named:
        for name in read.names - seen:
            after[name], last[name] = below, read.count
        seen |= read.names
        below = read.count
    # What the clock says.
    ends, most = so_far(sorted(reads, key=lambda read: read.returned), lambda read: read.returned)
    begins = sorted(reads, key=lambda read: -read.invoked)
    least = list(itertools.accumulate((read.count for read in begins), min))[::-1]
    starts = [read.invoked for read in reversed(begins)]
    for write in writes:
        place = bisect_left(ends, write.invoked)
        after[write.name] = max(after.get(write.name, below), most[place - 1].count if place else 0)
        place = bisect_right(starts, write.end)
        last[write.name] = min(last.get(write.name, math.inf), least[place] if place < len(least) else math.inf)
    # A write comes behind all that were answered before it was called, and before all that were called after.
    by_call, by_end = sorted(writes, key=lambda write: write.invoked), sorted(writes, key=lambda write: write.end)
    bound, ended = 0, iter(by_end)
    other = next(ended, None)
    for write in by_call:
        while other and other.end < write.invoked:
            bound, other = max(bound, after[other.name]), next(ended, None)
        after[write.name] = max(after[write.name], bound)
    bound, called = math.inf, reversed(by_call)
    other = next(called, None)
    for write in reversed(by_end):
        while other and other.invoked > write.end:
            bound, other = min(bound, last[other.name]), next(called, None)
        last[write.name] = min(last[write.name], bound)
    return after, last


def place(writes, must, reads, after, last):
    """None where all that must be there have a place, and what may be there fills the rest; else who has none."""
    waiting = sorted(writes, key=lambda write: -after[write.name])
    most = max((read.count for read in reads), default=0)
    ready, spare, placed, number = [], 0, 0, 0
    while placed < len(must) or number < most:
        number += 1
        while waiting and after[waiting[-1].name] < number:
            write = waiting.pop()
            if write in must:
                heapq.heappush(ready, (last[write.name], write.end, write.invoked, write.name, write))
            else:
                spare += 1
        if ready:
            write = heapq.heappop(ready)[-1]
            placed += 1
            if last[write.name] < number:
                read = next((read for read in reads if read.count == last[write.name]), None)
                return f"{write} can be number {number} at the earliest, and comes before {read}"
        elif spare:
            spare -= 1
        else:
            read = next((read for read in reads if read.count >= number), None)
            return f"nobody asked for number {number} by then: {read}, {waiting[-1:]}"
    return None


# The checker's own proof


def example(chance, count=40, names_of=2):
    """A history that really happened to one set, with calls that overlap. One read of so many shows names."""
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
        elif chance.randrange(names_of):
            reads.append(Read(None, invoked, returned, count=len(there)))
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
    fewer = Read(None, last.returned + 1, last.returned + 2, count=last.count - 1)
    yield "a balance shows an older moment than the read before it", writes, reads + [fewer]
    yield "a balance shows fewer than were acknowledged", writes, [
        read for read in reads if read.returned < last.invoked and read.count < last.count] + [
        Read(None, last.invoked, last.returned, count=len(told) - 1)]
    silent = sum(1 for write in writes if write.returned is None and write.name not in last.names)
    yield "a balance shows one that nobody asked for", writes, reads + [
        Read(None, last.returned + 1, last.returned + 2, count=last.count + silent + 1)]
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


def small(chance):
    """A few calls at random, that may have happened or not."""
    def moments():
        return sorted((chance.randrange(6), chance.randrange(6)))

    writes = []
    for number in range(chance.randint(1, 4)):
        invoked, returned = moments()
        writes.append(Write(f"w{number}", invoked, chance.choice([returned, returned, None])))
    reads = []
    for _ in range(chance.randint(1, 3)):
        names = [write.name for write in writes if chance.randrange(2)]
        reads.append(Read(chance.choice([names, None]), *moments(), count=len(names)))
    return writes, reads


def has_order(writes, reads):
    """The same question, answered by trying every order."""
    def goes_on(there, left):
        if all(call.returned is None for call in left):
            return True
        for call in left:
            if any(other.returned is not None and other.returned < call.invoked for other in left):
                continue
            rest = [other for other in left if other is not call]
            if isinstance(call, Write):
                if goes_on(there | {call.name}, rest):
                    return True
            elif call.count == len(there) and call.names in (None, there) and goes_on(there, rest):
                return True
        return False

    return goes_on(frozenset(), writes + reads)


def proof(seed, rounds=50, small_rounds=2_000, long_count=10_000):
    """The checker itself: it finds an order for what happened, and none for what did not; of a few calls it says what
    trying every order says; and a long history takes it no time."""
    chance = random.Random(seed)
    for _ in range(small_rounds):
        writes, reads = small(chance)
        found = fault(writes, reads)
        assert (found is None) == has_order(writes, reads), (found, writes, reads, [read.names for read in reads])
    for writes, reads in [example(chance) for _ in range(rounds)] + [example(chance, long_count, names_of=50)]:
        assert fault(writes, reads) is None, fault(writes, reads)
        if not any(write.returned is not None and not write.is_refused for write in writes):
            continue
        for what, wrong_writes, wrong_reads in mutants(chance, writes, reads):
            assert fault(wrong_writes, wrong_reads) is not None, what
