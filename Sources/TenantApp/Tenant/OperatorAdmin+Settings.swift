import CallKit
import HTTPCore
import PageKit
import TenantRegistry

/// The tenant's theme (O12), and what resellers may do by themselves: activate (A2), mint keys (C5), try before
/// they are approved (W12).
extension OperatorAdmin {
    static let settings: [Route] = [
        Route(
            .get, "/settings", "Read the tenant's name, logo and colours", access: .administrator,
            gives: .read(Schemas.setting)
        ) { call in
            .read { tenant in try setting(call, tenant) }
        },
        Route(
            .patch, "/settings", "Change the tenant's name and colours", access: .administrator,
            takes: Schemas.settingChange, gives: .done(Schemas.setting)
        ) { call in
            let change = try themeChange(call)
            return .write { tenant, detail in
                try change.run(tenant, &detail)
                return try setting(call, tenant)
            }
        },
        Route(
            .put, "/settings/logo", "Set the tenant's logo: PNG or WebP", access: .administrator,
            body: .whole(bytesMax: LogoImage.bytesMax), takes: .file("image/png", "image/webp"),
            gives: .done(Schemas.setting)
        ) { call in
            let image = try logo(call.body)
            return .write { tenant, detail in
                try tenant.save(logo: call.body, image)
                detail.note("logo", Logo.name(of: call.body))
                return try setting(call, tenant)
            }
        },
        Route(
            .delete, "/settings/logo", "Take the tenant's logo away", access: .administrator,
            gives: .done(Schemas.setting)
        ) { call in
            .write { tenant, detail in
                try tenant.deleteLogo()
                detail.note("logo", "none")
                return try setting(call, tenant)
            }
        },
    ]

    private static func logo(_ bytes: [UInt8]) throws(Refusal) -> LogoImage {
        do throws(LogoImage.Fault) {
            return try LogoImage(bytes)
        } catch {
            throw .invalid([error.fieldError])
        }
    }

    private static func setting(_ call: Call, _ tenant: TenantReader) throws -> Answer {
        .json(Schemas.setting, try tenant.settings(at: call.baseURL), in: tenant.currency)
    }

    private static func themeChange(_ call: Call) throws -> ChangeSettings {
        var fields = try call.fields()
        let names = ["name", "colours", "self_activation", "self_service_keys", "sandbox_before_approval"]
        if fields.has("logo") {
            fields.fail("logo", code: "immutable", detail: "is a picture: PUT or DELETE /settings/logo")
        } else {
            fields.expectChange(of: names, clearable: [])
        }
        var change = ChangeSettings(byOwner: call.known.role.isOwner)
        change.name = fields.optionalString("name", characters: 1...100)
        change.allowsSelfActivation = fields.optionalBool("self_activation")
        change.allowsSelfServiceKeys = fields.optionalBool("self_service_keys")
        change.offersSandbox = fields.optionalBool("sandbox_before_approval")
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
    fileprivate func settings(at base: String) throws -> OperatorAdmin.Schemas.Setting {
        OperatorAdmin.Schemas.Setting(
            theme: try theme(at: base), selfActivation: try allowsSelfActivation(),
            selfServiceKeys: try allowsSelfServiceKeys(), sandbox: try offersSandbox())
    }
}

extension FieldReader {
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
