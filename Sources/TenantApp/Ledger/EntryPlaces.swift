/// Where a posting's entries stand. Postings and entries are written together, one and two, and never deleted: those of
/// posting n are 2n - 1 and 2n, so that no index has to say so (0018). Entries that stand elsewhere, since somebody put
/// them there, have an index of their own.
enum EntryPlaces {
    /// The condition that a row of `entry`, by the name that the statement has for it, is the posting's.
    static func of(_ posting: String, _ entry: String = "entry") -> String {
        """
        ((\(entry).id BETWEEN 2 * \(posting) - 1 AND 2 * \(posting) AND \(entry).posting_id = \(posting)) \
        OR (\(entry).posting_id = \(posting) AND \(entry).posting_id <> (\(entry).id + 1) / 2))
        """
    }

    /// The most that an entry of the posting moves: what the posting is about.
    static func amount(of posting: String) -> String { "(SELECT max(amount) FROM entry WHERE \(of(posting)))" }
}
