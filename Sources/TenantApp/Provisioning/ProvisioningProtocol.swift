package import CallKit
import HTTPCore
package import TenantRegistry

/// One call to a provisioner as it goes over the wire (W13, docs/provisioning.md): the verb, or the question what
/// became of it. A value: any thread.
package struct ProvisioningRequest: Sendable {
    /// Below the tenant's base URL, followed by the service.
    package static let callbackPath = "/api/provisioning"

    package let url: String
    package let isPoll: Bool
    package let body: [UInt8]
    /// `{service}:{verb}:{n}`: the same however often it is asked.
    package let key: String
    private let secret: [UInt8]

    package init(_ task: ProvisioningTask, to access: ProvisionerAccess) {
        let callbackURL = "\(access.baseURL)\(Self.callbackPath)/\(task.service)"
        key = "\(task.service):\(task.verb.rawValue):\(task.n)"
        isPoll = task.isPoll
        secret = access.secret
        guard !task.isPoll else {
            url = access.url.url(of: "\(task.service)/\(task.verb.rawValue)/\(task.n)")
            body = []
            return
        }
        url = access.url
        body = JSONWriter.object { json in
            json.field("verb", task.verb.rawValue)
            json.field("service", task.service)
            json.field("n", task.n)
            json.field("order", task.order)
            json.field("product", task.product)
            json.field("term", task.term)
            json.field("quantity", 1)
            json.object("customer") { json in
                json.field("external_id", task.customerExternalID)
                json.field("email", task.customerEmail)
                json.field("name", task.customerName)
            }
            json.field("reseller", task.reseller)
            json.field("callback_url", callbackURL)
            if task.isDryRun { json.field("dry_run", true) }
        }
    }

    /// Signed when it is sent.
    package func headers(at now: Timestamp) -> [(name: String, value: String)] {
        WebhookSignature.headers(id: key, at: now, secrets: [secret], body: body) + [
            ("Idempotency-Key", key), ("Accept", "application/json"), ("User-Agent", "Tollgate"),
        ]
    }
}

/// What a provisioner's answer or callback says.
package enum ProvisioningReading {
    package static let answerBytesMax = 64 << 10

    /// By status and body.
    package static func read(
        status: Int, body: [UInt8], of verb: ProvisioningVerb, at now: Timestamp
    ) -> (answer: ProvisioningAnswer, news: ProvisioningNews) {
        func news(_ outcome: String, _ excerpt: String? = nil) -> ProvisioningNews {
            ProvisioningNews(at: now, outcome: outcome, status: Int64(status), excerpt: excerpt)
        }
        switch status {
        case 200..<300:
            switch content(body) {
            case .success(let answer): return (answer, news(answer.name, answer.reason))
            case .failure where verb == .terminate && status != 202: return (.ready(nil), news("ready"))
            // An answer that means well may hold credentials: why it cannot be read is told, and nothing of it.
            case .failure(let fault): return (.unclear, news("unreadable", fault.reason))
            }
        case 404, 410: return (.absent, news("absent", excerpt(body)))
        case 408, 409, 425, 429: return (.unclear, news("status", excerpt(body)))
        case 400..<500: return (.failed(reason(body)), news("refused", excerpt(body)))
        case 300..<400: return (.unclear, news("redirect"))
        default: return (.unclear, news("status", excerpt(body)))
        }
    }

    /// What went wrong describes the network that the node stands in: one word of it is told (H6).
    package static func outcome(of failure: OutboundFailure) -> String {
        switch failure {
        case .unanswered: "unanswered"
        case .timedOut: "timed_out"
        case .untrusted: "untrusted"
        case .tooLong: "too_long"
        }
    }

    package struct Fault: Error, Sendable {
        package let reason: String
    }

    /// `{state: ready, details?}`, `{state: pending}`, `{state: failed, reason?}`; other members are theirs.
    package static func content(_ body: [UInt8]) -> Result<ProvisioningAnswer, Fault> {
        let json: JSON
        do throws(JSONError) {
            json = try JSON.parse(sent: body)
        } catch {
            return .failure(Fault(reason: "It is not valid JSON: \(error)."))
        }
        guard case .object = json else { return .failure(Fault(reason: "It is no JSON object.")) }
        switch json["state"] {
        case .string("ready"):
            guard let sent = json["details"], sent != .null else { return .success(.ready(nil)) }
            do throws(ServiceDetails.Fault) {
                return .success(.ready(try ServiceDetails(sent)))
            } catch {
                return .failure(Fault(reason: "Its details cannot be used: \(error.detail)."))
            }
        case .string("pending"): return .success(.pending)
        case .string("failed"): return .success(.failed(told(json["reason"])))
        default: return .failure(Fault(reason: "Its state is none of ready, pending, failed."))
        }
    }

    /// The reason of a refusal, from JSON that has one; problem details have theirs.
    private static func reason(_ body: [UInt8]) -> String? {
        guard let json = try? JSON.parse(sent: body) else { return nil }
        return told(json["reason"]) ?? told(json["detail"])
    }

    private static func told(_ json: JSON?) -> String? {
        guard case .string(let text)? = json else { return nil }
        let clean = printable(text.unicodeScalars, max: reasonCharactersMax)
        return clean.isEmpty ? nil : clean
    }

    package static let reasonCharactersMax = 500

    /// The beginning of an answer, on one line, without what may be credentials (O10).
    private static func excerpt(_ body: [UInt8]) -> String? {
        let text = String(decoding: withoutDetails(body).prefix(ProvisioningNews.excerptBytesMax), as: UTF8.self)
        let clean = printable(text.unicodeScalars, max: ProvisioningNews.excerptBytesMax)
        return clean.isEmpty ? nil : clean
    }

    /// Credentials stand in `details`, whatever the status of the answer: a conflict may say what is there already.
    ///
    /// JSON loses each member of that name. What is no JSON, an answer that was cut off say, ends before the name.
    private static func withoutDetails(_ body: [UInt8]) -> ArraySlice<UInt8> {
        guard let json = try? JSON.parse(sent: body) else {
            return body.prefix(upTo: body.firstRange(of: detailsName.utf8)?.lowerBound ?? body.endIndex)
        }
        guard let rest = withoutDetails(json) else { return body[...] }
        return rest.encoded()[...]
    }

    /// Nil: there are none in it.
    private static func withoutDetails(_ json: JSON) -> JSON? {
        switch json {
        case .null, .bool, .number, .string: return nil
        case .array(let elements):
            let rest = elements.map(withoutDetails)
            guard rest.contains(where: { $0 != nil }) else { return nil }
            return .array(zip(elements, rest).map { $1 ?? $0 })
        case .object(let members):
            let kept = members.filter { $0.name != detailsName }
            let rest = kept.map { withoutDetails($0.value) }
            guard kept.count < members.count || rest.contains(where: { $0 != nil }) else { return nil }
            return .object(zip(kept, rest).map { JSONMember(name: $0.name, value: $1 ?? $0.value) })
        }
    }

    private static let detailsName = "details"

    /// Control characters and what turns the direction of writing become spaces.
    private static func printable(_ text: String.UnicodeScalarView, max: Int) -> String {
        var clean = String.UnicodeScalarView()
        for scalar in text.prefix(max) {
            clean.append(isPrintable(scalar) ? scalar : " ")
        }
        return String(clean).split(separator: " ").joined(separator: " ")
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}

extension ProvisioningAnswer {
    fileprivate var reason: String? {
        if case .failed(let reason) = self { reason } else { nil }
    }
}

extension String {
    /// The URL of what is under this one: its path goes on, and a query of its stays behind it.
    fileprivate func url(of path: String) -> String {
        let query = firstIndex(of: "?") ?? endIndex
        let place = self[..<query]
        return "\(place.hasSuffix("/") ? place.dropLast() : place)/\(path)\(self[query...])"
    }
}
