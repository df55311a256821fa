package import HTTPCore

extension Response {
    /// What a 503 says that nobody can tell the end of, say a quota that is reached.
    private static let retrySecondsUnknown = 3_600

    /// A refusal in a dialect's envelope, with the fields that HTTP asks for beside it. `status`: where the dialect has
    /// another than the refusal's own. `challenge`: how to authenticate; nil for pages, whose forms are not told by it.
    package static func refused(
        _ refusal: Refusal, status: Int? = nil, contentType: StaticString, body: [UInt8], challenge: StaticString?
    ) -> Response {
        let status = status ?? refusal.status
        var response = Response(status: status, contentType: contentType, bytes: body)
        if let seconds = refusal.retryAfterSeconds ?? (status == 503 ? retrySecondsUnknown : nil) {
            response.headers.add("Retry-After", seconds)
        }
        response.headers.addWhatHelps(refusal)
        if refusal.status == 401, let challenge { response.headers.add("WWW-Authenticate", challenge) }
        return response
    }
}

extension ResponseHeaders {
    /// The field that HTTP has for what would have been taken, whatever the envelope.
    package mutating func addWhatHelps(_ refusal: Refusal) {
        switch refusal {
        case .methodNotAllowed(let allowed): add("Allow", allowed)
        case .codedBody: add("Accept-Encoding", "identity")
        default: break
        }
    }
}

extension Refusal {
    /// One text for envelopes that have no place for single fields: each is named with what is wrong with it.
    package var sentence: String {
        guard case .invalid(let errors) = self else { return detail }
        return errors.map { "\($0.pointer.isEmpty ? "The body" : String($0.pointer.dropFirst())) \($0.detail)" }
            .joined(separator: "; ") + "."
    }
}
