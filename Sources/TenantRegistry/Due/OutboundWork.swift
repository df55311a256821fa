/// Work of a kind that is done outside the files: webhooks, provisioners.
package protocol OutboundWork: Sendable {
    var kind: DueKind { get }

    /// Something of it is due in this tenant's file, or may be: asks the file and does it. Called once the
    /// commit that made it due is durable, and when its hour comes. On any thread; returns at once, and must not block.
    ///
    /// What is due and finds no room is its own to remember; it is woken again after a minute all the same.
    func wake(_ record: TenantRecord)
}
