import CallKit
import TenantRegistry

/// How a report looks, as JSON and as CSV: its columns, declared once.
struct ReportSheet: Sendable {
    /// A line with all that its columns are made of.
    struct Line: Sendable {
        let period: String
        let reseller: String?
        let product: String?
        let creditLimit: Money
        let total: DayTotal

        init(_ line: ReportLine, _ report: LedgerReport, _ names: ReportNames) {
            let group = names.groups[line.place.groupID]
            period = report.period.text(of: line.place.period)
            reseller = report.grouping == .reseller ? group?.name : nil
            product = report.grouping == .product ? group?.name : nil
            creditLimit = group?.creditLimit ?? .zero
            total = line.total
        }

        /// What is owed.
        var creditUsed: Int64 { total.balance < 0 ? Int64(clamping: total.balance.magnitude) : 0 }
    }

    private enum Column {
        case count(StaticString, @Sendable (Line) -> Int64)
        case amount(StaticString, @Sendable (Line) -> Int64)

        var name: StaticString {
            switch self {
            case .count(let name, _), .amount(let name, _): name
            }
        }

        var member: Shape<Line>.Member {
            switch self {
            case .count(let name, let get): .member(name, get)
            case .amount(let name, let get): .member(name) { Money(micros: get($0)) }
            }
        }

        func cell(_ line: Line, _ currency: Currency) -> CSVCell {
            switch self {
            case .count(_, let get): .value(String(get(line)))
            case .amount(_, let get):
                .value(Money(micros: get(line)).decimal(minorUnitDigits: currency.minorUnitDigits))
            }
        }
    }

    let summary: String
    let fileName: StaticString
    let shape: Shape<Line>
    let columns: [String]
    private let numbers: [Column]

    private init(_ name: String, _ fileName: StaticString, _ summary: String, _ numbers: [Column]) {
        self.summary = summary
        self.fileName = fileName
        self.numbers = numbers
        columns = ["period", "reseller", "product"] + numbers.map(\.name.description) + ["currency"]
        shape = Shape(
            name,
            [.member("period", \.period), .member("reseller", \.reseller), .member("product", \.product)]
                + numbers.map(\.member) + [.currency("currency")])
    }

    func cells(_ line: Line, in currency: Currency) -> [CSVCell] {
        [.value(line.period), .text(line.reseller ?? ""), .text(line.product ?? "")]
            + numbers.map { $0.cell(line, currency) } + [.value(currency.code)]
    }

    static func of(_ kind: LedgerReport.Kind) -> ReportSheet {
        switch kind {
        case .turnover: turnover
        case .refunds: refunds
        case .holds: holds
        case .credit: credit
        case .balances: balances
        }
    }

    private static let turnover = ReportSheet(
        "TurnoverLine", "turnover.csv", "Report turnover: what was sold, less what was given back",
        [
            .count("sales") { $0.total.sales },
            .amount("orders") { DayTotal.sum($0.total.ordered, $0.total.captured) },
            .amount("renewals") { $0.total.renewed }, .amount("hourly") { $0.total.hourly },
            .amount("ports") { $0.total.ports }, .amount("codes") { $0.total.codes },
            .amount("captures") { $0.total.taken }, .amount("refunds") { $0.total.refunded },
            .amount("turnover") { $0.total.turnover },
        ])

    private static let refunds = ReportSheet(
        "RefundsLine", "refunds.csv", "Report what was given back of orders",
        [.count("count") { $0.total.refunds }, .amount("refunds") { $0.total.refunded }])

    private static let holds = ReportSheet(
        "HoldsLine", "holds.csv", "Report what orders held, and what came of it",
        [
            .count("count") { $0.total.holds }, .amount("placed") { $0.total.placed },
            .amount("captured") { $0.total.captured }, .amount("voided") { $0.total.voided },
            .amount("open") { $0.total.held },
        ])

    private static let credit = ReportSheet(
        "CreditLine", "credit.csv", "Report who owed at the end of each period, and how much",
        [
            .amount("balance") { $0.total.balance }, .amount("credit_used", { $0.creditUsed }),
            .amount("credit_limit") { $0.creditLimit.micros },
        ])

    private static let balances = ReportSheet(
        "BalancesLine", "balances.csv", "Report balances at the end of each period, and what moved on them",
        [
            .amount("topped_up") { $0.total.toppedUp }, .amount("corrected") { $0.total.corrected },
            .amount("spent") { $0.total.spent }, .amount("refunded") { $0.total.refunded },
            .amount("transferred") { $0.total.transferred }, .amount("balance") { $0.total.balance },
            .amount("held") { $0.total.held },
        ])
}
