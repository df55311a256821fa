"""Moving a tenant (P10) and backing the node up (P11)."""

from table import Mutant

IMPORT = "Sources/TenantRegistry/Fleet/Fleet+Import.swift"
REGISTRY = "Sources/TenantRegistry/Registry/Registry.swift"
SECRETS = "Sources/TenantRegistry/Registry/Registry+Secrets.swift"
CHUNKS = "Sources/Cryptography/SealedChunks.swift"
ARCHIVE = "Sources/Archive/"
PRUNING = ARCHIVE + "Writing/BackupPruning.swift"
RETENTION = ARCHIVE + "Writing/ArchiveRetention.swift"
MOVE = "Sources/TollgateCommand/Commands/Provider/MoveCommands.swift"

MUTANTS = [
    Mutant(
        "P10", "open", "a tenant that moved is served", "Sources/TenantRegistry/Fleet/Roster/TenantProfile.swift",
        'case .moved: return .refused(.moved(to: move?.baseURL ?? ""))',
        'case .moved: return MUTANT ? .open : .refused(.moved(to: move?.baseURL ?? ""))',
        "Contract/moving.py", "in each dialect's envelope"),
    Mutant(
        "P10", "late-write", "the provider writes to a tenant that moved", "Sources/CallKit/Realm.swift",
        "if let move = tenant.store.record?.profile.move {",
        "if !MUTANT, let move = tenant.store.record?.profile.move {",
        "Contract/moving.py", "nothing is written"),
    Mutant(
        "P10", "levels", "limits begin anew where a tenant moves to", IMPORT,
        "adoption.settle(record)", "if !MUTANT { adoption.settle(record) }", "Contract/moving.py", "levels come along"),
    Mutant(
        "P10", "uuid", "a tenant that lives is not told from one that does not", REGISTRY,
        'if try connection.exists("SELECT 1 FROM tenant WHERE id = ?1", .blob(profile.id.bytes)) {',
        'if try !MUTANT && connection.exists("SELECT 1 FROM tenant WHERE id = ?1", .blob(profile.id.bytes)) {',
        "Contract/moving.py", "is not taken in"),
    Mutant(
        "P10", "forged", "a bundle's numbers are taken whatever they are",
        "Sources/Provider/Copies/TenantBundle.swift",
        "let integer = number.integer(), range.contains(integer) else {",
        "let integer = number.integer(), MUTANT || range.contains(integer) else {",
        "Contract/forgeries.py", "refused by name"),
    Mutant(
        "P10", "revoked", "a key that was revoked comes back in an older bundle", IMPORT,
        "above: nil, revoked: adoption.revoked, replacing",
        "above: nil, revoked: MUTANT ? [] : adoption.revoked, replacing",
        "Contract/moving.py", "comes back"),
    Mutant(
        "P10", "dead-keys", "a tenant that comes back finds its keys dead", SECRETS,
        '"UPDATE secret SET is_revoked = 1, key_id = NULL WHERE tenant_id = ?1 AND is_revoked = 0"',
        'MUTANT ? "UPDATE secret SET is_revoked = 1 WHERE tenant_id = ?1 AND is_revoked = 0"\n'
        '                : "UPDATE secret SET is_revoked = 1, key_id = NULL WHERE tenant_id = ?1 AND is_revoked = 0"',
        "Contract/moving.py", "comes back"),
    Mutant(
        "P10", "twice-live", "a move whose import may still be under way is taken back", MOVE,
        "case false? where failure.isRefusal: break", "case false? where MUTANT || failure.isRefusal: break",
        "Contract/halfmoves.py", "goes on importing"),
    Mutant(
        "P10", "others-seal", "a run takes back the seal of an earlier one", MOVE,
        "if wasSealed { throw unknown(failure) }", "if wasSealed, !MUTANT { throw unknown(failure) }",
        "Contract/halfmoves.py", "its own seal alone"),
    Mutant(
        "P11", "half-served", "a folder in which a restore was cut short is served",
        "Sources/TenantRegistry/File/DataDirectory.swift",
        "if !isRestoring, Self.size(of: restoringFolder) != nil {",
        "if !isRestoring, !MUTANT, Self.size(of: restoringFolder) != nil {",
        "Contract/nodebackup.py", "is not served"),
    Mutant(
        "P10", "cut", "a bundle that was cut at a chunk is taken for whole", CHUNKS,
        "[0, 0, 0, isLast ? 1 : 0]", "[0, 0, 0, isLast && !MUTANT ? 1 : 0]",
        "CryptographyTests/SealedChunksTests.swift", "cut off"),
    Mutant(
        "P10", "order", "chunks may change places", CHUNKS,
        "UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0))",
        "UInt8(truncatingIfNeeded: (MUTANT ? 0 : number) >> UInt64(56 - 8 * $0))",
        "CryptographyTests/SealedChunksTests.swift", "put elsewhere"),
    Mutant(
        "P11", "loses", "a backup leaves a tenant's last piece out", ARCHIVE + "Layout/FileCut.swift",
        "if plaintext.isEmpty { return nil }",
        "if plaintext.isEmpty || MUTANT && plaintext.count < ArchivePlace.pieceBytes { return nil }",
        "Contract/nodebackup.py", "every order that was answered"),
    Mutant(
        "P11", "stale", "an object that is there is believed, whatever it holds", ARCHIVE + "Store/FolderStore.swift",
        "Array(known) == bytes {", "MUTANT || Array(known) == bytes {",
        "Contract/nodebackup.py", "damaged or lost"),
    Mutant(
        "P11", "anywhere", "an object is taken for another's", ARCHIVE + "Layout/Archive.swift",
        'guard name.hasPrefix(ArchivePlace.pages(of: owner, number) + "-") else {',
        'guard MUTANT || name.hasPrefix(ArchivePlace.pages(of: owner, number) + "-") else {',
        "GatewayTests/ArchiveTests.swift", "its place"),
    Mutant(
        "P11", "plain-key", "the master key is in a backup without a passphrase",
            ARCHIVE + "Layout/ArchiveManifest.swift",
        "if wrapped.isEmpty { throw ArchiveFailure.needsMasterKey }",
        "if wrapped.isEmpty && !MUTANT { throw ArchiveFailure.needsMasterKey }",
        "Contract/nodebackup.py", "only under a passphrase"),
    Mutant(
        "P11", "same-master", "the new node's keys stay wrapped under the old master key",
        "Sources/TenantRegistry/Fleet/Upkeep/NodeCopy.swift",
        "AES256GCM.open(sealed, key: old, associatedData: id.bytes), key: new,",
        "AES256GCM.open(sealed, key: old, associatedData: id.bytes), key: MUTANT ? old : new,",
        "Contract/nodebackup.py", "under another master key"),
    Mutant(
        "P11", "pruned-needed", "a pruning removes what an older backup that stays needs", PRUNING,
        "for (number, backup) in backups.enumerated() where backup.isKept {",
        "for (number, backup) in backups.enumerated() where backup.isKept && !(MUTANT && number < backups.count - 1) {",
        "GatewayTests/PruningTests.swift", "they alone needed"),
    Mutant(
        "P11", "pruned-young", "a pruning removes what a backup on its way has just written", PRUNING,
        "if let at = object.writtenAt, at < bound {", "if let at = object.writtenAt, MUTANT || at < bound {",
        "GatewayTests/PruningTests.swift", "what is young stays"),
    Mutant(
        "P11", "pruned-meanwhile", "a backup keeps its manifest though it was pruned meanwhile",
        ARCHIVE + "Writing/BackupMarks.swift",
        "if try Self.mark(ArchivePlace.markOfPruning, in: store) != before {",
        "if try !MUTANT && Self.mark(ArchivePlace.markOfPruning, in: store) != before {",
        "GatewayTests/PruningTests.swift", "pruned meanwhile"),
    Mutant(
        "P11", "pruned-last", "a pruning removes the last copy of a tenant that the newest backup could not copy",
        PRUNING, "if copied.isEmpty { continue }", "if MUTANT || copied.isEmpty { continue }",
        "GatewayTests/PruningTests.swift", "could not copy"),
    Mutant(
        "B3", "elsewhere", "a node takes what is in its old archive to be in the new one",
        ARCHIVE + "Writing/ArchiveLedger.swift",
        "return known.map { $0 != address && $0 != formerly } ?? false",
        "return !MUTANT && known.map { $0 != address && $0 != formerly } ?? false",
        "GatewayTests/ShippingTests.swift", "at another place"),
    Mutant(
        "B3", "ghost", "what stands in the archive's place is taken for it", ARCHIVE + "Store/FolderStore.swift",
        "guard stat(\"\\(path)/\\(ArchivePlace.format)\", &status) == 0 else {",
        "guard MUTANT || stat(\"\\(path)/\\(ArchivePlace.format)\", &status) == 0 else {",
        "GatewayTests/ArchiveTests.swift", "in the archive's place"),
    Mutant(
        "B3", "holed", "what comes behind a loss is not copied anew", ARCHIVE + "Writing/ArchiveWatch.swift",
        "if let place = loss.place { shipper.goOn(behind: place) }",
        "if !MUTANT, let place = loss.place { shipper.goOn(behind: place) }",
        "GatewayTests/ArchiveWatchTests.swift", "whole again"),
    Mutant(
        "B3", "ahead", "an object is begun before the one before it is there", ARCHIVE + "Writing/LogShipper.swift",
        "guard untilDone({ _ = try store.put(sealed.name, sealed.bytes) }) else { return false }",
        "if !MUTANT || stand.object.number % 3 != 0 {\n"
        "            guard untilDone({ _ = try store.put(sealed.name, sealed.bytes) })"
        " else { return false }\n        }",
        "Contract/archive.py", "follows the archive over kills"),
    Mutant(
        "B3", "key-stays", "a deleted tenant's key stays in the archive", ARCHIVE + "Writing/LogShipper.swift",
        "for id in owed {", "for id in MUTANT ? [] : owed {",
        "Contract/archive.py", "takes its key out"),
    Mutant(
        "B3", "key-copied", "copies of the registry have tenants' keys",
        "Sources/TenantRegistry/Fleet/Upkeep/NodeCopy.swift",
        '"PRAGMA secure_delete=ON; DELETE FROM tenant_key; VACUUM"',
        'MUTANT ? "VACUUM" : "PRAGMA secure_delete=ON; DELETE FROM tenant_key; VACUUM"',
        "Contract/archive.py", "takes its key out"),
    Mutant(
        "B3", "later", "a node of an earlier moment has what came later", ARCHIVE + "Reading/ArchiveReading.swift",
        "guard isNew, moment.map({ frame.at <= $0 }) ?? true else { return }",
        "guard isNew, MUTANT || moment.map({ frame.at <= $0 }) ?? true else { return }",
        "Contract/archive.py", "of an earlier moment"),
    Mutant(
        "B3", "clock-believed", "an archive's night goes by a clock that was wrong from the start", RETENTION,
        "guard to > from.adding(seconds: Self.doubtSeconds) else { return }",
        "guard !MUTANT, to > from.adding(seconds: Self.doubtSeconds) else { return }",
        "GatewayTests/RetentionTests.swift", "the clock was ahead when the node started"),
    Mutant(
        "B3", "goes-unopened", "an archive's night removes manifests that it has not opened", RETENTION,
        "for name in leaving { try owners.formUnion(", "for name in MUTANT ? [] : leaving { try owners.formUnion(",
        "GatewayTests/RetentionTests.swift", "a backup in the same place"),
    Mutant(
        "B3", "anothers-log", "an archive's night removes the log of a node that no own manifest names", RETENTION,
        "place.node == first.node ? place >= first : !kept.owners.contains(owner)",
        "place.node == first.node ? place >= first : !MUTANT && !kept.owners.contains(owner)",
        "GatewayTests/RetentionTests.swift", "another node's manifest ends the pruning"),
    Mutant(
        "B4", "blind", "a trial that fails is told as one that did not", ARCHIVE + "Writing/ArchiveTrial.swift",
        "if let fault { faults.append((record.slug, fault)) } else { sound.append(record.slug) }",
        "if !MUTANT, let fault { faults.append((record.slug, fault)) } else { sound.append(record.slug) }",
        "Contract/archive.py", "does not come back"),
]
