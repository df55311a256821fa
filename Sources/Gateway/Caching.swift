import CallKit

/// What whoever gets an answer may keep of it.
enum Caching {
    case none
    /// The answer has an ETag, by which whoever has kept it asks. It varies also where there is nothing to pack: a 304
    /// says what its 200 says.
    case byTag
    /// Its address names its bytes.
    case forEver

    init(of route: Route) {
        self = route.keepsForEver ? .forEver : route.isTagged ? .byTag : .none
    }

    var lines: StaticString {
        switch self {
        case .none: "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        case .byTag: "Cache-Control: private, no-cache\r\nVary: Accept-Encoding\r\nX-Content-Type-Options: nosniff\r\n"
        case .forEver: "Cache-Control: public, max-age=31536000, immutable\r\nX-Content-Type-Options: nosniff\r\n"
        }
    }
}
