import CallKit
import HTTPCore

/// What licence keys' bodies look like: said in the description, read and written in the files beside.
extension LicenceKeys {
    enum Schemas {
        static let session = Shape<SignIn.Session>([
            .ok, .member("token", \.token), .member("expires_at", \.expiresAt.milliseconds),
        ])
        static let newKey = Body(Field.text("name", 1...100).optional, Field.mode("mode").or(.live)).map {
            MintOwnKey.Request(name: $0, scopes: LicenceKeys.scopes.bits, book: $1, expiresAt: nil)
        }.omittable.described(withToken)

        static let key = Field.id("license", LicenceFile.keyCharactersMax)

        static let user = Field.id("discord_user_id", AssignLicence.userCharactersMax)

        private static let listed: [Shape<Licence>.Member] = [
            .member("key", \.key), .member("product", \.sku), .member("expiration", \.expiresAt.milliseconds),
            .member("created_at", \.createdAt.milliseconds),
        ]
        static let availableLicence = Shape<Licence>(listed)
        /// All of them, streamed licence by licence; the last two members are of a page that was asked for.
        static let available: Schema = [
            "ok": .boolean, "licenses": .array(of: availableLicence.schema), "has_more": .boolean.omittable,
            "next_cursor": .string.nullable.omittable,
        ]

        struct Info {
            let licence: Licence
            let isExpired: Bool
        }
        static let info = Shape<Info>([
            .ok,
            .object(
                "info",
                [
                    .member("key", \.licence.key), .member("product", \.licence.sku),
                    .member("expiration", \.licence.expiresAt.milliseconds), .member("is_expired", \.isExpired),
                    .member("is_assigned") { $0.licence.assignedAt != nil },
                    .member("created_at", \.licence.createdAt.milliseconds),
                ]),
        ])
        static let fetched = Shape<Licence>([
            .ok,
            .object("license", [.member("key", \.key), .member("expiration", \.expiresAt.milliseconds)]),
        ])

        /// The credential may stand here in place of the query.
        static let tokenAlone = Schema(dictionaryLiteral: (token, .string.omittable)).omittable
        static let whichLicence = Body(key).described(withToken)
        static let assignment = Body(key, user).described(withToken)
        private static func withToken(_ schema: Schema) -> Schema {
            schema + Schema(dictionaryLiteral: (token, .string.omittable))
        }
        static let assigned = Shape<String>([.ok, .member("message") { $0 }])
    }
}
