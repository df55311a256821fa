package import CallKit
package import HTML

/// A page that anybody may read, without the frame of those who have signed in. A value: any thread.
package struct OpenPage: Sendable {
    private let call: Call
    private let around: Surroundings
    private let title: String
    private let content: HTML

    package init(_ title: String, _ call: Call, _ around: Surroundings, _ content: HTML) {
        self.title = title
        self.call = call
        self.around = around
        self.content = content
    }

    package var answer: Answer {
        let document = Layout(
            card: "\(title) – \(around.name)", stylesheets: around.stylesheets, scripts: [Assets.script.link],
            icon: around.logo ?? Assets.icon.link, light: call.head.chosenLight, rows: call.head.chosenRows,
            name: around.name, logo: around.logo, isWide: true, content)
        var answer = Answer(status: 200, contentType: PagePolicy.contentType, body: document.html.bytes)
        answer.headers = PagePolicy.headers
        return answer
    }
}
