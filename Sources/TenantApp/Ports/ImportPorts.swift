package import CallKit
import HTTPCore
package import TenantRegistry

/// Adds slots to the stock of ports: all rows or none, duplicates and every other fault with its row (O9).
package struct ImportPorts: Sendable {
    package struct Result: Sendable {
        package let slots: Int
        package let newDevices: Int
    }

    package let rows: [PortStockRow]
    package let book: Book

    package static let errorsMax = 100

    package init(rows: [PortStockRow], book: Book) {
        self.rows = rows
        self.book = book
    }

    private struct Known {
        let id: Int64
        let device: PortDevice
        var slots: Int64 = 0
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Result {
        var errors: [FieldError] = []
        var countries: [String: Int64] = [:]
        var devices: [String: Known] = [:]
        var newDevices = 0
        for row in rows where errors.count < Self.errorsMax {
            if countries[row.country] == nil { countries[row.country] = try tenant.portCountry(row.country)?.id }
            guard let country = countries[row.country] else {
                errors.append(
                    row.error("country", "unknown", "there is no country \(row.country); set its price first"))
                continue
            }
            let device = row.device(countryID: country)
            if devices[row.device] == nil, let found = try tenant.portDevice(named: row.device, book: book) {
                devices[row.device] = Known(id: found.id, device: found.device)
            }
            if let known = devices[row.device], known.device != device {
                errors.append(
                    row.error("device", "conflict", "the device is known with another address, place, carrier or mode"))
                continue
            }
            for slot in row.slots {
                let isTaken = try tenant.hasPortSlot(
                    serverIP: row.serverIP, httpPort: slot.http, socksPort: slot.socks, book: book)
                guard !isTaken else {
                    errors.append(
                        row.error(
                            "http_port", "duplicate", "\(row.serverIP):\(slot.http)/\(slot.socks) is in stock already"))
                    break
                }
                if devices[row.device] == nil {
                    devices[row.device] = Known(id: try tenant.insertPortDevice(device, book: book), device: device)
                    newDevices += 1
                }
                guard let known = devices[row.device] else { throw Refusal.defect }
                try tenant.insertPortSlot(
                    device: known.id, serverIP: row.serverIP, httpPort: slot.http, socksPort: slot.socks, book: book)
                devices[row.device]?.slots += 1
            }
        }
        guard errors.isEmpty else { throw Refusal.invalid(errors) }
        for known in devices.values { try tenant.addCapacity(known.slots, toDevice: known.id) }
        let slots = rows.reduce(0) { $0 + $1.slots.count }
        detail.note("ports", String(slots))
        return Result(slots: slots, newDevices: newDevices)
    }
}
