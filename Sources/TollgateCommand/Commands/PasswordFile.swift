import Foundation
import TenantRegistry

/// A password that stands in no process list. Its file is its owner's alone, as the data folder is.
enum PasswordFile {
    private static let bytesMax = 4_096

    /// The file's first line, without its end.
    static func read(_ path: String) throws(CommandFailure) -> String {
        if path != GivenFile.dash { try judge(path) }
        let line = try GivenFile.bytes(of: path, bytesMax: bytesMax).prefix { $0 != 0x0A && $0 != 0x0D }
        guard !line.isEmpty else { throw .failed("\(path) holds no password") }
        guard let text = String(validating: line, as: UTF8.self) else { throw .failed("\(path) is not UTF-8") }
        return text
    }

    /// Whether nobody but its owner can read the file.
    static func judge(_ path: String) throws(CommandFailure) {
        do throws(DataDirectory.Failure) { try PrivateFiles.judge(secret: path) } catch { throw .failed("\(error)") }
    }
}
