"""What pages are like for whoever uses a keyboard, a phone or a reader (U5)."""

from table import Mutant

MUTANTS = [
    Mutant(
        "U5", "marked", "a field that was refused is not marked", "Sources/HTML/Field.swift",
        'state.set("aria-invalid", error.map { _ in "true" })',
        'state.set("aria-invalid", MUTANT ? nil : error.map { _ in "true" })',
        "HTMLTests/FormTests.swift", "an error marks it"),
    Mutant(
        "U5", "cards", "a card on a phone does not say what its lines are", "Sources/PageKit/Parts/DataTable.swift",
        "narrow == .cards && column.kind != .buttons ? column.title : nil",
        "narrow == .cards && column.kind != .buttons && !MUTANT ? column.title : nil",
        "HTMLTests/PartTests.swift", "each card says it again"),
]
