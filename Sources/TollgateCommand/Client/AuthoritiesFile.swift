import Foundation

/// Authorities (PEM) that a command line names in place of the system's.
enum AuthoritiesFile {
    /// What is no such file is told before anybody is called: nobody could be trusted by it.
    static func judge(_ path: String, _ option: String) throws(CommandFailure) {
        let type = (try? FileManager.default.attributesOfItem(atPath: resolved(path)))?[.type] as? FileAttributeType
        guard access(path, R_OK) == 0, type != .typeDirectory else { throw .usage("\(option) \(path) cannot be read") }
        // A pipe is read once, by whoever calls.
        guard type == .typeRegular else { return }
        guard let text = FileManager.default.contents(atPath: path),
            text.range(of: Data("CERTIFICATE-----".utf8)) != nil
        else { throw .usage("\(option) \(path) has no certificate in PEM") }
    }

    /// Attributes are of what a link leads to.
    private static func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
}
