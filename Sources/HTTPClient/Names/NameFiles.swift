import Foundation
package import HTTPCore

/// A name server: address and port.
package struct NameServer: Sendable, Hashable {
    package let address: IPAddress
    package let port: UInt16

    package init(address: IPAddress, port: UInt16 = 53) {
        self.address = address
        self.port = port
    }

    /// `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.
    package init?(parsing text: String) {
        if let address = IPAddress(parsing: text) {
            self.init(address: address)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(parsing: String(host)) else { return nil }
        self.init(address: address, port: port)
    }
}

/// What the machine's own files say of names: `/etc/hosts`, and the name servers of `/etc/resolv.conf`. One thread.
struct NameFiles {
    private static let hostsPath = "/etc/hosts"
    private static let serversPath = "/etc/resolv.conf"
    /// As the C library does.
    private static let serversMax = 3
    private static let fileBytesMax = 1 << 20
    /// The files are looked at again so often.
    private static let lookMilliseconds: Int64 = 5_000

    /// Asked in place of those in the file.
    private let given: [NameServer]
    private var fromFile: [NameServer] = []
    private var hosts: [String: [IPAddress]] = [:]
    private var lookedAt = Int64.min
    private var changes: [String: timespec] = [:]

    init(servers: [NameServer]) { given = servers }

    var servers: [NameServer] {
        if !given.isEmpty { return given }
        return fromFile.isEmpty ? [NameServer(address: .loopback)] : fromFile
    }

    func addresses(of name: String) -> [IPAddress]? { hosts[name] }

    mutating func look(now: Int64) {
        guard lookedAt == .min || now - lookedAt >= Self.lookMilliseconds else { return }
        lookedAt = now
        if let text = changed(Self.hostsPath) { hosts = Self.hosts(text) }
        if given.isEmpty, let text = changed(Self.serversPath) { fromFile = Self.servers(text) }
    }

    /// The file's text, where it is another than at the last look.
    private mutating func changed(_ path: String) -> String? {
        var found = stat()
        guard stat(path, &found) == 0, found.st_size <= Self.fileBytesMax else { return nil }
        let before = changes[path]
        guard before?.tv_sec != found.st_mtim.tv_sec || before?.tv_nsec != found.st_mtim.tv_nsec else { return nil }
        changes[path] = found.st_mtim
        return FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    static func hosts(_ text: String) -> [String: [IPAddress]] {
        var hosts: [String: [IPAddress]] = [:]
        for words in lines(text) {
            guard let address = IPAddress(parsing: words[0]) else { continue }
            for name in words.dropFirst() { hosts[name.lowercased(), default: []].append(address) }
        }
        return hosts
    }

    static func servers(_ text: String) -> [NameServer] {
        let found = lines(text).compactMap { words in
            words.count > 1 && words[0] == "nameserver" ? IPAddress(parsing: words[1]) : nil
        }
        return found.prefix(serversMax).map { NameServer(address: $0) }
    }

    private static func lines(_ text: String) -> [[String]] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.prefix { $0 != "#" && $0 != ";" }.split(whereSeparator: \.isWhitespace).map(String.init)
            return words.isEmpty ? nil : words
        }
    }
}
