import Synchronization

/// One figure of the node's health, as people look at it. A value: any thread.
package struct NodeFigure: Sendable {
    package enum Level: String, Sendable, CaseIterable {
        case good, warn, bad
    }

    package let group: String
    /// As `/metrics` has it, without the prefix.
    package let name: String
    package let title: String
    package let value: Int64
    package let unit: String
    package let level: Level

    package init(
        _ group: String, _ name: String, _ title: String, _ value: Int64, unit: String = "", level: Level = .good
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

    private let source = Mutex<Source>({ [] })

    package init() {}

    package func attach(_ source: @escaping Source) { self.source.withLock { $0 = source } }

    /// Looks at every tenant and at `/proc`: not on a loop.
    var figures: [NodeFigure] { source.withLock { $0 }() }
}
