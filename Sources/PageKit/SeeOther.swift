package import CallKit
package import HTML
package import HTTPCore

/// Post, redirect, get: what was done is not done again by going back.
extension Answer {
    package static func seeOther(_ link: Link, cookie: String? = nil) -> Answer {
        var answer = Answer(status: 303, body: [])
        answer.headers.add("Location", link.text)
        if let cookie { answer.headers.add("Set-Cookie", cookie) }
        return answer
    }
}

extension Response {
    package static func seeOther(_ link: Link) -> Response {
        var response = Response(status: 303, body: .none)
        response.headers.add("Location", link.text)
        return response
    }
}
