import CCurl

extension EasyHandle {
    /// Where the request goes and how long its body is; nil for none.
    func set(url: String, method: String, bodyLength: Int64?) throws(HTTPClientError) {
        try set(CURLOPT_URL, url)
        // As sent is as signed: no dots taken out of the path.
        try set(CURLOPT_PATH_AS_IS, 1)
        try set(CURLOPT_CUSTOMREQUEST, method)
        if method == "HEAD" { return try set(CURLOPT_NOBODY, 1) }
        // A POST, PUT or PATCH without a body says so by its length (RFC 9110 §8.6).
        guard let length = bodyLength ?? (["POST", "PUT", "PATCH"].contains(method) ? 0 : nil) else { return }
        try set(CURLOPT_UPLOAD, 1)
        try set(CURLOPT_INFILESIZE_LARGE, offset: length)
    }

    func add(_ name: String, _ value: String) throws(HTTPClientError) {
        let isName = !name.isEmpty && name.isPrintable && !name.contains(where: { ":;".contains($0) })
        guard isName, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw .invalidRequest("a header holds control characters")
        }
        // To libcurl "Name:" takes a header away, "Name;" sends one without a value.
        try addHeader(value.isEmpty ? "\(name);" : "\(name): \(value)")
    }
}
