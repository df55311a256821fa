import CallKit
import HTTPCore

/// What credit reports' bodies look like: said in the description, read and written in the files beside.
extension CreditReports {
    enum Schemas {
        static let session = Shape<SignIn.Session>([
            .ok, .member("token", \.token), .member("token_type") { _ in "Bearer" },
            .member("expires_at", \.expiresAt),
        ])
        static let newKey = Body(
            Field.text("name", 1...100).optional,
            Field.scopes("scopes", CreditReports.scopes).or(CreditReports.scopes.bits),
            Field.mode("mode").or(.live), Field.expiry("expires_at").optional
        ).map { MintOwnKey.Request(name: $0, scopes: $1, book: $2, expiresAt: $3) }.omittable

        static let signUp = Body(Field.email("email"), Field.text("name", 1...200), Field.newPassword("password"))
        struct SignedUp {
            let id: Int64
            let email: String
        }
        static let signedUp = Shape<SignedUp>([.ok, .member("id", \.id), .member("email", \.email)])

        private static let amount = BodyField<Money>(
            "amount_usd",
            // No `multipleOf`: a sum of binary fractions is none, and is taken.
            .integer(0...1_000_000_000).with("type", .string("number")).with(
                "minimum", .number(JSONNumber(text: "0.000001")))
        ) { fields, name, _ in fields.computedMoneyNumber(name, in: Money(micros: 1)...AmountRule.most) }

        private static let meta = BodyField<JSON>("meta", .object) { fields, name, _ in
            guard let meta = fields.value(name) else { return nil }
            guard case .object = meta else {
                fields.fail(name, code: "type", detail: "must be an object")
                return nil
            }
            guard meta.encoded().count <= CreditReport.metaBytesMax else {
                fields.fail(name, code: "length", detail: "must have at most \(CreditReport.metaBytesMax) bytes")
                return nil
            }
            return meta
        }

        /// `{kind, amount_usd, external_ref, meta?}` (C3); the amount is more than nothing, and `meta` has at
        /// most `CreditReport.metaBytesMax` bytes.
        static let report: Body<CreditReport> = {
            let kind = Field.choice("kind", CreditKind.self)
            let ref = Field.id("external_ref", CreditReport.externalRefCharactersMax)
            let content = meta.optional
            return Body(kind, amount, ref, content) { fields, reading in
                let kind = kind.read(&fields, reading)
                let amount = amount.read(&fields, reading)
                let ref = ref.read(&fields, reading)
                let meta = content.read(&fields, reading)
                guard let kind, let amount, let ref, let meta else { return nil }
                return CreditReport(kind: kind, amount: amount, externalRef: ref, meta: meta)
            }
        }()
        /// A report that was there already has no id but `duplicate`.
        static let reported = Shape<ReportCredit.Outcome>([
            .ok,
            .omittable("id") { outcome -> String? in
                if case .recorded(let id) = outcome { id } else { nil }
            },
            .omittable("duplicate") { outcome -> Bool? in
                if case .duplicate = outcome { true } else { nil }
            },
        ])
        static let account = Shape<Reseller>([
            .ok, .member("id", \.publicID), .member("email", \.email), .member("name", \.name),
            .member("status", \.state), .member("standing", \.standing),
        ])
        static let event = Shape<CreditEvent>([
            .ok,
            .object(
                "event",
                [
                    .member("id", \.publicID), .member("kind", as: .choice(CreditKind.self), \.kind),
                    .number("amount_usd", \.amount), .member("external_ref", \.externalRef),
                    .rawObject("meta", \.meta), .member("at", \.at),
                ]),
        ])
    }
}
