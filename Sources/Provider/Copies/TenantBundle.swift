import CallKit
import Cryptography
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry

/// What a tenant takes along beside its file when it moves (P10): the registry's row, the keys that its file is sealed
/// and signed with, and how far its limits are drawn on. It stands in front of the file in a bundle, as JSON.
struct TenantBundle: Sendable {
    /// Eight bytes that a bundle begins with.
    static let magic = Array("TGMOVE\r\n".utf8)
    static let version: UInt8 = 1
    static let mediaType = "application/vnd.tollgate.tenant"
    /// All but the first of what stands in an array or object is behind one: so values are bounded before they take
    /// memory. Levels have none, however long they are.
    private static let commasMax = 1_024

    var profile: TenantProfile
    let secretKey: [UInt8]
    let signingSeed: [UInt8]
    let levels: LevelSnapshot

    init(of record: TenantRecord, levels: LevelSnapshot) {
        var profile = record.profile
        let counted = record.counters.snapshot
        profile.requestsMonth = counted.month
        profile.requestsCount = counted.count
        profile.lastRequestAt = counted.lastRequestAt
        // What it was before it went.
        profile.state = profile.move?.stateBefore ?? profile.state
        profile.move = nil
        profile.domains = []
        self.profile = profile
        secretKey = record.secretKey
        signingSeed = record.signingKey.seed
        self.levels = levels
    }

    var json: [UInt8] {
        JSONWriter.object { json in
            json.field("id", Hex.encode(profile.id.bytes))
            json.field("slug", profile.slug)
            json.field("blueprint", profile.blueprint)
            json.field("state", profile.state.rawValue)
            json.field("tier", profile.tier.rawValue)
            json.field("quota_bytes", profile.quotaOverrides.bytesMax)
            json.field("quota_resellers", profile.quotaOverrides.resellersMax)
            json.field("quota_keys", profile.quotaOverrides.keysMax)
            json.field("quota_requests", profile.quotaOverrides.requestsMonthlyMax)
            json.field("currency", profile.currency)
            json.field("key_prefix", profile.keyPrefix)
            json.field("owner_email", profile.ownerEmail)
            json.field("created_at", profile.createdAt.milliseconds)
            json.field("refundable_until", profile.refundableUntil.milliseconds)
            json.field("ends_at", profile.endsAt?.milliseconds)
            json.field("ended_at", profile.endedAt?.milliseconds)
            json.field("limit_requests", profile.limit.map { Int64($0.requests) })
            json.field("limit_window", profile.limit.map { Int64($0.windowSeconds) })
            json.field("limit_burst", profile.limit.map { Int64($0.burst) })
            json.field("requests_month", profile.requestsMonth)
            json.field("requests_count", profile.requestsCount)
            json.field("last_request_at", profile.lastRequestAt?.milliseconds)
            json.field("secret_key", Base64.encode(secretKey))
            json.field("signing_seed", Base64.encode(signingSeed))
            json.field("levels", Base64.encode(levels.encoded()))
        }
    }

    /// Throws `BundleFailure.member` where one is missing, or is not what a call of the provider's would have been
    /// taken with: the seal was good, so that whoever has the passphrase wrote it. Slug and blueprint are judged by
    /// whoever takes the tenant in.
    init(reading bytes: [UInt8]) throws {
        guard bytes.count(where: { $0 == UInt8(ascii: ",") }) <= Self.commasMax, let json = try? JSON.parse(bytes)
        else {
            throw BundleFailure.damaged
        }
        let fields = BundleFields(json: json)
        let id = try fields.value("id", of: fields.hex("id"), as: TenantID.init(bytes:))
        profile = TenantProfile(
            id: id, slug: try fields.text("slug"), blueprint: try fields.text("blueprint"),
            state: try fields.value("state", of: fields.int("state", in: 0...Int64(UInt8.max)), as: Self.state),
            tier: try fields.text("tier", as: Tier.init(rawValue:)), quotaOverrides: try fields.quotas(),
            currency: try fields.text("currency") { Currency($0) == nil ? nil : $0 },
            keyPrefix: try fields.text("key_prefix", as: Self.keyPrefix),
            ownerEmail: try fields.text("owner_email") { EmailAddress.canonical($0) == nil ? nil : $0 },
            createdAt: try fields.time("created_at"), refundableUntil: try fields.time("refundable_until"),
            endsAt: try fields.optionalTime("ends_at"), endedAt: try fields.optionalTime("ended_at"),
            limit: try fields.policy(), domains: [], projectionEpoch: 0,
            requestsMonth: try fields.int("requests_month", in: 0...Timestamp.latest.monthNumber),
            requestsCount: try fields.int("requests_count", in: TenantCounters.counts),
            lastRequestAt: try fields.optionalTime("last_request_at"))
        secretKey = try fields.key("secret_key", bytes: AES256GCM.keyBytes)
        signingSeed = try fields.key("signing_seed", bytes: Ed25519.keyBytes)
        levels = try fields.value("levels", of: fields.base64("levels")) { bytes in
            guard let levels = try? LevelSnapshot(decoding: bytes),
                levels.entries.allSatisfy({ TenantID(high: $0.ownerHigh, low: $0.ownerLow) == id })
            else { return nil }
            return levels
        }
    }

    /// One that a tenant can come in.
    private static func state(_ number: Int64) -> TenantState? {
        TenantState(rawValue: number).flatMap {
            [.active, .suspended, .cancelled, .refunded].contains($0) ? $0 : nil
        }
    }

    private static func keyPrefix(_ text: String) -> String? {
        APIKeyFormat.isPrefix(text) && !KeyShape.reservedPrefixes.contains(text) ? text : nil
    }
}

/// Why a bundle is not taken in.
enum BundleFailure: Error, Sendable, Equatable {
    case notABundle
    case newer
    case wrongPassphrase
    case damaged
    /// It opens, and this member of the JSON in front is not what a tenant has.
    case member(String)

    init(_ failure: SealedChunks.Failure) {
        self =
            switch failure {
            case .unknownFormat: .notABundle
            case .newer: .newer
            case .wrongPassphrase: .wrongPassphrase
            case .damaged: .damaged
            }
    }
}

/// Members of the JSON in front; each throws where it is missing, of another kind or past its bounds.
private struct BundleFields {
    let json: JSON

    func value<Sent, Value>(_ name: String, of sent: Sent, as make: (Sent) -> Value?) throws -> Value {
        guard let value = make(sent) else { throw BundleFailure.member(name) }
        return value
    }

    func text(_ name: String) throws -> String {
        guard case .string(let text)? = json[name] else { throw BundleFailure.member(name) }
        return text
    }

    func text<Value>(_ name: String, as make: (String) -> Value?) throws -> Value {
        try value(name, of: text(name), as: make)
    }

    func optionalInt(_ name: String, in range: ClosedRange<Int64>) throws -> Int64? {
        guard let value = json[name], value != .null else { return nil }
        guard case .number(let number) = value, let integer = number.integer(), range.contains(integer) else {
            throw BundleFailure.member(name)
        }
        return integer
    }

    func int(_ name: String, in range: ClosedRange<Int64>) throws -> Int64 {
        guard let integer = try optionalInt(name, in: range) else { throw BundleFailure.member(name) }
        return integer
    }

    private static let times = Timestamp.earliest.milliseconds...Timestamp.latest.milliseconds

    func time(_ name: String) throws -> Timestamp { Timestamp(milliseconds: try int(name, in: Self.times)) }

    func optionalTime(_ name: String) throws -> Timestamp? {
        try optionalInt(name, in: Self.times).map { Timestamp(milliseconds: $0) }
    }

    func hex(_ name: String) throws -> [UInt8] { try text(name) { Hex.decode($0) } }

    func base64(_ name: String) throws -> [UInt8] { try text(name) { Base64.decode($0) } }

    func key(_ name: String, bytes: Int) throws -> [UInt8] {
        try value(name, of: base64(name)) { $0.count == bytes ? $0 : nil }
    }

    func quotas() throws -> QuotaOverrides {
        typealias Schemas = ProviderAPI.Schemas
        return QuotaOverrides(
            bytesMax: try optionalInt("quota_bytes", in: 1...Schemas.quotaBytes.upperBound),
            resellersMax: try optionalInt("quota_resellers", in: Schemas.quotaResellers),
            keysMax: try optionalInt("quota_keys", in: Schemas.quotaKeys),
            requestsMonthlyMax: try optionalInt("quota_requests", in: Schemas.quotaRequests))
    }

    func policy() throws -> Policy? {
        guard let requests = try optionalInt("limit_requests", in: 1...Int64(Policy.requestsMax)) else { return nil }
        let window = try int("limit_window", in: 1...Int64(Policy.windowSecondsMax))
        let burst = try int("limit_burst", in: 1...Int64(Policy.burstMax))
        return try value("limit_burst", of: Int(burst)) {
            Policy(requests: Int(requests), windowSeconds: Int(window), burst: $0)
        }
    }
}
