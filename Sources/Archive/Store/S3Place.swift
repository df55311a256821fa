import Foundation
package import HTTPClient
import TenantRegistry

/// Where an archive is, as `--archive` says it: a folder, or `s3://bucket/prefix` with what the environment or a file
/// says of its server.
package enum ArchiveAddress: Sendable, Equatable {
    case folder(String)
    case bucket(String, prefix: String)

    /// For people whose address is none.
    package static let bucketRule =
        "s3://BUCKET/PREFIX, of letters, digits, dots, dashes and underscores, the bucket 3 to 63 characters long"

    /// Nil where a bucket has fewer or more, or it or a prefix has characters that would have to be escaped.
    package init?(_ text: String) {
        guard text.hasPrefix("s3://") else {
            guard !text.isEmpty, !Self.isURL(text) else { return nil }
            self = .folder(text)
            return
        }
        let parts = text.dropFirst(5).split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard let bucket = parts.first, parts.allSatisfy(Self.isPlain), (3...63).contains(bucket.utf8.count) else {
            return nil
        }
        self = .bucket(bucket, prefix: parts.dropFirst().map { "\($0)/" }.joined())
    }

    /// The store there. `credentials`: a file that says who calls a bucket's server, where the environment does not.
    package func store(environment: [String: String], credentials: String?) throws -> any ObjectStore {
        switch self {
        case .folder(let path): FolderStore(path)
        case .bucket(let bucket, let prefix):
            try S3Store(bucket: bucket, prefix: prefix, S3Settings(environment: environment, file: credentials))
        }
    }

    /// Whether it begins as a URL does, of another kind or mistyped: nobody means a folder `gs:` by it.
    private static func isURL(_ text: String) -> Bool {
        guard let end = text.firstRange(of: "://")?.lowerBound, end > text.startIndex else { return false }
        return text[..<end].utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
            default: false
            }
        }
    }

    /// Of a path: nothing that is escaped, and none that leads elsewhere.
    private static func isPlain(_ part: String) -> Bool {
        part != "." && part != ".."
            && part.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x2D, 0x5F: true
                default: false
                }
            }
    }
}

/// The server of a bucket, and who calls it: from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
/// `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`), or from a file with lines such as
/// `aws_access_key_id = …`, which is its owner's alone. Its text tells no secret.
package struct S3Settings: Sendable, CustomStringConvertible {
    package let endpoint: String
    package let region: String
    package let credentials: SignedCaller.Credentials
    package let authorities: String?

    package var description: String { "\(endpoint), region \(region)" }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private static let regionDefault = "us-east-1"

    /// `file`: what it says goes before the environment. Throws `Failure`, or why the file may not be used.
    package init(environment: [String: String], file: String?) throws {
        var values = environment
        if let file {
            try PrivateFiles.judge(secret: file)
            guard let text = FileManager.default.contents(atPath: file) else {
                throw Failure(description: "\(file) cannot be read")
            }
            for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { continue }
                let name = parts[0].trimmingCharacters(in: .whitespaces).uppercased()
                let known = name.hasPrefix("AWS_") ? name : "AWS_\(name)"
                values[known] = parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        func value(_ names: String...) -> String? { names.lazy.compactMap { values[$0] }.first { !$0.isEmpty } }
        guard let access = value("AWS_ACCESS_KEY_ID"), let secret = value("AWS_SECRET_ACCESS_KEY") else {
            throw Failure(
                description: "a bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or "
                    + "--archive-credentials FILE")
        }
        guard
            let credentials = SignedCaller.Credentials(
                accessKey: access, secretKey: secret, sessionToken: value("AWS_SESSION_TOKEN"))
        else { throw Failure(description: "the credentials of the archive have characters that cannot be sent") }
        self.credentials = credentials
        region = value("AWS_REGION", "AWS_DEFAULT_REGION") ?? Self.regionDefault
        guard region.utf8.allSatisfy({ 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || $0 == 0x2D }) else {
            throw Failure(description: "AWS_REGION is no region")
        }
        let url = value("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") ?? "https://s3.\(region).amazonaws.com"
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), !url.contains(where: { "@?# ".contains($0) })
        else { throw Failure(description: "AWS_ENDPOINT_URL begins with http:// or https:// and has no user") }
        endpoint = url.hasSuffix("/") ? String(url.dropLast()) : url
        authorities = value("AWS_CA_BUNDLE")
    }
}
