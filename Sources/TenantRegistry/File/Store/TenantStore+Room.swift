extension TenantStore {
    /// Holds the file to its tenant's quota of bytes, in pages, from now on.
    func hold(toPages quota: Int64) throws { try room.hold(connection, toPages: quota) }

    package func openReserve(_ reserve: PageReserve) { room.openReserve(reserve, of: connection) }
}
