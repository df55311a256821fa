import TenantRegistry

/// Whether a node that starts can go on in its archive, where that has the node's log (B3). Of the thread `archive`.
extension LogShipper {
    /// Why the log cannot be followed from a place; nil where it can.
    func doesNotFollow(_ place: NodeLog.Place) -> String? {
        if place.lsn > log.durable { return "the log ends at \(log.durable), before \(place.lsn)" }
        do {
            _ = try log.forEachFrame(from: place, bytesMax: 1) { _, _, _ in }
            return nil
        } catch {
            return "the log does not go on where it was left (\(place.lsn) of \(log.beginning.lsn)…: \(error))"
        }
    }

    /// Why what was put behind the last object that is written down is not of this log; nil where it is, and where the
    /// archive does not say. A data folder that was put back as a whole knows nothing of what was put since its copy:
    /// that would be read as its own. Throws where the archive is away for a moment: nothing is put before it has said.
    func goesOnOtherwise() throws -> String? {
        let end: NodeLog.Place?
        do {
            end = try newestEnd()
        } catch StoreFailure.away(let reason) {
            throw StoreFailure.away(reason)
        } catch {
            return nil
        }
        return end.flatMap(doesNotFollow).map { "it has what came behind this data folder's copy: \($0)" }
    }

    /// Up to where it has the log; nil where nothing was put behind what is written down.
    private func newestEnd() throws -> NodeLog.Place? {
        let archive = try Archive.forReading(store)
        let known = try ledger.ends().last { $0.node == ledger.node }
        for name in try store.all("\(ArchivePlace.log)/\(ledger.node)/", after: known?.text ?? "").reversed() {
            guard let place = LogObjectPlace(ArchivePlace.place(of: name)), known.map({ place > $0 }) ?? true else {
                continue
            }
            var end: NodeLog.Place?
            try LogObject(reading: archive.object(name, under: key), name).forEachFrame(name) { frame, _ in
                end = NodeLog.Place(lsn: frame.end, chain: frame.chain)
            }
            if let end { return end }
        }
        return nil
    }
}
