"""Clients that order while something else goes on."""

import itertools
import threading

from support import wait_until

CLIENTS = 64
# A crowded machine backs up slowly, and is not to have more and more to back up.
ORDERS_MAX = 6_000
# From so many on clients take a breath after each, so that there is less to prove each time; not with --long.
ORDERS_FAST, BREATH_SECONDS = 1_200, 0.2


class Load:
    """So many clients order without a pause, until the end of the block; `answered`: ids of orders by slug, with
    when. With `is_long` they take no breath."""

    clients = CLIENTS

    def __init__(self, shops, is_long):
        self.is_long = is_long
        self.shops, self.answered, self.failures = shops, [], []
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]

    def client(self, number):
        shop, reseller, sku = self.shops[number % len(self.shops)]
        connection = shop.gateway.connection()
        for count in itertools.count():
            if self.ended.is_set() or len(self.answered) > ORDERS_MAX:
                break
            answer = shop.order(reseller, sku, key=f"load-{number}-{count}", connection=connection)
            if answer.status != 201:
                self.failures.append(answer)
                break
            with self.lock:
                self.answered.append((shop.slug, answer.json["order"]["id"]))
            if len(self.answered) > ORDERS_FAST and not self.is_long:
                self.ended.wait(BREATH_SECONDS)
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.answered) > 2 * CLIENTS)
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        return False
