import Foundation
import SQLite
import Synchronization

/// Files with the schema and nothing else, for new tenants: the schema is run once in a process, and after the first
/// creation a few copies lie ready in `blank`, so that a creation need not wait until half a megabyte is written.
/// Any thread.
final class BlankFiles: Sendable {
    static let readyMax = 4

    private struct State {
        var content: [UInt8]?
        var ready: [String] = []
        var isPreparing = false
        var named = 0
    }

    private let data: DataDirectory
    private let schema: TenantSchema
    private let background: BackgroundPool
    private let state = Mutex(State())

    init(data: DataDirectory, schema: TenantSchema, background: BackgroundPool) {
        self.data = data
        self.schema = schema
        self.background = background
    }

    /// Puts one where nothing lies yet. Neither it nor its folder is synced.
    func place(at path: String) throws {
        let ready = state.withLock { $0.ready.popLast() }
        if let ready {
            try DataDirectory.rename(ready, to: path)
        } else {
            try DataDirectory.writeNew(content(), to: path, isSynced: false)
        }
        prepare()
    }

    /// Has the pool fill up what was taken. Where that fails the next creation writes for itself, and says why it
    /// cannot.
    private func prepare() {
        let isDue = state.withLock { state in
            if state.isPreparing || state.ready.count >= Self.readyMax { return false }
            state.isPreparing = true
            return true
        }
        guard isDue else { return }
        let isTaken = background.submit { [self] in
            var goesOn = true
            while goesOn {
                let path = state.withLock { newPath(&$0) }
                let made = Result { try DataDirectory.writeNew(content(), to: path) }
                goesOn = state.withLock { state in
                    if case .success = made { state.ready.append(path) }
                    if case .success = made, state.ready.count < Self.readyMax { return true }
                    state.isPreparing = false
                    return false
                }
                if case .failure = made { DataDirectory.remove(path) }
            }
        }
        if !isTaken { state.withLock { $0.isPreparing = false } }
    }

    private func newPath(_ state: inout State) -> String {
        state.named += 1
        return data.blankPath(state.named)
    }

    private func content() throws -> [UInt8] {
        try state.withLock { state in
            if let known = state.content { return known }
            let path = newPath(&state)
            defer { for suffix in ["", "-wal"] { DataDirectory.remove(path + suffix) } }
            let connection = try Connection(path: path, flags: [.readWrite, .create])
            do {
                defer { connection.close() }
                try connection.configureLive()
                try connection.setApplicationID(CoreSchema.applicationID)
                try Migrator.migrate(connection, schema.migrations)
                // Migrations leave pages behind that nothing uses.
                try connection.execute("VACUUM")
                try connection.checkpoint(.truncate)
            }
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw DataDirectory.Failure.unusable(path, "it cannot be read")
            }
            state.content = Array(bytes)
            return Array(bytes)
        }
    }
}
