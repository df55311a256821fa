import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// What the provider's API's bodies look like: said in the description, read and written in the files beside.
extension ProviderAPI {
    enum Schemas {
        static let slugPattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
        private static let slug = Schema.matching(slugPattern)
        private static let quotaMost: Int64 = 1_000_000_000_000_000
        /// What the provider may set each quota to.
        static let quotaBytes: ClosedRange<Int64> = Quotas.bytesLeast...quotaMost
        static let quotaResellers: ClosedRange<Int64> = 0...quotaMost
        static let quotaKeys: ClosedRange<Int64> = 1...quotaMost
        static let quotaRequests: ClosedRange<Int64> = 0...quotaMost

        static let newTenant: Schema = [
            "slug": slug, "blueprint": .text(32), "owner_email": .email, "tier": .choice(Tier.self).optional,
            "prefix": Schema.matching("^[a-z][a-z0-9]{1,15}$").optional, "currency": .one(of: Currency.codes).optional,
            "password": .newPassword.optional,
        ]
        /// An `invitation_url` where no password was given.
        static let madeTenant: Schema = [
            "id": .string, "slug": .string, "base_url": .string, "owner_key": .string, "tier": .choice(Tier.self),
            "currency": .string, "created_at": .time, "refundable_until": .time, "invitation_url": .string.omittable,
        ]
        static let tenant = Schema.named(
            "Tenant",
            [
                "id": .string, "slug": .string, "base_url": .string, "blueprint": .string, "state": .string,
                "tier": .choice(Tier.self), "currency": .string, "owner_email": .string, "created_at": .time,
                "refundable_until": .time, "ends_at": .time.nullable, "ended_at": .time.nullable,
                "deletes_at": .time.nullable, "moved_to": .string.nullable, "bytes": .integer,
                "quotas": [
                    "bytes": .integer, "resellers": .integer, "keys": .integer, "requests_monthly": .integer,
                ],
                "counts": ["resellers": .integer, "keys": .integer, "requests_this_month": .integer],
                "last_request_at": .time.nullable, "rate_limit": KeyBodies.limit.schema.nullable,
                "domains": .array(of: .string),
                // Where the owner's address was changed.
                "invitation_url": .string.omittable,
            ])

        private static let quotas = Schema.change([
            "bytes": .integer(quotaBytes).optional, "resellers": .integer(quotaResellers).optional,
            "keys": .integer(quotaKeys).optional, "requests_monthly": .integer(quotaRequests).optional,
        ])
        private static let pem = Schema.matching("^-----BEGIN ").with("maxLength", .number(JSONNumber(64 << 10)))
        private static let label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
        /// A certificate and its private key come together, in PEM; no host comes twice.
        private static let host = Schema.matching("^\(label)(\\.\(label))+$").with(
            "maxLength", .number(JSONNumber(253)))
        private static let domain: Schema = [
            "host": host,
            "certificate": pem.optional, "private_key": pem.optional,
        ]
        static let tenantChange = Schema.change([
            "tier": .choice(Tier.self).omittable, "quotas": quotas.omittable,
            "rate_limit": KeyBodies.newLimit.schema.optional, "owner_email": Schema.email.omittable,
            "domains": .array(of: .either(host, domain), count: 0...100).omittable,
            "domains_were": .array(of: .string, count: 0...100).omittable,
        ])

        static let invitation: Schema = ["owner_email": .string, "invitation_url": .string, "expires_at": .time]
        static let ownerKey: Schema = ["id": .string, "owner_key": .string]
        static let restored: Schema = ["slug": .string, "incarnation": .integer, "audit_head": .string]
        static let imported: Schema = [
            "id": .string, "slug": .string, "base_url": .string, "state": .string, "incarnation": .integer,
        ]
        static let forked: Schema = [
            "id": .string, "slug": .string, "base_url": .string, "owner_key": .string, "forked_from": .string,
            "audit_head": .string,
        ]
        static let providerKey: Schema = ["provider_key": .string]
        static let blueprints: Schema = [
            "data": .array(
                of: ["name": .string, "title": .string, "currency": .string, "dialects": .array(of: .string)])
        ]
        /// A node's name.
        static let node = "^[a-z][a-z0-9-]{0,39}$"
        static let nodes: Schema = [
            "answered_by": .string.nullable, "is_serving": .boolean, "records_since_snapshots": .integer,
            "standby_lag_bytes": .integer.nullable,
            "data": .array(of: [
                "name": .string, "address": .string,
                "state": .one(of: ["serving", "draining", "left", "silent"]), "tenants": .integer,
                "silent_milliseconds": .integer, "schema": .integer,
            ]),
        ]
        static let adopted: Schema = ["audit_head": .string]
        static let drained: Schema = [
            "name": .string, "state": .one(of: ["serving", "draining"]), "moved": .integer,
        ]
        static let placed: Schema = [
            "slug": .string, "hosts": .array(of: .string), "node": .string.nullable, "address": .string.nullable,
        ]
        static let nodeFigures: Schema = [
            "now": .time, "version": .string, "schema": .integer,
            "data": .array(of: [
                "group": .string, "name": .string, "title": .string, "value": .integer, "unit": .string,
                "level": .one(of: NodeFigure.Severity.allCases.map(\.rawValue)),
            ]),
        ]
        static let clock: Schema = ["now": .time, "leapt_seconds": .integer]
        static let rebuilt: Schema = ["tenants": .integer, "failed": .array(of: .string)]
    }
}
