package import HTTPCore

/// An answer as a client reads it. A value.
package struct TestResponse: Sendable {
    package let status: Int
    package let fields: [(name: String, value: String)]
    package let body: [UInt8]

    /// `head`: fields alone, each with its line end.
    init(status: Int, head: String, body: [UInt8]) {
        self.status = status
        self.body = body
        fields = head.split(separator: "\r\n").compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            return (String(parts[0]), String(parts[1].drop { $0 == " " }))
        }
    }

    /// A field's value, whatever the case of its name.
    package func field(_ name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    package var text: String { String(decoding: body, as: UTF8.self) }
    package var json: JSON { (try? JSON.parse(body)) ?? .null }

    /// A member of the body as text; nil where there is none, or where it is no text, number or flag.
    package subscript(_ path: String...) -> String? {
        var place: JSON? = json
        for name in path {
            if case .array(let elements)? = place, let index = Int(name) {
                place = elements.indices.contains(index) ? elements[index] : nil
            } else {
                place = place?[name]
            }
        }
        switch place {
        case .string(let text): return text
        case .number(let number): return number.text
        case .bool(let flag): return String(flag)
        default: return nil
        }
    }

    /// The elements of a list's `data`.
    package var data: [JSON] { if case .array(let rows) = json["data"] { rows } else { [] } }
    /// A problem document's code (RFC 9457).
    package var code: String? { self["code"] }

    /// The cookie that it sets, as a browser sends it back.
    package var cookie: String? { field("Set-Cookie").flatMap { $0.split(separator: ";").first }.map(String.init) }

    /// What the page's first form carries beside the cookie.
    package var formToken: String? {
        guard let start = text.firstRange(of: "name=\"_token\" value=\"") else { return nil }
        return text[start.upperBound...].split(separator: "\"").first.map(String.init)
    }
}

extension JSON {
    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var number: String? { if case .number(let number) = self { number.text } else { nil } }
}
