package import CallKit
package import HTML
package import HTTPCore

/// Post, redirect, get: what was done is not done again by going back.
extension Answer {
    package static func seeOther(_ link: Link, cookies: [String] = []) -> Answer {
        var answer = Answer(status: 303, body: [])
        answer.headers.add("Location", link.text)
        for cookie in cookies { answer.headers.add("Set-Cookie", cookie) }
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
