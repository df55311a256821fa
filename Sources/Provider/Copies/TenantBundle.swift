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

    /// Throws `BundleFailure.damaged` where anything is missing or of another kind: the seal was good, so that another
    /// program wrote it.
    init(reading bytes: [UInt8]) throws {
        guard let json = try? JSON.parse(bytes) else { throw BundleFailure.damaged }
        let fields = BundleFields(json: json)
        guard let id = TenantID(bytes: try fields.hex("id")),
            let state = TenantState(rawValue: try fields.int("state")),
            [.active, .suspended, .cancelled, .refunded].contains(state),
            let tier = Tier(rawValue: try fields.text("tier"))
        else { throw BundleFailure.damaged }
        profile = TenantProfile(
            id: id, slug: try fields.text("slug"), blueprint: try fields.text("blueprint"), state: state, tier: tier,
            quotaOverrides: QuotaOverrides(
                bytesMax: try fields.optionalInt("quota_bytes"),
                resellersMax: try fields.optionalInt("quota_resellers"),
                keysMax: try fields.optionalInt("quota_keys"),
                requestsMonthlyMax: try fields.optionalInt("quota_requests")),
            currency: try fields.text("currency"), keyPrefix: try fields.text("key_prefix"),
            ownerEmail: try fields.text("owner_email"), createdAt: try fields.time("created_at"),
            refundableUntil: try fields.time("refundable_until"), endsAt: try fields.optionalTime("ends_at"),
            endedAt: try fields.optionalTime("ended_at"), limit: try fields.policy(), domains: [], projectionEpoch: 0,
            requestsMonth: try fields.int("requests_month"), requestsCount: try fields.int("requests_count"),
            lastRequestAt: try fields.optionalTime("last_request_at"))
        secretKey = try fields.base64("secret_key")
        signingSeed = try fields.base64("signing_seed")
        guard secretKey.count == AES256GCM.keyBytes, signingSeed.count == Ed25519.keyBytes,
            let levels = try? LevelSnapshot(decoding: try fields.base64("levels")),
            levels.entries.allSatisfy({ TenantID(high: $0.ownerHigh, low: $0.ownerLow) == id })
        else { throw BundleFailure.damaged }
        self.levels = levels
    }
}

/// Why a bundle is not taken in.
enum BundleFailure: Error, Sendable, Equatable {
    case notABundle
    case newer
    case wrongPassphrase
    case damaged

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

/// Members of the JSON in front; each throws where it is missing or of another kind.
private struct BundleFields {
    let json: JSON

    func text(_ name: String) throws -> String {
        guard case .string(let text)? = json[name] else { throw BundleFailure.damaged }
        return text
    }

    func optionalInt(_ name: String) throws -> Int64? {
        guard let value = json[name], value != .null else { return nil }
        guard case .number(let number) = value, let integer = number.integer() else { throw BundleFailure.damaged }
        return integer
    }

    func int(_ name: String) throws -> Int64 {
        guard let integer = try optionalInt(name) else { throw BundleFailure.damaged }
        return integer
    }

    func time(_ name: String) throws -> Timestamp { Timestamp(milliseconds: try int(name)) }

    func optionalTime(_ name: String) throws -> Timestamp? {
        try optionalInt(name).map { Timestamp(milliseconds: $0) }
    }

    func hex(_ name: String) throws -> [UInt8] {
        guard let bytes = Hex.decode(try text(name)) else { throw BundleFailure.damaged }
        return bytes
    }

    func base64(_ name: String) throws -> [UInt8] {
        guard let bytes = Base64.decode(try text(name)) else { throw BundleFailure.damaged }
        return bytes
    }

    func policy() throws -> Policy? {
        guard let requests = try optionalInt("limit_requests") else { return nil }
        let (window, burst) = (try int("limit_window"), try int("limit_burst"))
        guard let policy = Policy(requests: Int(requests), windowSeconds: Int(window), burst: Int(burst)) else {
            throw BundleFailure.damaged
        }
        return policy
    }
}
