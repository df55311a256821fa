package import HTTPCore
package import TenantRegistry

/// RFC 9457 problem documents: how the native APIs (P, O, W) refuse.
package enum Problem {
    static let contentType = "application/problem+json"

    package static func response(_ refusal: Refusal, requestID: RequestID) -> Response {
        let body = JSONWriter.object { json in
            json.field("type", "urn:tollgate:problem:\(refusal.code)")
            json.field("title", title(refusal.status))
            json.field("status", refusal.status)
            json.field("detail", refusal.detail)
            json.field("code", refusal.code)
            json.field("request_id", requestID.text)
            let errors = refusal.fieldErrors
            if !errors.isEmpty { write(errors, to: &json) }
            switch refusal {
            case .insufficientBalance(let required, let available, let currency):
                json.field("required", required.decimal(minorUnitDigits: currency.minorUnitDigits))
                json.field("available", available.decimal(minorUnitDigits: currency.minorUnitDigits))
                json.field("currency", currency.code)
            case .forbidden(let reason):
                if let place = reason.place { json.field("base_url", place) }
            case .badSignature(_, let signed?):
                json.field("signed_string", signed.text)
                json.field("signed_sha256", signed.digest.hex)
            default: break
            }
        }
        var response = Response(status: refusal.status, contentType: "application/problem+json", bytes: body)
        if let seconds = refusal.retryAfterSeconds { response.headers.add("Retry-After", seconds) }
        response.headers.addWhatHelps(refusal)
        if refusal.status == 401 { response.headers.add("WWW-Authenticate", "Bearer") }
        return response
    }

    private static func write(_ errors: [FieldError], to json: inout JSONWriter) {
        json.array("errors") { json in
            for error in errors {
                json.object { json in
                    json.field("pointer", error.pointer)
                    json.field("code", error.code)
                    json.field("detail", error.detail)
                }
            }
        }
    }

    package static let schema: Schema = [
        "type": .string, "title": .string, "status": .integer, "detail": .string, "code": .string,
        "request_id": .string,
        // 422: what is wrong with which field, also beside a code of its own; 409: which one names what is taken; 400:
        // what is wrong with which parameter of the query.
        "errors": .array(of: ["pointer": .string, "code": .string, "detail": .string]).omittable,
        // 402 where a balance does not cover it.
        "required": .decimal.omittable, "available": .decimal.omittable, "currency": .string.omittable,
        // 403 where the tenant has moved: its base URL now.
        "base_url": .string.omittable,
        // 401 of a signed call in mode test: which string its signature is of.
        "signed_string": .string.omittable, "signed_sha256": .string.omittable,
    ]

    package static func title(_ status: Int) -> String {
        switch status {
        case 400: "Bad request"
        case 401: "Unauthorized"
        case 402: "Payment required"
        case 403: "Forbidden"
        case 404: "Not found"
        case 405: "Method not allowed"
        case 408: "Request timeout"
        case 409: "Conflict"
        case 412: "Precondition failed"
        case 413: "Content too large"
        case 414: "URI too long"
        case 415: "Unsupported media type"
        case 417: "Expectation failed"
        case 422: "Unprocessable content"
        case 429: "Too many requests"
        case 431: "Request header fields too large"
        case 500: "Internal error"
        case 501: "Not implemented"
        case 503: "Service unavailable"
        case 505: "HTTP version not supported"
        default: "Error"
        }
    }
}
