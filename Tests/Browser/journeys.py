"""What people do with the pages: each journey with a mouse, by keyboard alone, and without scripts; what came of it is
asked of the API."""

import collections

import journeys_admin
import journeys_console
import journeys_desk
import journeys_events
import journeys_flow
import journeys_keys
import journeys_limits
import journeys_looks
import journeys_open
import journeys_orders
import journeys_portal
import journeys_prices
import journeys_stock
from hands import Keys, Mouse

# How a journey is made: hands, size, scripts.
Way = collections.namedtuple("Way", "name hands size scripts")
WAYS = [Way("by mouse", Mouse, "desk", True), Way("by keyboard alone", Keys, "desk", True),
        Way("without JavaScript, on a phone", Mouse, "phone", False)]
PARTS = [journeys_open, journeys_admin, journeys_desk, journeys_prices, journeys_stock, journeys_orders, journeys_keys,
         journeys_limits, journeys_events, journeys_flow, journeys_portal, journeys_console, journeys_looks]


class Walk:
    """One journey under way. `visitor`: whoever walks; more of them by `another`."""

    def __init__(self, world, browser, way):
        self.world, self.browser, self.way = world, browser, way
        self.gateway = world.gateway
        self.visitors = []

    def another(self, tenant=None, who=None):
        """Hands of somebody, signed in where `who` says as whom."""
        from signing import signed_in
        visitor = signed_in(self.browser, self.world, tenant, who, size=self.way.size, scripts=self.way.scripts)
        self.visitors.append(visitor)
        hands = self.way.hands(visitor)
        visitor.hands = hands
        return hands

    def end(self):
        faults = []
        for visitor in self.visitors:
            faults += visitor.watch.take() + getattr(visitor.hands, "faults", [])
            visitor.close()
        assert not faults, "\n".join(map(str, faults[:5]))


def run(checks, world, browser, options):
    for part in PARTS:
        for name, journey, ways in part.JOURNEYS:
            if options.only and options.only not in name:
                continue
            for way in WAYS:
                kind = way.hands.__name__.lower() if way.scripts else "plain"
                if ways and kind not in ways:
                    continue
                with checks(f"{name}, {way.name}"):
                    walk = Walk(world, browser, way)
                    try:
                        journey(walk)
                    except BaseException:
                        for visitor in walk.visitors:
                            print(f"# {visitor.path}: {visitor.watch.take()}")
                            visitor.close()
                        raise
                    walk.end()


