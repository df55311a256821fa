import CallKit
import SQLite
package import TenantRegistry

/// How an endpoint has answered of late (H3, H5). Test-sends and failures of ours are in none of it.
package struct EndpointHealth: Sendable, Equatable {
    /// Nothing but failures for so long disables it …
    package static let failingDaysMax: Int64 = 5
    /// … where two of them lie so far apart …
    package static let failuresApartHours: Int64 = 12
    /// … and none comes after a longer silence, which begins anew: what failed long ago says nothing of today.
    package static let silenceDaysMax: Int64 = 7
    /// So many in a row are told to the operator; fewer come of a receiver that restarts.
    package static let failuresTold: Int64 = 5
    /// Of a row `h` of the table: it is to be told.
    static let isFailing = "h.failures_in_row >= \(failuresTold)"

    /// The first failure since its last 2xx.
    package internal(set) var failingSince: Timestamp?
    package internal(set) var failuresInRow: Int64 = 0
    package internal(set) var lastFailureAt: Timestamp?
    package internal(set) var lastSuccessAt: Timestamp?
    package internal(set) var lastOutcome: AttemptOutcome?
    package internal(set) var lastStatus: Int64?
    /// What the last attempts came to, oldest first: `+` for a 2xx, `-` for anything else. Enabling keeps it.
    package internal(set) var recent = ""
    package static let recentMax = 50

    package static let unknown = EndpointHealth()

    static let columns = Columns<EndpointHealth>(
        "failing_since", "failures_in_row", "last_failure_at", "last_success_at", "last_outcome", "last_status",
        "recent")
    fileprivate static let ofEndpoint = Statement("SELECT \(columns) FROM endpoint_health WHERE endpoint_id = ?1")
    fileprivate static let saved = Statement(
        """
        INSERT INTO endpoint_health (endpoint_id, \(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (endpoint_id) DO UPDATE SET \(columns.taken)
        """)

    private init() {}

    init(_ row: inout RowReader) throws {
        failingSince = try row.optionalTime()
        failuresInRow = try row.int()
        lastFailureAt = try row.optionalTime()
        lastSuccessAt = try row.optionalTime()
        lastOutcome = try row.optionalValue()
        lastStatus = try row.optionalInt()
        recent = try row.text()
    }

    package static let recentWords = ["delivered", "failed"]
    package var recentWords: [String] { recent.map { Self.recentWords[$0 == "+" ? 0 : 1] } }

    mutating func remember(isFailure: Bool) { recent = recent.suffix(Self.recentMax - 1) + (isFailure ? "-" : "+") }

    /// It begins anew; what its last attempts came to stays.
    var forgotten: EndpointHealth {
        var health = Self.unknown
        health.recent = recent
        return health
    }

    /// The last attempt that counts.
    package var lastAt: Timestamp? {
        guard let lastFailureAt, let lastSuccessAt else { return lastFailureAt ?? lastSuccessAt }
        return max(lastFailureAt, lastSuccessAt)
    }
}

extension TenantReader {
    package func health(ofEndpoint id: Int64) throws -> EndpointHealth {
        try connection.row(EndpointHealth.ofEndpoint, .integer(id), read: EndpointHealth.init) ?? .unknown
    }
}

extension TenantTransaction {
    func save(_ health: EndpointHealth, ofEndpoint id: Int64) throws {
        try connection.run(
            EndpointHealth.saved, .integer(id), .optional(health.failingSince), .integer(health.failuresInRow),
            .optional(health.lastFailureAt), .optional(health.lastSuccessAt), .optional(health.lastOutcome?.rawValue),
            .optional(health.lastStatus), .text(health.recent))
    }
}
