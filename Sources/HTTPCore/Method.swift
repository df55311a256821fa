/// The request methods that Tollgate knows (RFC 9110 §9); any other token is `.other` and is answered 501.
package enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
    /// Known, so that they are answered 405: no path takes them.
    case trace = "TRACE"
    case query = "QUERY"
    case other = ""
}
