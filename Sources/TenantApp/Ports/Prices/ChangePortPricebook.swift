package import CallKit
package import TenantRegistry

/// Changes what a reseller charges its customers for ports (X2): what is nil stays. The book keeps a margin, and the
/// rule that its mode goes by.
package struct ChangePortPricebook: Sendable {
    /// What is said of one level: nil leaves, `.some(nil)` clears.
    package struct Level: Sendable {
        package var margin: MarkUp??
        package var fixed: Money??
        package var multiplier: Multiplier??

        static let cleared = Level(margin: .some(nil), fixed: .some(nil), multiplier: .some(nil))

        fileprivate func apply(to level: inout PricingLevel) {
            if let margin { level.margin = margin }
            if let fixed { level.fixed = fixed }
            if let multiplier { level.multiplier = multiplier }
        }
    }

    package let resellerID: Int64
    package let book: Book
    package var mode: PricingMode?
    package var defaults = Level()
    package var port: Level?
    package var traffic: Level?

    package init(resellerID: Int64, book: Book) {
        self.resellerID = resellerID
        self.book = book
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        var pricebook = try tenant.portPricebook(resellerID: resellerID, book: book)
        if let mode { pricebook.mode = mode }
        defaults.apply(to: &pricebook.defaults)
        port?.apply(to: &pricebook.port)
        traffic?.apply(to: &pricebook.traffic)
        if pricebook.defaults.margin == nil {
            throw Refusal.field("/defaultMarginPercent", "type", "cannot be null")
        }
        if pricebook.defaults.rule(pricebook.mode) == nil && pricebook.port.rule(pricebook.mode) == nil {
            let name = pricebook.mode == .fixed ? "fixedPrice" : "multiplier"
            throw Refusal.field("/\(name)", "required", "is required by the mode \(pricebook.mode.rawValue)")
        }
        try tenant.save(pricebook, resellerID: resellerID, book: book)
        detail.note("pricing_mode", pricebook.mode.rawValue)
    }
}
