import Foundation
import RateLimiter
import Testing

@Suite struct BudgetTableTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/internals/budgets.md")
    private static let mark = "--filter BudgetTable -->\n"

    private var table: String {
        let head = "\n| budget | who pays | for what | starts with | answer |\n|---|---|---|---|---|\n"
        return Budget.allCases.reduce(head) { text, budget in
            let terms = budget.terms
            let window = terms.windowSeconds.map { " in \($0) s" } ?? ""
            return text + "| `\(budget.rawValue)` | \(terms.payer) | \(terms.resource) | "
                + "\(terms.figure)\(window) | \(terms.answer) |\n"
        }
    }

    @Test("G6 the page of budgets has each budget with who pays, its figure and its answer")
    func page() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let kept = try #require(text.range(of: Self.mark)).upperBound
        let wanted = text[..<kept] + table
        if ProcessInfo.processInfo.environment["TOLLGATE_WRITE_DOCS"] != nil {
            try wanted.write(to: Self.page, atomically: true, encoding: .utf8)
            return
        }
        #expect(text == wanted)
    }

    @Test("G6 every figure can be had: no budget begins with one that its meter cannot hold")
    func figures() {
        var figures = BudgetFigures()
        for budget in Budget.allCases {
            #expect((1...BudgetFigures.figureMax).contains(budget.terms.figure))
            if budget.terms.windowSeconds != nil { #expect(figures.policy(budget).requests == figures[budget]) }
            figures[budget] = 1
            #expect(figures[budget] == 1)
        }
    }
}
