import CallKit
import HTTPCore

/// What credit reports' bodies look like: said in the description, read and written in the files beside.
extension CreditReports {
    enum Schemas {
        static let signUp: Schema = ["email": .email, "name": .text(200), "password": .newPassword]
        static let signedUp: Schema = ["ok": .boolean, "id": .integer, "email": .string]

        /// More than nothing; `meta` has at most `CreditReport.metaBytesMax` bytes.
        static let report: Schema = [
            "kind": .choice(CreditKind.self),
            "amount_usd": .exactNumber(0...1_000_000_000, digits: Money.fractionDigits).with(
                "minimum", .number(JSONNumber(text: "0.000001"))),
            "external_ref": .text(CreditReport.externalRefCharactersMax), "meta": .object.optional,
        ]
        /// A report that was there already has no id but `duplicate`.
        static let reported: Schema = [
            "ok": .boolean, "id": .string.omittable, "duplicate": .boolean.omittable,
        ]
        static let event: Schema = [
            "ok": .boolean,
            "event": [
                "id": .string, "kind": .choice(CreditKind.self), "amount_usd": .number, "external_ref": .string,
                "meta": .object.nullable, "at": .time,
            ],
        ]
    }
}
