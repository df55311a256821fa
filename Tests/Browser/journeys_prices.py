"""The price book: as a sheet, as a file, and who changed what."""

import csv
import io
import itertools
import re

from journeys_open import register

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)
TITLES = ["Monthly", "Annual"]
# Pasted from the first column on, row by row.
PASTED = [[f"{5 + row}.50", f"{50 + row}.00"] for row in range(20)]


def priced(walk):
    """A reseller of our own with a price for thirty products, and an operator before the sheet."""
    works = walk.world.works
    made = works.shop.reseller(balance="10.00", name=f"Priced {next(numbers)}")
    skus = works.skus[:30]
    rows = io.StringIO()
    written = csv.writer(rows)
    written.writerow(["reseller", "sku", "wholesale_monthly", "wholesale_annual", "is_enabled"])
    written.writerows([made["id"], sku, "4.00", "40.00", "true"] for sku in skus)
    works.admin("POST", "/price-book.csv", rows.getvalue().encode(), headers={"Content-Type": "text/csv"})
    hands = walk.another("works", "operator")
    hands.visitor.go(f"/t/works/admin/prices?reseller={made['id']}")
    return made, skus, hands


def price(walk, made, sku):
    return walk.world.works.admin("GET", f"/resellers/{made['id']}/products/{sku}")


def cell(hands, sku, title):
    """The field of a product under a column."""
    head = re.compile(rf"^\s*{re.escape(title)}\s*$")
    key = hands.page.locator("table[data-sheet] thead th").filter(has_text=head).get_attribute("id")
    return hands.page.locator(f'table[data-sheet] tr:has(input[type=hidden][value="{sku}"]) input[name="{key}"]')


def shown_skus(hands):
    return hands.page.locator("table[data-sheet] tbody input[type=hidden]").evaluate_all("all => all.map(e => e.value)")


@journey("U2 O4 4: the sheet: type, move, paste, undo; the review lists what changes; applied, the API obeys",
         "mouse", "keys")
def sheet(walk):
    made, _, hands = priced(walk)
    page = hands.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    skus = shown_skus(hands)[:20]
    first = cell(hands, skus[0], TITLES[0])
    if walk.way.hands.__name__ == "Keys":
        hands.reach(first)
    else:
        first.click()
    keyboard = page.keyboard
    keyboard.type("9.99")
    keyboard.press("Enter")
    # A row further down now, of the same column; and one to the right.
    assert cell(hands, skus[1], TITLES[0]).evaluate("e => e === document.activeElement")
    keyboard.press("ArrowRight")
    assert not cell(hands, skus[1], TITLES[0]).evaluate("e => e === document.activeElement")
    keyboard.press("ArrowLeft")
    keyboard.press("ArrowUp")
    count = page.locator("[data-sheet-count]")
    assert count.inner_text() == "1 cell changed", count.inner_text()
    titles = page.locator("table[data-sheet] thead th").all_inner_texts()[1:]
    width = titles.index(TITLES[1]) + 1
    pasted = "\n".join("\t".join([row[0], *[""] * (width - 2), row[1]]) for row in PASTED)
    page.evaluate("text => navigator.clipboard.writeText(text)", pasted)
    keyboard.press("Control+v")
    assert count.inner_text() == "40 cells changed", count.inner_text()
    keyboard.press("Control+z")
    assert count.inner_text() == "1 cell changed", count.inner_text()
    keyboard.press("Control+z")
    assert count.inner_text() == "0 cells changed", count.inner_text()
    keyboard.press("Control+v")
    assert count.inner_text() == "40 cells changed", count.inner_text()
    hands.press("Review changes")
    assert price(walk, made, skus[0])["wholesale_monthly"] == "4.00"
    changed = page.locator("main table ins").count()
    assert changed == 40, changed
    hands.press("Apply changes")
    for sku, row in zip(skus, PASTED):
        told = price(walk, made, sku)
        assert [told["wholesale_monthly"], told["wholesale_annual"]] == row, (sku, told)


@journey("U2 O4 4: the sheet as a plain form: cells changed, reviewed, applied", "mouse", "plain")
def plain_sheet(walk):
    made, skus, hands = priced(walk)
    cell(hands, skus[2], "Monthly").fill("6.25")
    cell(hands, skus[3], "Annual").fill("61.00")
    hands.press("Review changes")
    text = hands.page.locator("main").inner_text()
    assert "6.25" in text and "61.00" in text and hands.page.locator("main table ins").count() == 2, text
    hands.press("Apply changes")
    assert price(walk, made, skus[2])["wholesale_monthly"] == "6.25"
    assert price(walk, made, skus[3])["wholesale_annual"] == "61.00"


@journey("U2 O4 one wrong cell: nothing is changed, the cell says why, and what was typed stays", "mouse", "plain")
def wrong_cell(walk):
    made, skus, hands = priced(walk)
    for title, value in (("Monthly", "5.55"), ("Annual", "abc")):
        field = cell(hands, skus[0], title)
        field.fill(value)
    hands.press("Review changes")
    wrong = hands.page.locator("table[data-sheet] input[aria-invalid=true]")
    assert wrong.count() == 1 and wrong.input_value() == "abc", hands.page.locator("main").inner_text()
    assert cell(hands, skus[0], "Monthly").input_value() == "5.55"
    assert price(walk, made, skus[0])["wholesale_monthly"] == "4.00"


@journey("U2 O4 prices that moved since the review are not written over: what moved is shown, and reviewed again")
def moved(walk):
    made, skus, hands = priced(walk)
    cell(hands, skus[0], "Monthly").fill("7.00")
    hands.press("Review changes")
    works = walk.world.works
    works.shop.price(made, skus[1], {"wholesale_monthly": "8.00"})
    hands.press("Apply changes")
    assert price(walk, made, skus[0])["wholesale_monthly"] == "4.00"
    text = hands.page.locator("main").inner_text()
    assert skus[1] in text and "8.00" in text, text
    hands.press("Review once more")
    hands.press("Apply changes")
    assert price(walk, made, skus[0])["wholesale_monthly"] == "7.00"
    assert price(walk, made, skus[1])["wholesale_monthly"] == "8.00"


@journey("U2 O4 5: a file with one bad line: the line and the reason, and nothing changed")
def bad_line(walk):
    made, skus, hands = priced(walk)
    hands.follow("Import CSV")
    text = (f"reseller,sku,wholesale_monthly\n{made['id']},{skus[0]},4.10\n{made['id']},nowhere,4.10\n"
            f"{made['id']},{skus[1]},4.20\n")
    field = hands.field("Or its text")
    field.fill(text)
    hands.press("Review changes")
    shown = hands.page.get_by_role("alert").inner_text()
    assert "Line 3" in shown and "nowhere" in hands.field("Or its text").input_value(), shown
    assert price(walk, made, skus[0])["wholesale_monthly"] == "4.00"
    hands.field("Or its text").fill(text.replace("nowhere", skus[2]))
    hands.press("Review changes")
    hands.press("Apply changes")
    assert [price(walk, made, sku)["wholesale_monthly"] for sku in skus[:3]] == ["4.10", "4.20", "4.10"]


@journey("U2 O4 who changed this price: two people change it twice, and four values stand in their order",
         "mouse", "plain")
def history(walk):
    works = walk.world.works
    made, skus, hands = priced(walk)
    tokens = [works.office.token(works.people[role]) if role != "owner" else works.shop.owner_key
              for role in ("operator", "owner", "operator", "owner")]
    for token, amount in zip(tokens, ("5.01", "5.02", "5.03", "5.04")):
        answer = works.shop.admin("PUT", f"/resellers/{made['id']}/products/{skus[0]}", {
            "wholesale_monthly": amount}, key=token)
        assert answer.status == 200, answer
    hands.visitor.go(f"/t/works/admin/prices/{made['id']}/{skus[0]}")
    shown = hands.page.locator("main ins").all_inner_texts()
    assert [text for text in shown if text.startswith("5.0")] == ["5.04", "5.03", "5.02", "5.01"], shown
    assert works.people["operator"] in hands.page.locator("main").inner_text()
