"""Whether what clients saw of a growing set can have been one set (N2, N3): each write adds its name; each read shows
all names, or how many there are. `fault` is exact: it finds an order of all of it, in which each write and read happens
at one moment between its call and its answer, or says that there is none."""

import bisect
import heapq
import itertools
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
        self.count = len(self.names)

    def __repr__(self):
        return f"read of {self.count} names {self.where} [{self.invoked:.3f}, {self.returned:.3f}]"


class Size:
    """A read that shows how many names there are, and none of them: a balance, where each write costs the same."""

    names = None

    def __init__(self, count, invoked, returned, where=""):
        self.count, self.invoked, self.returned, self.where = count, invoked, returned, where

    def __repr__(self):
        return f"read of the size {self.count} {self.where} [{self.invoked:.3f}, {self.returned:.3f}]"


def fault(writes, reads):
    """None, or what no order explains.

    An order gives each write that happened a slot, from 1; a read stands behind the slot that it counts. So each read
    says of a write that it has a slot up to its count, or above it, and no slot up to the greatest count is empty.
    Writes take the slots by their deadlines: where they are late so, they are late in every order."""
    known = {write.name: write for write in writes}
    shown = frozenset().union(*(read.names for read in reads if read.names is not None))
    if shown - known.keys():
        return f"nobody wrote {sorted(shown - known.keys())[:3]}"
    refused = [name for name in shown if known[name].is_refused]
    if refused:
        return f"refused, and there: {refused[:3]}"
    wrong = backwards(reads)
    if wrong:
        return wrong
    # What nobody was told of and nobody saw may never have happened.
    possible = [write for write in writes if not write.is_refused]
    limits = {write: [0, None] for write in possible}
    wrong = named(known, limits, [read for read in reads if read.names is not None])
    if wrong:
        return wrong
    timed(limits, reads)
    never = 4 * len(possible) + 4
    for write, limit in limits.items():
        is_sure = write.returned is not None or write.name in shown
        limit[1] = min([never if is_sure else 2 * never] + [limit[1]] * (limit[1] is not None))
    follow(limits)
    return placed(limits, max((read.count for read in reads), default=0), never)


def backwards(reads):
    """A read that shows less than one that had been answered before it was called."""
    answered = sorted(reads, key=lambda read: read.returned)
    times = [read.returned for read in answered]
    most = list(itertools.accumulate(answered, lambda one, two: two if two.count > one.count else one))
    for read in reads:
        place = bisect.bisect_left(times, read.invoked)
        if place and most[place - 1].count > read.count:
            return f"{most[place - 1]} before {read}"
    return None


def named(known, limits, reads):
    """Reads that show names: each has all of the smaller ones'."""
    before, count = frozenset(), 0
    for read in sorted(reads, key=lambda read: read.count):
        if not before <= read.names:
            return f"{read} is without {sorted(before - read.names)[:3]}, which a smaller one shows"
        for name in read.names - before:
            limits[known[name]][:] = [count, read.count]
        before, count = read.names, read.count
    for write, limit in limits.items():
        if write.name not in before:
            limit[0] = count
    return None


def timed(limits, reads):
    """By the clock: what was answered before it was called."""
    answered = sorted(reads, key=lambda read: read.returned)
    ends = [read.returned for read in answered]
    most = list(itertools.accumulate((read.count for read in answered), max))
    called = sorted(reads, key=lambda read: read.invoked)
    begins = [read.invoked for read in called]
    least = list(itertools.accumulate((read.count for read in reversed(called)), min))[::-1]
    for write, limit in limits.items():
        place = bisect.bisect_left(ends, write.invoked)
        if place:
            limit[0] = max(limit[0], most[place - 1])
        if write.returned is not None:
            place = bisect.bisect_right(begins, write.returned)
            if place < len(begins):
                limit[1] = least[place] if limit[1] is None else min(limit[1], least[place])


def follow(limits):
    """A write that was answered before another was called has the lower slot."""
    moments = [(write.invoked, 0, write) for write in limits]
    # Two at one moment overlap.
    moments += [(write.returned, 1, write) for write in limits if write.returned is not None]
    moments.sort(key=lambda moment: moment[:2])
    most = -1
    for _, kind, write in moments:
        if kind == 0:
            limits[write][0] = max(limits[write][0], most + 1)
        else:
            most = max(most, limits[write][0])
    least = None
    for _, kind, write in reversed(moments):
        if kind == 1:
            if least is not None:
                limits[write][1] = min(limits[write][1], least - 1)
        else:
            least = limits[write][1] if least is None else min(least, limits[write][1])


def placed(limits, counted, never):
    """Gives out the slots, the earliest deadline first; says what cannot have one."""
    waiting = sorted(limits, key=lambda write: limits[write][0], reverse=True)
    ready, slot = [], 0
    while waiting or ready:
        slot += 1
        while waiting and limits[waiting[-1]][0] < slot:
            write = waiting.pop()
            heapq.heappush(ready, (limits[write][1], id(write), write))
        if not ready:
            if slot <= counted:
                return f"a read counts {counted}, and nothing can have been number {slot}"
            continue
        deadline, _, write = heapq.heappop(ready)
        if deadline < slot:
            return f"{write} was there at {deadline}, and cannot have been before number {slot}"
    return f"a read counts {counted}, and {slot} were written" if slot < counted else None


def example(chance, count=40, sized=0.5):
    """A history that really happened to one set, with calls that overlap. `sized`: the share of reads that count."""
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
        elif chance.random() < sized:
            reads.append(Size(len(there), invoked, returned))
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
    yield "a count goes back", writes, reads + [Size(last.count - 1, last.returned + 1, last.returned + 2)]
    yield "a count is of more than was written", writes, reads + [
        Size(len(writes) + 1, last.returned + 1, last.returned + 2)]
    after = Write("after", last.returned + 1, last.returned + 2)
    yield "a count is without a write that was answered", writes + [after], reads + [
        Size(last.count, last.returned + 3, last.returned + 4)]
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


def can_be(writes, reads):
    """The same as `fault` says, by every order of what may have happened: for very few operations."""
    possible = [write for write in writes if not write.is_refused]
    for number in range(len(possible) + 1):
        for happened in itertools.combinations(possible, number):
            if any(write.returned is not None and write not in happened for write in possible):
                continue
            for order in itertools.permutations([*happened, *reads]):
                if is_right(order):
                    return True
    return False


def is_right(order):
    there = set()
    for place, step in enumerate(order):
        if any(later.returned is not None and later.returned < step.invoked for later in order[place:]):
            return False
        if isinstance(step, Write):
            there.add(step.name)
        elif step.count != len(there) or step.names is not None and step.names != there:
            return False
    return True


def any_history(chance):
    """A few operations of which some can have happened so, and some cannot."""
    def moments():
        begin = chance.uniform(0, 4)
        return begin, begin + chance.uniform(0, 3)

    writes = []
    for number in range(chance.randint(1, 3)):
        begin, end = moments()
        writes.append(Write(f"w{number}", begin, end if chance.random() < 0.7 else None, chance.random() < 0.1))
    reads = []
    for _ in range(chance.randint(1, 3)):
        names = [write.name for write in writes if chance.random() < 0.6]
        reads.append(Size(chance.randint(0, 3), *moments()) if chance.random() < 0.6 else Read(names, *moments()))
    return writes, reads


OPERATIONS_MAX = 10_000


def proof(seed, rounds=50):
    """The checker itself: it finds an order for what happened, and none for what did not; a history of 10,000
    operations among them. Of few operations it says what every order of them says."""
    chance = random.Random(seed)
    # In the long one few reads show names: each holds all of them.
    for count, sized in [(40, 0.5)] * rounds + [(OPERATIONS_MAX, 0.98)]:
        writes, reads = example(chance, count, sized)
        assert fault(writes, reads) is None, fault(writes, reads)
        if not any(write.returned is not None and not write.is_refused for write in writes):
            continue
        for what, wrong_writes, wrong_reads in mutants(chance, writes, reads):
            assert fault(wrong_writes, wrong_reads) is not None, what
    for _ in range(20 * rounds):
        writes, reads = any_history(chance)
        assert (fault(writes, reads) is None) == can_be(writes, reads), (writes, reads, fault(writes, reads))
