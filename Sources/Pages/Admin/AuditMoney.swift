import CallKit
import PageKit
import TenantRegistry

/// The amounts of the audit log's details, for people: what a call came to is written in millionths there, and a
/// posting as it is proved. A value: any thread.
struct AuditMoney {
    private let currency: Currency

    init(_ view: some PageView) { currency = Currency(view.visit.call.tenant.profile.currency) ?? .usDollar }

    /// What a member of a detail says in money; nil where it tells of none.
    func text(_ name: String, _ value: String) -> String? {
        switch name {
        case "total", "cost", "price": Int64(value).map(amount)
        case "amount", "balance", "credit_limit", "low_balance_threshold": decimal(value)
        case _ where name.hasSuffix(AuditDetail.before): text(String(name.dropLast(AuditDetail.before.count)), value)
        case _ where Self.isPosting(name): posting(value)
        default: nil
        }
    }

    static func isPosting(_ name: String) -> Bool { name == "posting" || name.hasPrefix("posting_") }

    /// Of `5 live top_up 12500000 …`: “top up 12.50 EUR”.
    private func posting(_ value: String) -> String? {
        let parts = value.split(separator: " ")
        guard parts.count > 3, let micros = Int64(parts[3]) else { return nil }
        return "\(String(parts[2]).spaced) \(amount(micros))"
    }

    /// Nil where it is none, say “none”.
    private func decimal(_ value: String) -> String? {
        (try? Money(parsing: value)).map { _ in "\(Amount.grouped(value)) \(currency.code)" }
    }

    private func amount(_ micros: Int64) -> String {
        "\(Amount.grouped(Money(micros: micros).decimal(minorUnitDigits: currency.minorUnitDigits))) \(currency.code)"
    }
}
