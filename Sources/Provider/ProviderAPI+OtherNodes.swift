import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// What the other nodes of a cluster know and this one does not (N5): they are asked, or what they saved is read.
extension ProviderAPI {
    /// What the other nodes that live say to this call, each for itself; those that are silent are left out. None on a
    /// node by itself, nor to a call that another node makes. `path`: below the API's own.
    func askOthers(_ path: String, _ call: Call, _ steps: Steps) async throws -> [NodeName: JSON] {
        guard !call.isPassedOn, let ask = watch.asking else { return [:] }
        let answers: [NodeName: [UInt8]] = try await steps.callback { [questions = watch.questions] done in
            questions.ask(basePath + path, call.requestID, by: ask) { done(.success($0)) }
        }
        return answers.compactMapValues { try? JSON.parse($0) }
    }

    /// What others have saved of their tenants among these; none on a node by itself, and none while the cluster's log
    /// is away and the registry cannot be read.
    func figuresElsewhere(
        of records: [TenantRecord], _ steps: Steps
    ) async throws -> [TenantID: TenantFigures] {
        let elsewhere = records.map(\.id).filter { !fleet.isServedHere($0) }
        if elsewhere.isEmpty { return [:] }
        return try await steps.callback { done in
            fleet.figures(of: elsewhere) { result in done(.success((try? result.get()) ?? [:])) }
        }
    }
}

/// What another node's answer holds. Of a program of another version a member may be missing.
extension JSON {
    var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var count: Int { if case .number(let number) = self { Int(clamping: number.integer() ?? 0) } else { 0 } }
}
