package import CallKit
package import HTTPCore
package import TenantRegistry

/// Proxy ports (X; docs/proxy-ports.md): a reseller prices, keeps customers, buys ports for them and rotates them. Its
/// JSON is camelCase, ids are `_id`, amounts are numbers, times are milliseconds since 1970.
package struct ProxyPorts: Dialect {
    package static let scopes: NamedScopes = [.customersRead, .customersWrite, .portsRead, .portsWrite]
    package let name = "proxy_ports"
    package let title = "Proxy ports"
    package let basePath = "/v1"

    package init() {}

    package let routes: [Route] =
        account + sessions + topUps + pricebook + customers + ports + analytics + webhooks + documents

    package let credentials: [CredentialPlace] = [.header("X-API-Key"), .bearer]
    package var errorContentType: StaticString { "application/json" }
    package var errorSchema: Schema { ["statusCode": .integer, "error": .string, "message": .string] }

    /// `X-API-Key`; a token of somebody signed in stands in `Authorization`.
    package func credential(in head: RequestHead) -> Range<Int>? { head.range(of: .apiKey) ?? head.bearer }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        .refused(
            refusal, contentType: errorContentType, body: Self.envelope(refusal), challenge: "ApiKey, Bearer")
    }

    /// `{statusCode, error, message}`.
    private static func envelope(_ refusal: Refusal) -> [UInt8] {
        JSONWriter.object { json in
            json.field("statusCode", refusal.status)
            json.field("error", phrase(refusal.status))
            json.field("message", message(refusal))
        }
    }

    private static func message(_ refusal: Refusal) -> String {
        switch refusal {
        case .insufficientBalance(let required, let available, let currency):
            let digits = currency.minorUnitDigits
            return "Insufficient balance: \(required.decimal(minorUnitDigits: digits)) \(currency.code) required, "
                + "\(available.decimal(minorUnitDigits: digits)) \(currency.code) available"
        case .invalid(let errors):
            return errors.map { "\($0.pointer.isEmpty ? "body" : String($0.pointer.dropFirst())) \($0.detail)" }
                .joined(separator: "; ")
        default: return refusal.detail
        }
    }

    /// RFC 9110's names of the statuses.
    private static func phrase(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 402: "Payment Required"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        default: Problem.title(status)
        }
    }

    /// `{<name>: […], hasMore, nextCursor}` of rows that were fetched by `page.fetch`.
    static func list<Element>(
        _ name: StaticString, _ rows: [Element], _ page: Paging, id: (Element) -> Int64,
        _ write: (Element, inout JSONWriter) throws -> Void
    ) rethrows -> Answer {
        let shown = rows.prefix(page.limit)
        return try .json { json in
            try json.array(name) { json in
                for row in shown { try json.object { json in try write(row, &json) } }
            }
            json.field("hasMore", rows.count > page.limit)
            json.field("nextCursor", rows.count > page.limit ? shown.last.map { page.text(behind: id($0)) } : nil)
        }
    }

    static func list<Element>(
        _ name: StaticString, _ rows: [Element], _ page: Paging, id: (Element) -> Int64, _ shape: Shape<Element>,
        in currency: Currency
    ) -> Answer {
        list(name, rows, page, id: id) { row, json in shape.write(row, in: currency, to: &json) }
    }
}

extension NamedScopes {
    static let customersRead = NamedScopes("customers:read", bit: 4)
    static let customersWrite = NamedScopes("customers:write", bit: 5)
    static let portsRead = NamedScopes("ports:read", bit: 6)
    static let portsWrite = NamedScopes("ports:write", bit: 7)
    /// One of them is enough for price book and webhooks (X1).
    static let writes: NamedScopes = [.customersWrite, .portsWrite]
}
