import CallKit
package import Cryptography
import HTTPCore
import SQLite
package import TenantApp
package import TenantRegistry

extension TenantReader {
    /// So many orders of arrival are tried.
    private static var arrivals: Int { 20 }

    /// Objects that the API shows otherwise than a receiver has them in the end that is told of every event and keeps
    /// of each object what has the highest revision (H1), in whatever order events arrive.
    package func untold<Object: EventObject>(_ objects: [Object], _ random: SeededRandom) throws -> [String] {
        var events = try connection.rows("SELECT object, revision, body FROM event ORDER BY id") {
            (object: try $0.text(), revision: try $0.int(), body: try $0.text())
        }
        let shown = objects.map { object in
            let bytes = JSONWriter.object { json in Object.told.write(object, in: currency, to: &json) }
            return (object: object.publicID, data: "\"data\":" + String(decoding: bytes.dropLast(), as: UTF8.self))
        }
        var found: Set<String> = []
        for _ in 0..<Self.arrivals {
            for last in events.indices.dropFirst().reversed() {
                events.swapAt(last, Int(random.below(UInt64(last) + 1)))
            }
            var kept: [String: (revision: Int64, body: String)] = [:]
            for event in events where event.revision > kept[event.object]?.revision ?? 0 {
                kept[event.object] = (event.revision, event.body)
            }
            for (object, data) in shown {
                // What an event says beside its object stands behind it.
                let body = kept[object]?.body ?? ""
                if !body.contains(data + ",") && !body.contains(data + "}") { found.insert(object) }
            }
        }
        return found.sorted()
    }
}
