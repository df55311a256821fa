import CSQLite

/// Settings of the SQLite library itself, made once before its first use.
enum Library {
    /// Each connection has one owner at a time, so SQLite needs no lock of its own; its count of all memory is one
    /// mutex that every thread would meet at. A page's memory is taken when the page is read: not for twenty of them as
    /// soon as a file is opened.
    static let vfs: String? = {
        _ = tollgate_sqlite3_config_flag(SQLITE_CONFIG_MULTITHREAD, 0)
        _ = tollgate_sqlite3_config_flag(SQLITE_CONFIG_MEMSTATUS, 0)
        _ = tollgate_sqlite3_config_page_cache(nil, 0, 0)
        sqlite3_initialize()
        return GatheringVFS.install() ? GatheringVFS.name : nil
    }()

    /// For files whose commits go to a sink.
    static let loggingVFS: String? = vfs != nil && LoggingVFS.install() ? LoggingVFS.name : nil
}
