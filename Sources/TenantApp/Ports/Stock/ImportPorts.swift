package import CallKit
package import HTTPCore
package import TenantRegistry

/// Adds slots to the stock of ports: all rows or none, duplicates and every other fault with its row (O9).
/// `@unchecked Sendable`: as `StagedImport`.
package final class ImportPorts: StagedImport, @unchecked Sendable {
    private var file: PortStockFile
    private let book: Book
    private let importID: Int64
    private var staged = 0
    package var progress = ImportProgress()

    package init(_ file: PortStockFile, book: Book, importID: Int64) {
        self.file = file
        self.book = book
        self.importID = importID
    }

    package var isAtEnd: Bool { file.isAtEnd }

    package func read(_ rowsMax: Int, errors: inout [FieldError], into rows: inout [PortStockRow]) -> Bool {
        file.next(rowsMax, errors: &errors, into: &rows)
    }

    package func resolve(
        _ rows: [PortStockRow], _ names: inout ImportedNames, _ tenant: TenantReader, errors: inout [FieldError]
    ) throws -> [StagedSlot] {
        var slots: [StagedSlot] = []
        // A row that is a range is wrong once.
        var wrong: Set<String> = []
        var countries: [String: Int64] = [:]
        var devices: [String: StockedDevice] = [:]
        for (index, row) in rows.enumerated() where !wrong.contains(row.pointer) {
            func fail(_ field: String, _ code: String, _ detail: String) {
                errors.append(row.error(field, code, detail))
                wrong.insert(row.pointer)
            }
            if countries[row.country] == nil { countries[row.country] = try tenant.portCountry(row.country)?.id }
            guard let country = countries[row.country] else {
                fail("country", "unknown", "there is no country \(row.country); set its price first")
                continue
            }
            let device = row.device(countryID: country)
            if devices[row.device] == nil, let found = try tenant.portDevice(named: row.device, book: book) {
                devices[row.device] = found
            }
            if let known = devices[row.device], known.state == .closing {
                fail("device", "conflict", "the device is being taken out")
                continue
            }
            if let known = devices[row.device], known.state == .active, known.device != device {
                fail("device", "conflict", "the device is known with another address, place, carrier or mode")
                continue
            }
            switch try tenant.standing(ofSlot: row.serverIP, http: row.httpPort, socks: row.socksPort, book: book) {
            case .free, .withdrawn: slots.append(StagedSlot(place: staged + index, row: row, device: device))
            case .taken:
                fail(
                    "http_port", "duplicate", "\(row.serverIP):\(row.httpPort)/\(row.socksPort) is in stock already")
            }
        }
        return slots
    }

    package func note(_ staged: [StagedSlot], errors: inout [FieldError]) { self.staged += staged.count }

    package func stage(_ rows: [StagedSlot], _ tenant: TenantTransaction) throws {
        try tenant.stage(rows, importID: importID)
    }

    package func discard(rowsMax: Int, _ tenant: TenantTransaction) throws -> Bool {
        try tenant.discardStagedSlots(importID: importID, rowsMax: rowsMax)
    }

    package func apply() throws(Refusal) -> Work {
        guard staged > 0 else { throw .field("/ports", "required", "there is no row") }
        let (importID, count, book) = (importID, staged, book)
        return .write { tenant, detail in
            // Another import, or a restore, has come in between.
            guard let newDevices = try tenant.applyStagedSlots(importID: importID, count: count, book: book) else {
                throw Refusal.unavailable(.importInterrupted)
            }
            detail.note("ports", String(count))
            return .json(201) { json in
                json.field("ok", true)
                json.field("imported", count)
                json.field("new_devices", newDevices)
                json.field("mode", book.name)
            }
        }
    }
}
