"""The price book: as a sheet, as a file, and who changed what."""

import csv
import io
import itertools
import re

from journeys_open import register

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)
# Column of the sheet → its name in the API.
COLUMNS = {"Monthly": "wholesale_monthly", "Quarterly": "wholesale_quarterly", "Semi-annual": "wholesale_semi_annual",
           "Annual": "wholesale_annual", "Setup": "wholesale_setup_fee", "Cap": "max_quantity"}
SHOWN = "columns=some&m=true&q=true&s=true&y=true&f=true&c=true"
# Pasted from the first column on, row by row. What stands there already is no change: 4.00 a month in every second row,
# 40.00 a year in every fourth.
PASTED = [["4.00" if row % 2 else f"{5 + row}.50", f"{14 + row}.25", f"{27 + row}.50",
           f"{50 + row}.00" if row % 4 else "40.00", f"{1 + row}.00", str(row + 1)] for row in range(20)]
BEFORE = ["4.00", "", "", "40.00", "", ""]


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
    hands.visitor.go(f"/t/works/admin/prices?reseller={made['id']}&{SHOWN}")
    return made, skus, hands


def price(walk, made, sku):
    return walk.world.works.admin("GET", f"/resellers/{made['id']}/products/{sku}")


def cell(hands, sku, title):
    """The field of a product under a column."""
    head = re.compile(rf"^\s*{re.escape(title)}\s*$")
    key = hands.page.locator("table[data-sheet] thead th").filter(has_text=head).get_attribute("id")
    return hands.page.locator(f'table[data-sheet] tr:has(input[type=hidden][value="{sku}"]) input[name="{key}"]')


def changes(hands):
    """What the review lists: product and column → the value before, the value after; nothing where there is none."""
    return hands.page.locator("main section[aria-labelledby=what] table").evaluate("""table => {
        const heads = [...table.tHead.rows[0].cells].map(e => e.textContent.trim())
        const word = (cell, tag) => cell.querySelector(tag)?.textContent.trim() ?? ''
        return [...table.tBodies[0].rows].flatMap(row => [...row.cells].slice(1).map((cell, x) =>
            [row.cells[0].textContent.trim(), heads[x + 1], word(cell, 'del'), word(cell, 'ins')]))
    }""")


def pasted_changes(skus):
    """What is pasted and differs from what is in force."""
    return sorted([sku, title, old, new] for sku, row in zip(skus, PASTED)
                  for title, old, new in zip(COLUMNS, BEFORE, row) if old != new)


def obeys(walk, made, skus):
    """The operator's API has what was pasted, and the reseller's charges it."""
    for sku, row in zip(skus, PASTED):
        told = price(walk, made, sku)
        assert ["" if told[name] is None else str(told[name]) for name in COLUMNS.values()] == row, (sku, told)
    shop = walk.world.works.shop
    assert shop.listed(made, skus[0])["terms"]["monthly"]["wholesale"] == PASTED[0][0]
    shop.top_up(made, "100.00")
    order = walk.world.works.order(made, skus[0])
    # The first of them: 5.50 a month, and 1.00 to set it up.
    assert order["wholesale_total"] == "6.50", order


def shown_skus(hands):
    return hands.page.locator("table[data-sheet] tbody input[type=hidden]").evaluate_all("all => all.map(e => e.value)")


@journey("U2 O4 4: the sheet: type, move, paste, undo; the review lists what changes; applied, the API obeys",
         "mouse", "keys")
def sheet(walk):
    made, _, hands = priced(walk)
    page, keyboard = hands.page, hands.page.keyboard
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    skus = shown_skus(hands)
    titles = page.locator("table[data-sheet] thead th").all_inner_texts()[1:]
    assert titles == list(COLUMNS), titles
    is_at = lambda row, title: cell(hands, skus[row], title).evaluate("e => e === document.activeElement")
    hands.enter(cell(hands, skus[0], "Monthly"))
    keyboard.type("9.99")
    keyboard.press("Enter")
    # A row further down now, of the same column; and one to the right.
    assert is_at(1, "Monthly")
    keyboard.press("ArrowRight")
    assert is_at(1, "Quarterly")
    keyboard.press("ArrowLeft")
    # To the last row and back: whoever goes up sees where that is, below the head that stays.
    for key in ("ArrowDown", "ArrowUp"):
        for _ in range(len(skus)):
            keyboard.press(key)
            hands.look()
    assert is_at(0, "Monthly")
    count = page.locator("[data-sheet-count]")
    assert count.inner_text() == "1 cell changed", count.inner_text()
    page.evaluate("text => navigator.clipboard.writeText(text)", "\n".join("\t".join(row) for row in PASTED))
    expected = pasted_changes(skus)
    keyboard.press("Control+v")
    assert count.inner_text() == f"{len(expected)} cells changed", count.inner_text()
    keyboard.press("Control+z")
    assert count.inner_text() == "1 cell changed", count.inner_text()
    assert cell(hands, skus[0], "Monthly").input_value() == "9.99"
    keyboard.press("Control+z")
    assert count.inner_text() == "0 cells changed", count.inner_text()
    keyboard.press("Control+v")
    assert count.inner_text() == f"{len(expected)} cells changed", count.inner_text()
    hands.press("Review changes")
    assert price(walk, made, skus[0])["wholesale_monthly"] == "4.00"
    assert sorted(line for line in changes(hands) if line[3]) == expected, changes(hands)
    hands.press("Apply changes")
    obeys(walk, made, skus)


@journey("U2 O4 4: the sheet as a plain form: cells changed, reviewed, applied", "mouse", "plain")
def plain_sheet(walk):
    made, _, hands = priced(walk)
    skus = shown_skus(hands)
    rows = hands.page.locator("table[data-sheet] tbody tr")
    for number, row in enumerate(PASTED):
        cells = rows.nth(number).locator("td input")
        for column, text in enumerate(row):
            cells.nth(column).fill(text)
    hands.press("Review changes")
    assert price(walk, made, skus[0])["wholesale_monthly"] == "4.00"
    found = sorted(line for line in changes(hands) if line[3])
    assert found == pasted_changes(skus), found
    hands.press("Apply changes")
    obeys(walk, made, skus)


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
    hands.fill("Or its text", text)
    hands.press("Review changes")
    shown = hands.page.get_by_role("alert").inner_text()
    assert re.search(r"Line 3\b.*\bsku\b", shown, re.S), shown
    assert hands.field("Or its text").input_value().replace("\r", "") == text
    assert {price(walk, made, sku)["wholesale_monthly"] for sku in skus} == {"4.00"}
    hands.fill("Or its text", text.replace("nowhere", skus[2]))
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
