/// The quota as the file sees it.
extension Connection {
    /// Whether the file has as many pages as it may (`max_page_count`): FULL then means the quota, not the disk.
    package var isAtPageQuota: Bool {
        guard let quota = try? setMaxPageCount(0), let count = try? pageCount else { return false }
        return count >= quota
    }
}
