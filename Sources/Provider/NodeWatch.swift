import Synchronization
package import TenantRegistry

/// One figure of the node's health, as people look at it. A value: any thread.
package struct NodeFigure: Sendable {
    package enum Severity: String, Sendable, CaseIterable {
        case good, warn, bad
    }

    package let group: String
    /// As `/metrics` has it, without the prefix.
    package let name: String
    package let title: String
    package let value: Int64
    package let unit: String
    package let level: Severity

    package init(
        _ group: String, _ name: String, _ title: String, _ value: Int64, unit: String = "", level: Severity = .good
    ) {
        self.group = group
        self.name = name
        self.title = title
        self.value = value
        self.unit = unit
        self.level = level
    }
}

/// What the running gateway knows of itself, and its provider's API does not: given once it runs. Any thread.
package final class NodeWatch: Sendable {
    package typealias Source = @Sendable () -> [NodeFigure]
    /// Makes a call of the provider's, named by its target, at every other node of the cluster that lives, under the
    /// request's id. Calls back once, within a bounded time, with the bodies of the answers that were 200.
    package typealias Asking =
        @Sendable (
            _ target: String, _ requestID: RequestID, _ then: @escaping @Sendable ([NodeName: [UInt8]]) -> Void
        ) -> Void

    private let source = Mutex<Source>({ [] })
    private let asker = Mutex<Asking?>(nil)
    let questions = SharedQuestions()

    package init() {}

    package func attach(_ source: @escaping Source) { self.source.withLock { $0 = source } }
    package func attach(asking: @escaping Asking) { asker.withLock { $0 = asking } }

    /// Looks at every tenant and at `/proc`: not on a loop.
    var figures: [NodeFigure] { source.withLock { $0 }() }

    /// Nil on a node by itself.
    var asking: Asking? { asker.withLock { $0 } }
}

/// Questions to other nodes, one of a kind at a time: whoever comes while one is under way shares the next, which
/// begins after it came. So however many ask, the others do the work of two. Any thread.
final class SharedQuestions: Sendable {
    typealias Then = @Sendable ([NodeName: [UInt8]]) -> Void

    /// By target, who waits for the next; there is an entry while one is under way.
    private let waiting = Mutex<[String: [Then]]>([:])

    func ask(_ target: String, _ requestID: RequestID, by ask: @escaping NodeWatch.Asking, then: @escaping Then) {
        let begins = waiting.withLock { waiting in
            if waiting[target] != nil {
                waiting[target]?.append(then)
                return false
            }
            waiting[target] = []
            return true
        }
        if begins { run(target, requestID, ask, for: [then]) }
    }

    private func run(_ target: String, _ requestID: RequestID, _ ask: @escaping NodeWatch.Asking, for askers: [Then]) {
        ask(target, requestID) { [self] answers in
            for then in askers { then(answers) }
            let next = waiting.withLock { waiting -> [Then] in
                let next = waiting[target] ?? []
                waiting[target] = next.isEmpty ? nil : []
                return next
            }
            if !next.isEmpty { run(target, requestID, ask, for: next) }
        }
    }
}
