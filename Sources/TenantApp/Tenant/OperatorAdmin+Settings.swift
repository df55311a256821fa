import CallKit
import HTTPCore
import TenantRegistry

/// The tenant's theme (O12), and what resellers may do by themselves: activate (A2), mint keys (C5), try before they are
/// approved (W12).
extension OperatorAdmin {
    static let settings: [Route] = [
        Route(
            .get, "/settings", "Read the tenant's name, logo and colours", access: .administrator,
            gives: .read(Schemas.setting)
        ) { _ in
            .read { tenant in .json(Schemas.setting, try tenant.settings(), in: tenant.currency) }
        },
        Route(
            .patch, "/settings", "Change the tenant's name, logo and colours", access: .administrator,
            takes: Schemas.settingChange, gives: .done(Schemas.setting)
        ) { call in
            let change = try themeChange(call)
            guard change.allowsSelfServiceKeys == nil || call.known.role.isOwner else {
                throw Refusal.forbidden(.ownerLetsMint)
            }
            return .write { tenant, detail in
                _ = try change.run(tenant, &detail)
                return .json(Schemas.setting, try tenant.settings(), in: tenant.currency)
            }
        },
    ]

    private static func themeChange(_ call: Call) throws -> ChangeSettings {
        var fields = try call.fields()
        let names = [
            "name", "logo", "colours", "self_activation", "self_service_keys", "sandbox_before_approval",
        ]
        fields.expectChange(of: names, clearable: ["logo"])
        var change = ChangeSettings()
        change.name = fields.optionalString("name", characters: 1...100)
        change.allowsSelfActivation = fields.optionalBool("self_activation")
        change.allowsSelfServiceKeys = fields.optionalBool("self_service_keys")
        change.offersSandbox = fields.optionalBool("sandbox_before_approval")
        change.logo = fields.change("logo") { $0.secureURL("logo") }
        if var nested = fields.optionalObject("colours") {
            let colours = Theme.Colour.allCases.map(\.rawValue)
            nested.expectChange(of: colours, clearable: colours)
            for colour in Theme.Colour.allCases {
                guard let value = nested.change(colour.rawValue, { $0.colour(colour.rawValue) }) else { continue }
                change.colours.updateValue(value, forKey: colour)
            }
            nested.expectNoOthers(than: colours)
            fields.absorb(nested)
        }
        fields.expectNoOthers(than: names)
        try fields.finish()
        return change
    }
}

extension TenantReader {
    fileprivate func settings() throws -> OperatorAdmin.Schemas.Setting {
        OperatorAdmin.Schemas.Setting(
            theme: try theme(), selfActivation: try allowsSelfActivation(),
            selfServiceKeys: try allowsSelfServiceKeys(), sandbox: try offersSandbox())
    }
}

extension FieldReader {
    /// An absolute https URL: pages load it.
    fileprivate mutating func secureURL(_ name: String) -> String? {
        guard let url = webAddress(name, allowsPrivateAddresses: false) else { return nil }
        // It stands in an attribute and in a policy header: no quotes, no separators of either.
        guard !url.contains(where: { "\"'<>;,\\".contains($0) }) else {
            fail(name, code: "format", detail: "must be an absolute https URL")
            return nil
        }
        return url
    }

    /// `#rrggbb`, given back in lower case.
    fileprivate mutating func colour(_ name: String) -> String? {
        guard let text = string(name, characters: 1...7) else { return nil }
        let digits = text.utf8.dropFirst()
        let isColour =
            text.utf8.first == 0x23 && digits.count == 6
            && digits.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x66 }
        guard isColour else {
            fail(name, code: "format", detail: "must be a colour like #1a2b3c")
            return nil
        }
        return text.lowercased()
    }
}
