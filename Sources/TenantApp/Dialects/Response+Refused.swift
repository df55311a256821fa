package import HTTPCore

extension Response {
    /// A refusal in a dialect's envelope, with the fields that HTTP asks for beside it. `challenge`: how to authenticate.
    package static func refused(
        _ refusal: Refusal, contentType: StaticString, body: [UInt8], challenge: StaticString
    ) -> Response {
        var response = Response(status: refusal.status, contentType: contentType, bytes: body)
        if let seconds = refusal.retryAfterSeconds { response.headers.add("Retry-After", seconds) }
        if case .methodNotAllowed(let allowed) = refusal { response.headers.add("Allow", allowed) }
        if refusal.status == 401 { response.headers.add("WWW-Authenticate", challenge) }
        return response
    }
}
