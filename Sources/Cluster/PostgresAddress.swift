import CPostgres
package import TenantRegistry

/// Where a cluster's log is: what libpq reads of a URL or a line of keywords, one or more hosts. A value: any thread.
///
/// Its password is in no description and in no error.
package struct PostgresAddress: Sendable, CustomStringConvertible {
    struct Host: Sendable {
        var name: String?
        var number: String?
        var port: String?

        var text: String { "\(name ?? number ?? "the local socket")\(port.map { ":\($0)" } ?? "")" }
    }

    /// What every host gets.
    let options: [String: String]
    let hosts: [Host]

    /// Throws `.refused` where it is no address, or libpq is not installed.
    package init(_ text: String) throws(SharedLogError) {
        let library = try LibPQ.load()
        // libpq's own words would quote what it could not read, and that may be a password.
        guard let parsed = library.PQconninfoParse(text, nil) else {
            throw .refused("the cluster's address is no postgresql://USER@HOST:PORT/DATABASE that can be read")
        }
        defer { library.PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        hosts = try Self.hosts(options)
        for keyword in ["host", "hostaddr", "port", "connect_timeout", "target_session_attrs"] {
            options[keyword] = nil
        }
        self.options = options
    }

    private static func hosts(_ options: [String: String]) throws(SharedLogError) -> [Host] {
        func parts(_ keyword: String) -> [String] {
            options[keyword]?.split(separator: ",", omittingEmptySubsequences: false).map { String($0) } ?? []
        }
        let (names, numbers, ports) = (parts("host"), parts("hostaddr"), parts("port"))
        let count = max(names.count, numbers.count, 1)
        guard names.isEmpty || numbers.isEmpty || names.count == numbers.count, [0, 1, count].contains(ports.count)
        else { throw .refused("the cluster's address has another number of ports than of hosts") }
        return (0..<count).map { index in
            func part(_ parts: [String]) -> String? {
                let part = parts.count == 1 ? parts[0] : parts.indices.contains(index) ? parts[index] : ""
                return part.isEmpty ? nil : part
            }
            return Host(name: part(names), number: part(numbers), port: part(ports))
        }
    }

    package var description: String {
        let user = options["user"].map { "\($0)@" } ?? ""
        return "postgresql://\(user)\(hosts.map(\.text).joined(separator: ","))/\(options["dbname"] ?? "")"
    }

    /// A text of the server or of libpq, fit for the log.
    func redacted(_ text: String) -> String {
        var text = text
        for secret in [options["password"], options["sslpassword"]] {
            if let secret, !secret.isEmpty { text = text.replacing(secret, with: "…") }
        }
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
