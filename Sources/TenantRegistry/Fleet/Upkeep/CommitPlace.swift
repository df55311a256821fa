/// Where a node's tenants' commits become durable (B1).
package enum CommitPlace: String, Sendable, CaseIterable {
    /// Each in the WAL beside its file, with a sync of its own.
    case files
    /// In the one log of the node; the files follow.
    case log
}
