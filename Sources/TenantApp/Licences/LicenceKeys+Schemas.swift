import CallKit
import HTTPCore

/// What licence keys' bodies look like: said in the description, read and written in the files beside.
extension LicenceKeys {
    enum Schemas {
        static let key = Schema.text(LicenceFile.keyCharactersMax)

        static let available: Schema = [
            "ok": .boolean,
            "licenses": .array(
                of: [
                    "key": .string, "product": .string, "expiration": .milliseconds, "created_at": .milliseconds,
                ]),
        ]
        static let info: Schema = [
            "ok": .boolean,
            "info": [
                "key": .string, "product": .string, "expiration": .milliseconds, "is_expired": .boolean,
                "is_assigned": .boolean, "created_at": .milliseconds,
            ],
        ]
        static let fetched: Schema = ["ok": .boolean, "license": ["key": .string, "expiration": .milliseconds]]

        /// The credential may stand here in place of the query.
        static let assignment: Schema = [
            "license": key, "discord_user_id": .text(AssignLicence.userCharactersMax), token: .string.omittable,
        ]
        static let assigned: Schema = ["ok": .boolean, "message": .string]
    }
}
