"""Signing in as a person does, once each; later contexts have the cookies of the first."""

from pages_table import SURFACES

STATES = {}


def sign_in(visitor, world, tenant, who):
    """By the form; the visitor stands on its start page then."""
    page = visitor.page
    if tenant == "console":
        visitor.go("/console/sign-in")
        page.get_by_label("Provider key").fill(world.gateway.provider_key)
    else:
        visitor.go(f"/t/{tenant}/sign-in")
        email, password = world.login(tenant, who)
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def state(browser, world, tenant, who):
    """The cookies of this person, who signs in the first time."""
    if (tenant, who) not in STATES:
        first = browser.visitor()
        sign_in(first, world, tenant, who)
        STATES[tenant, who] = first.context.storage_state()
        first.close()
    return STATES[tenant, who]


def signed_in(browser, world, tenant, who, **options):
    """A visitor with the cookies of this person; nobody: without any."""
    if who is None:
        return browser.visitor(**options)
    visitor = browser.visitor(state=state(browser, world, tenant, who), **options)
    visitor.who = who
    return visitor


def cookie(browser, world, tenant, who):
    """The same as a header, for calls by programs."""
    return "; ".join(f"{each['name']}={each['value']}" for each in state(browser, world, tenant, who)["cookies"])


def person_of(page):
    return SURFACES[page.surface]
