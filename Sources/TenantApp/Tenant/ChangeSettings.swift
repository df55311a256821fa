package import CallKit
package import PageKit
package import TenantRegistry

extension Theme.Colour {
    fileprivate var setting: String { "colour_\(rawValue)" }
}

extension TenantReader {
    /// The tenant's slug stands in for a name that was never set. `base`: the tenant's address, or the path in it, as
    /// the caller reaches it.
    package func theme(at base: String) throws -> Theme {
        var colours: [Theme.Colour: String] = [:]
        for colour in Theme.Colour.allCases { colours[colour] = try setting(colour.setting) }
        let theme = Theme(
            at: base, name: try setting("name") ?? store.record?.profile.slug ?? "", logoPath: try logoPath(),
            colours: colours)
        if let record = store.record { store.afterCommit { theme.keep(for: record) } }
        return theme
    }
}

/// Whether a reseller that registered may activate its own account, or only the operator may (A2).
package enum SelfActivation {
    fileprivate static let setting = "self_activation"
}

extension TenantReader {
    package func allowsSelfActivation() throws -> Bool { try setting(SelfActivation.setting) == "on" }
}

/// Changes the theme, and what resellers may do by themselves: what is nil stays, `.some(nil)` is taken away. The owner
/// alone lets resellers mint keys (C5).
package struct ChangeSettings: Sendable {
    package let byOwner: Bool
    package var name: String?
    package var colours: [Theme.Colour: String?] = [:]
    package var allowsSelfActivation: Bool?
    package var allowsSelfServiceKeys: Bool?
    package var offersSandbox: Bool?

    package init(byOwner: Bool) { self.byOwner = byOwner }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        guard allowsSelfServiceKeys == nil || byOwner else { throw Refusal.forbidden(.ownerLetsMint) }
        if let name {
            try tenant.set("name", to: name)
            detail.note("name", name)
        }
        for (colour, value) in colours { try tenant.set(colour.setting, toOptional: value) }
        if let allowsSelfActivation {
            try tenant.set(SelfActivation.setting, to: allowsSelfActivation ? "on" : "off")
            detail.note("self_activation", allowsSelfActivation ? "on" : "off")
        }
        if let allowsSelfServiceKeys {
            try tenant.setSelfServiceKeys(allowsSelfServiceKeys)
            detail.note("self_service_keys", allowsSelfServiceKeys ? "on" : "off")
        }
        if let offersSandbox {
            try tenant.setSandbox(offersSandbox)
            detail.note("sandbox_before_approval", offersSandbox ? "on" : "off")
            // Price lists that are kept ready are given without a look at the file.
            tenant.forgetAnswers(resellerID: nil)
        }
    }
}
