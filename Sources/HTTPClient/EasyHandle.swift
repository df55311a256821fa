import CCurl
import Foundation
import HTTPCore

/// What an responder reads its body from and hands its answer to. Called by libcurl on the thread that performs.
protocol Transfer: AnyObject {
    /// Fills the buffer with the next bytes of the body; 0 at its end, nil to give up.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int?
    /// One line of the head, the status line first; heads of 1xx answers come before that of the answer. False to give
    /// up.
    func receive(headLine: UnsafeRawBufferPointer) -> Bool
    /// Bytes of the body; false to give up.
    func receive(body: UnsafeRawBufferPointer) -> Bool
}

/// One libcurl easy handle and all that it points to. It can be performed alone, or be added to a multi handle by
/// `pointer`.
///
/// Invariant: header list, error text and transfer live as long as the handle. One thread at a time.
final class EasyHandle {
    /// Redirects are answers like others, only HTTP is spoken, certificates are checked.
    private static let allowedProtocols = "http,https"

    let pointer: UnsafeMutableRawPointer
    private let transfer: any Transfer
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var addresses: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>
    /// Judges every connection, one that an earlier call left open too.
    var addressRule: AddressRule
    /// An address was not connected to because of the rule.
    private(set) var metForbiddenAddress = false
    /// There was no descriptor for a connection.
    private(set) var lackedSocket = false
    /// Where the request went, once it was connected.
    private(set) var address: String?

    init(_ transfer: any Transfer, addressRule: AddressRule = .any) throws(HTTPClientError) {
        guard CurlLibrary.isStarted, let pointer = curl_easy_init() else {
            throw .broken("libcurl does not start")
        }
        self.pointer = pointer
        self.transfer = transfer
        self.addressRule = addressRule
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorText))
        // Time-outs by signal would hit whatever thread the program runs.
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_PROTOCOLS_STR, Self.allowedProtocols)
        try set(CURLOPT_SSL_VERIFYPEER, 1)
        try set(CURLOPT_SSL_VERIFYHOST, 2)
        try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        // A proxy from the environment would see the key of every plain-text call.
        try set(CURLOPT_PROXY, "")
        try connectCallbacks()
    }

    deinit {
        curl_easy_cleanup(pointer)
        curl_slist_free_all(headers)
        curl_slist_free_all(addresses)
        errorText.deallocate()
    }

    /// Runs the responder to its end on this thread.
    func perform() throws(HTTPClientError) {
        try prepare()
        try check(curl_easy_perform(pointer))
    }

    /// Once every header has been added: from here on the handle can be performed, alone or by a multi handle.
    func prepare() throws(HTTPClientError) {
        try check(tollgate_curl_set_list(pointer, CURLOPT_HTTPHEADER, headers))
    }

    /// Ready for another request: its headers and what is told of its end are gone, everything else stays.
    func startAnew() {
        curl_slist_free_all(headers)
        headers = nil
        if addresses != nil {
            tollgate_curl_set_list(pointer, CURLOPT_RESOLVE, nil)
            curl_slist_free_all(addresses)
            addresses = nil
        }
        metForbiddenAddress = false
        lackedSocket = false
        address = nil
        errorText.pointee = 0
    }

    func addHeader(_ line: String) throws(HTTPClientError) {
        guard let list = curl_slist_append(headers, line) else { throw .broken("no memory") }
        headers = list
    }

    /// Addresses of the host, as `+HOST:PORT:ADDRESS,…`: libcurl looks nothing up.
    func resolve(_ line: String) throws(HTTPClientError) {
        guard let list = curl_slist_append(addresses, line) else { throw .broken("no memory") }
        addresses = list
        try check(tollgate_curl_set_list(pointer, CURLOPT_RESOLVE, list))
    }

    func set(_ option: CURLoption, _ value: Int) throws(HTTPClientError) {
        try check(tollgate_curl_set_long(pointer, option, value))
    }

    /// As if libcurl had been built without it.
    func forget(_ option: CURLoption) throws(HTTPClientError) {
        try check(tollgate_curl_set_text(pointer, option, nil))
    }

    func set(_ option: CURLoption, offset: Int64) throws(HTTPClientError) {
        try check(tollgate_curl_set_offset(pointer, option, curl_off_t(offset)))
    }

    func set(_ option: CURLoption, _ value: String) throws(HTTPClientError) {
        try check(tollgate_curl_set_text(pointer, option, value))
    }

    func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer?) throws(HTTPClientError) {
        try check(tollgate_curl_set_pointer(pointer, option, value))
    }

    /// Throws what an responder ended with, unless it ended well.
    func check(_ code: CURLcode) throws(HTTPClientError) {
        if code != CURLE_OK { throw error(code) }
    }

    private func error(_ code: CURLcode) -> HTTPClientError {
        let detail = String(cString: errorText)
        let reason = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        return switch code {
        case CURLE_COULDNT_CONNECT where metForbiddenAddress, CURLE_ABORTED_BY_CALLBACK where metForbiddenAddress:
            .addressNotAllowed
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .invalidRequest(reason)
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST: .unreachable(reason)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE: .untrusted(reason)
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        default: .broken(reason)
        }
    }

    /// libcurl is handed this handle unretained: it calls only while the handle lives.
    private func connectCallbacks() throws(HTTPClientError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        try set(CURLOPT_READDATA, context)
        try set(CURLOPT_HEADERDATA, context)
        try set(CURLOPT_WRITEDATA, context)
        try set(CURLOPT_OPENSOCKETDATA, context)
        try check(
            tollgate_curl_set_open_socket(pointer) { context, _, address in
                EasyHandle.handle(of: context)?.openSocket(address) ?? CURL_SOCKET_BAD
            })
        try set(CURLOPT_PREREQDATA, context)
        // A connection that an earlier call opened, under another rule, is not opened again.
        try check(
            tollgate_curl_set_prerequest(pointer) { context, address, _, _, _ in
                guard let handle = EasyHandle.handle(of: context) else { return CURL_PREREQFUNC_ABORT }
                return handle.mayUse(address) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
            })
        try check(
            tollgate_curl_set_transfer(pointer, CURLOPT_READFUNCTION) { bytes, size, count, context in
                let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
                return EasyHandle.transfer(of: context)?.read(into: buffer) ?? Int(CURL_READFUNC_ABORT)
            })
        try check(
            tollgate_curl_set_transfer(pointer, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return EasyHandle.transfer(of: context)?.receive(headLine: line) == true ? line.count : 0
            })
        try check(
            tollgate_curl_set_transfer(pointer, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                let body = UnsafeRawBufferPointer(start: bytes, count: size * count)
                // Any other count than that of the bytes given ends the responder.
                if EasyHandle.transfer(of: context)?.receive(body: body) == true { return body.count }
                return body.isEmpty ? 1 : 0
            })
    }

    private static func handle(of context: UnsafeMutableRawPointer?) -> EasyHandle? {
        context.map { Unmanaged<EasyHandle>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func transfer(of context: UnsafeMutableRawPointer?) -> (any Transfer)? {
        handle(of: context)?.transfer
    }

    private func mayUse(_ address: UnsafePointer<CChar>?) -> Bool {
        self.address = address.map { String(cString: $0) }
        if case .any = addressRule { return true }
        if let address = self.address, let parsed = IPAddress(parsing: address), addressRule.allows(parsed) {
            return true
        }
        metForbiddenAddress = true
        return false
    }

    /// The socket for an address that the rule allows; none for another, and libcurl goes on to the name's next
    /// address.
    private func openSocket(_ place: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
        guard let place, mayConnect(to: place) else {
            metForbiddenAddress = true
            return CURL_SOCKET_BAD
        }
        let closing = Int32(SOCK_CLOEXEC.rawValue)
        let fd = socket(place.pointee.family, place.pointee.socktype | closing, place.pointee.protocol)
        if fd < 0, errno == EMFILE || errno == ENFILE { lackedSocket = true }
        return fd
    }

    private func mayConnect(to place: UnsafeMutablePointer<curl_sockaddr>) -> Bool {
        // A socket file, which only the command line uses, has no address to judge.
        if case .any = addressRule { return true }
        var bytes = [UInt8](repeating: 0, count: 16)
        guard tollgate_curl_address(place, &bytes) == 1 else { return false }
        let words = [bytes[..<8], bytes[8...]].map { $0.reduce(0) { $0 << 8 | UInt64($1) } }
        return addressRule.allows(IPAddress(high: words[0], low: words[1]))
    }
}

/// libcurl's own state, made once before its first use.
enum CurlLibrary {
    static let isStarted = tollgate_curl_global_start() == CURLE_OK
}
