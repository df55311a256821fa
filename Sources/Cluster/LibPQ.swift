import CPostgres
import TenantRegistry

/// PostgreSQL's own client library, loaded at the first use. Any thread.
enum LibPQ {
    /// Throws `.refused` where it is not installed.
    static func load() throws(SharedLogError) -> tollgate_libpq {
        if let library = tollgate_libpq_load() { return library.pointee }
        let missing = tollgate_libpq_missing().map { String(cString: $0) } ?? "libpq.so.5"
        throw .refused(
            "a cluster needs PostgreSQL's client library, 14 or later, and \(missing) is not there: "
                + "apt-get install libpq5")
    }

    // libpq-fe.h: ConnStatusType, PostgresPollingStatusType, ExecStatusType.
    static let connectionOK: Int32 = 0
    static let pollingReading: Int32 = 1
    static let pollingWriting: Int32 = 2
    static let pollingOK: Int32 = 3
    static let commandOK: Int32 = 1
    static let tuplesOK: Int32 = 2
    static let singleTuple: Int32 = 9
    static let pipelineSync: Int32 = 10
    // PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY.
    static let fieldSQLState = Int32(UInt8(ascii: "C"))
    static let fieldMessage = Int32(UInt8(ascii: "M"))
}
