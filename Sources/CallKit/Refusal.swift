package import HTTPCore

/// Every way in which a call is refused. Closed: a dialect renders each case in one place, in its own envelope.
///
/// `detail` texts are public: they name fields and ids that the caller sent, never a secret, never SQL.
package enum Refusal: Error, Sendable, Equatable {
    /// 400: the body or the query cannot be parsed.
    case unparseable(String)
    /// 400: the query has what the call does not take.
    case badQuery(BadQuery)
    /// 422: parsed, but fields are missing or wrong.
    case invalid([FieldError])
    /// 401: no credential, an unknown one, another tenant's, a revoked or expired one: all alike.
    case unknownCredential
    /// 401: an e-mail address or a password that is wrong; which of both is not told.
    case wrongPassword
    /// 401: the signature of a signed call is missing, wrong or too old (W5). `signed`: what should have been signed,
    /// for whoever tries it in mode test (W12).
    case badSignature(String, signed: SignedText? = nil)
    /// 403: known, but not allowed.
    case forbidden(Forbidden)
    /// 404: unknown or foreign: the same answer.
    case notFound(Missing)
    /// 405.
    case methodNotAllowed(allowed: String)
    /// 409: the state does not allow it; 412 where it is not the one that the caller named.
    case conflict(Conflict)
    /// 402: balance and credit limit do not cover it.
    case insufficientBalance(required: Money, available: Money, currency: Currency)
    /// 402: a quota of the tenant's tier is reached (P2).
    case quotaExceeded(String)
    /// 402: what one reseller may use of its tenant's is used up (G6).
    case shareExceeded(String)
    /// 422 with a code of its own, say `term_not_priced`.
    case unprocessable(Unprocessable)
    /// 413.
    case tooLarge(bytesMax: Int)
    /// 415: the body has a content coding; none is undone here.
    case codedBody
    /// 429.
    case rateLimited(retryAfterSeconds: Int)
    /// 429: too many of others are waiting for the same (G6).
    case crowded(Crowded)
    /// 503: try again; nothing was done.
    case unavailable(Unavailable)
    /// 500: a defect; the log has it under the request id.
    case defect
    /// What the HTTP engine refuses: framing, deadlines, sizes.
    case transport(status: Int, reason: String)

    package static func field(_ pointer: String, _ code: String, _ detail: String) -> Refusal {
        .invalid([FieldError(pointer: pointer, code: code, detail: detail)])
    }

    package static let idempotencyKeyReused = Refusal.unprocessable(.idempotencyKeyReused)
    package static let busy = Refusal.unavailable(.busy)
    /// Of the server, for a request whose head it has: where there is no room for its body, nothing was done.
    package static func ofServer(status: Int, reason: String) -> Refusal {
        status == Refusal.busy.status ? .busy : .transport(status: status, reason: reason)
    }
    package static let unknownMethod = Refusal.transport(status: 501, reason: "This method is not known.")

    /// Stored with the idempotency key and given again: everything decided in the lane but 401, 403, 429 and 5xx (G4).
    package var isReplayable: Bool {
        switch status {
        case 401, 403, 429, 500...: false
        default: true
        }
    }

    /// The status that native APIs answer with; dialects may differ.
    package var status: Int {
        switch self {
        case .unparseable, .badQuery: 400
        case .invalid, .unprocessable: 422
        case .unknownCredential, .wrongPassword, .badSignature: 401
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .conflict(let reason): reason.status
        case .insufficientBalance, .quotaExceeded, .shareExceeded: 402
        case .tooLarge: 413
        case .codedBody: 415
        case .rateLimited, .crowded: 429
        case .unavailable: 503
        case .defect: 500
        case .transport(let status, _): status
        }
    }

    /// Stable, for programs.
    package var code: String {
        switch self {
        case .unparseable: "unparseable"
        case .badQuery(let reason): reason.code
        case .invalid: "invalid_fields"
        case .unknownCredential: "unknown_key"
        case .wrongPassword: "wrong_password"
        case .badSignature: "bad_signature"
        case .forbidden(let reason): reason.code
        case .conflict(let reason): reason.code
        case .unprocessable(let reason): reason.code
        case .notFound(let missing): missing.code
        case .methodNotAllowed: "method_not_allowed"
        case .insufficientBalance: "insufficient_balance"
        case .quotaExceeded: "quota_exceeded"
        case .shareExceeded: "share_exceeded"
        case .crowded(let reason): reason.code
        case .tooLarge: "too_large"
        case .codedBody: "content_coding"
        case .rateLimited: "rate_limited"
        case .unavailable(let reason): reason.code
        case .defect: "internal_error"
        case .transport(let status, _):
            switch status {
            case 408: "timeout"
            case 413: "too_large"
            case 414: "target_too_long"
            case 417: "expectation_failed"
            case 431: "head_too_large"
            case 501: self == .unknownMethod ? "method_not_implemented" : "transfer_coding_not_implemented"
            case 503: "unavailable"
            case 505: "version_not_supported"
            default: "bad_request"
            }
        }
    }

    /// One sentence for people.
    package var detail: String {
        switch self {
        case .unparseable(let detail), .badSignature(let detail, _): detail
        case .badQuery(let reason): reason.text
        case .invalid(let errors):
            errors.map { "\($0.pointer.isEmpty ? "body" : $0.pointer): \($0.detail)" }.joined(separator: "; ")
        case .unknownCredential: "The key is missing, unknown, expired or revoked."
        case .wrongPassword: "The e-mail address or the password is wrong."
        case .forbidden(let reason): reason.text
        case .conflict(let reason): reason.text
        case .unprocessable(let reason): reason.text
        case .notFound(let missing): missing.text
        case .methodNotAllowed(let allowed): "This path takes \(allowed)."
        case .insufficientBalance: "The balance and the credit limit do not cover this."
        case .quotaExceeded(let what): "The tenant's quota of \(what) is reached."
        case .shareExceeded(let what): "The reseller's share of \(what) is used up."
        case .crowded(let reason): reason.text
        case .tooLarge(let bytes): "The body is larger than \(bytes) bytes."
        case .codedBody: "The body has a Content-Encoding; send it as it is, uncompressed."
        case .rateLimited(let seconds): "Too many requests; try again in \(seconds) s."
        case .unavailable(let reason): reason.text
        case .defect: "Something went wrong here; nothing was changed. The request id helps us find it."
        case .transport(_, let reason): reason
        }
    }

    /// Whether the caller showed a secret that opens nothing: metered per address, so that nobody tries many. Passwords
    /// have meters of their own.
    package var isMissedGuess: Bool {
        switch self {
        case .unknownCredential, .badSignature: true
        case .notFound(let missing): missing.isGuessable
        default: false
        }
    }

    /// Of a call by a link or a signature: it was decided by what that opened, so the link or signature was right.
    package var isOfWhatOpened: Bool {
        switch self {
        case .conflict, .unprocessable, .wrongPassword, .insufficientBalance, .quotaExceeded, .shareExceeded: true
        default: false
        }
    }

    /// Refused for what we have or allow, whatever was sent.
    package var isForLackOfRoom: Bool {
        switch status {
        case 429, 500...: true
        default: false
        }
    }

    /// What is wrong with which field of the body or parameter of the query, and which one names what is taken or asks
    /// for what cannot be: for every envelope and page that tells it there.
    package var fieldErrors: [FieldError] {
        switch self {
        case .invalid(let errors): errors
        case .badQuery(let reason):
            [FieldError(pointer: "/\(reason.parameter.quoted.pointerStep)", code: reason.code, detail: reason.text)]
        case .conflict(let reason):
            reason.pointer.map { [FieldError(pointer: $0, code: reason.code, detail: reason.text)] } ?? []
        case .unprocessable(let reason):
            reason.pointer.map { [FieldError(pointer: $0, code: reason.code, detail: reason.text)] } ?? []
        default: []
        }
    }

    package var retryAfterSeconds: Int? {
        switch self {
        case .rateLimited(let seconds): seconds
        case .crowded(let reason): reason.retryAfterSeconds
        case .unavailable(let reason): reason.retryAfterSeconds
        case .transport(503, _): 1
        default: nil
        }
    }
}

extension FieldReader {
    /// Throws what was gathered; call it once every field has been read.
    package func finish() throws(Refusal) {
        if !errors.isEmpty { throw .invalid(errors) }
    }
}
