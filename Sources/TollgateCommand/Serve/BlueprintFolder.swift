import CallKit
import Foundation
import TenantApp

/// Where blueprints are when nobody says: here, where the program was built, or where it was installed.
enum BlueprintFolder {
    static let installedPath = "/usr/share/tollgate/tenants"

    static func read(_ given: String?) throws(CommandFailure) -> Blueprints {
        let path = given ?? places().first { holdsBlueprints($0) }
        guard let path else {
            throw .failed(
                "there are no blueprints in \(places().joined(separator: ", ")); --blueprints DIR names a folder")
        }
        guard holdsBlueprints(path) else { throw .failed("there are no blueprints (*.json) in \(path)") }
        do {
            return try Blueprints(folder: path)
        } catch {
            throw .failed("blueprint \(error)")
        }
    }

    private static func places() -> [String] {
        ["./tenants"] + (besideExecutable().map { [$0] } ?? []) + [installedPath]
    }

    /// The `tenants` folder of the package that this executable was built in.
    private static func besideExecutable() -> String? {
        guard let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            return nil
        }
        var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
        while folder.path != "/" {
            if FileManager.default.fileExists(atPath: folder.path + "/Package.swift") {
                return folder.path + "/tenants"
            }
            folder = folder.deletingLastPathComponent()
        }
        return nil
    }

    private static func holdsBlueprints(_ path: String) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.contains { $0.hasSuffix(".json") }
    }
}
