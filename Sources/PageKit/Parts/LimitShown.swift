package import HTML
import HTTPCore

/// A limit in words and as a meter: of a key, a reseller or a tenant, as their APIs have it. A value: any thread.
package struct LimitShown {
    /// `{requests, window_seconds, burst}` and, where it is the one in force, `remaining` and `reset`.
    package let row: Row

    package init(row: Row) { self.row = row }

    /// `1,000 in 60 s`, with a burst that is another number.
    package var words: String {
        let (requests, burst) = (row.int("requests"), row.int("burst"))
        let rate = "\(Figure.grouped(requests)) in \(Figure.grouped(row.int("window_seconds"))) s"
        return burst == requests ? rate : "\(rate), burst \(Figure.grouped(burst))"
    }

    /// `refills 16.7 a second`
    var refill: String {
        let (requests, seconds) = (row.int("requests"), row.int("window_seconds"))
        return requests >= seconds
            ? "refills \(Self.ratio(requests, seconds)) a second"
            : "refills one every \(Self.ratio(seconds, requests)) s"
    }

    /// With one decimal, where it says anything.
    private static func ratio(_ number: Int, _ part: Int) -> String {
        let tenths = (number * 10 + part / 2) / max(1, part)
        return tenths.isMultiple(of: 10) ? Figure.grouped(tenths / 10) : Figure.grouped(tenths, decimals: 1)
    }

    /// How much of it is used now; taken anew each second, or each few, from the page `source`, which is small.
    package func meter(_ source: Link, seconds: Int = 1) -> HTML {
        var attributes = Attributes()
        attributes.set("data-from", source.text)
        let (left, capacity, reset) = (row.int("remaining"), row.int("burst"), row.int("reset"))
        let free: String? = reset == 0 ? nil : "free again in \(TimeText.wait(seconds: reset))"
        return """
            <div id="use" data-live="\(seconds)"\(attributes)>\
            \(Meter(capacity - left, of: capacity, unit: "used", note: free))\
            <p class="sub"><span id="left">\(Figure.grouped(left)) left</span> · \(refill)</p></div>
            """
    }

    /// What stands in a form's field for the burst: nothing where it is as many as the requests, so that it goes on
    /// being as many when somebody changes those.
    package static func burst(_ limit: Row?) -> String? {
        limit.flatMap { $0["burst"] == $0["requests"] ? nil : $0["burst"] }
    }

    package static let burstHint = "Empty: as many as Requests"

    /// The fields of a limit's form; `prefix`: where the limit is a member of the body.
    package static func fields(
        _ view: some PageView, _ limit: Row?, prefix: String = "", scope: String = "tune"
    ) -> HTML {
        func field(_ label: String, _ name: String, unit: String? = nil) -> FormField {
            view.field(
                label, prefix + name, .number, value: limit.map { $0[name] }, unit: unit, size: .short, scope: scope)
        }
        let atOnce = view.field(
            "Burst", prefix + "burst", .number, value: burst(limit), hint: burstHint, isRequired: false, size: .short,
            scope: scope)
        return """
            <div class="fields">\(field("Requests", "requests"))\(field("In", "window_seconds", unit: "seconds"))\
            \(atOnce)</div>
            """
    }

    /// The same as hidden fields: one press puts it in force.
    package func hidden(prefix: String = "") -> HTML {
        "\(each: ["requests", "window_seconds", "burst"], { FormField.hidden(prefix + $0, row[$0]) })"
    }
}
