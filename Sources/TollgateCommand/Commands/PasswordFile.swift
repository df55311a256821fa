import Foundation

/// A password that stands in no process list.
enum PasswordFile {
    private static let bytesMax = 4_096

    /// The file's first line, without its end.
    static func read(_ path: String) throws(CommandFailure) -> String {
        let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
        guard let handle, let data = try? handle.read(upToCount: bytesMax) else {
            throw .failed("\(path) cannot be read")
        }
        let line = data.prefix { $0 != 0x0A && $0 != 0x0D }
        guard !line.isEmpty, let password = String(bytes: line, encoding: .utf8) else {
            throw .failed("\(path) holds no password")
        }
        return password
    }
}
