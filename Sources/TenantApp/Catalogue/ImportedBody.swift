import CallKit
import HTTPCore

extension Call {
    /// The body is a list in CSV, by its media type: where JSON is taken too, it alone tells.
    var sendsCSV: Bool { head.value(of: .contentType)?.lowercased().hasPrefix("text/csv") ?? false }
}

extension JSON {
    /// A body that is an import in JSON. CSV is recognised by its media type alone.
    static func imported(_ body: [UInt8], bytesMax: Int) throws(Refusal) -> JSON {
        if body.count > bytesMax { throw .tooLarge(bytesMax: bytesMax) }
        do throws(JSONError) {
            return try parse(ByteOrderMark.without(body))
        } catch {
            throw .unparseable("The body is not valid JSON: \(error). CSV is sent with Content-Type: text/csv.")
        }
    }
}
