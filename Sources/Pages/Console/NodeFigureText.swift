import HTML
import PageKit

/// What each figure of the node's health says, and what to do where it is bad: each figure leads to its text. A value:
/// any thread.
enum NodeFigureText {
    /// By a figure's name; in the order in which the page shows them.
    private static let texts: [(name: String, title: String, text: String)] = [
        (
            "disk_free_bytes", "Free room",
            "Of the disk with the data. Below what --free-reserve keeps free, nothing is written any more."
        ),
        (
            "writes_refused", "Writes refused",
            "1: the disk is fuller than --free-reserve allows. Reads go on. Make room, and writes go on by themselves."
        ),
        (
            "archive_behind_seconds", "Behind in the archive",
            "What a lost disk would lose. More than a minute: look at the way to the archive."
        ),
        (
            "archive_incomplete", "Lost in the archive",
            "1: what was put there is gone. Copies from behind it are made by themselves, and it is 0 once they are there."
        ),
        (
            "archive_tenants_without_copy", "Tenants without a copy",
            "An archive alone would not bring them back. New tenants and a new archive have some for a while."
        ),
        (
            "archive_tried_faults", "Faults of the last trial",
            "Each night some tenants are read back from the archive. Those that did not come back whole are copied anew."
        ),
        (
            "commit_seconds", "Commits",
            "Each takes a sync of the disk, and callers wait for it. More than 50 ms says that the disk is slow or busy."
        ),
        (
            "commits_failed_total", "Commits that failed",
            "Almost always because of the disk. No caller was told that such a call had succeeded."
        ),
        (
            "lanes_fenced", "Files that wait for the disk",
            "The outcome of a commit is unknown: the file serves nothing until it is settled, which is tried again."
        ),
        (
            "unavailable_operations_total", "A file that cannot be opened",
            "It is away or damaged. The log says which; its tenant can be restored from a backup."
        ),
        (
            "lane_depth_max", "The fullest lane",
            "A tenant's calls are done one after the other. At 4,096 that wait, further ones get 503."
        ),
        (
            "open_files", "Open files",
            "A tenant's file is opened by its first call. Where all places are taken the one used least is closed."
        ),
        (
            "due_oldest_seconds", "Oldest work",
            "Renewals, deliveries and calls to provisioners that are due. More than a minute: the node has too much to do."
        ),
        (
            "scheduler_stalled", "A scheduler that stands still",
            "Work is due and nobody does it. Restart the node: nothing is lost."
        ),
        (
            "charging_paused", "Charging that is paused",
            "The clock leapt ahead further than --clock-leap allows. Mend it, or say that it is right."
        ),
        (
            "delivery_oldest_seconds", "Oldest webhook",
            "Due, and not answered. Receivers that fail make it grow; each tenant's own page of events says which."
        ),
        ("connections_open", "Connections", "Of callers, at this moment."),
        (
            "requests_total", "Calls answered",
            "Since the node started. An answer of 5xx is a fault of ours: the log has its request id."
        ),
        (
            "failed_credentials_total", "Wrong credentials",
            "Keys, links, signatures and passwords that opened nothing. Many in a short time: somebody guesses."
        ),
        (
            "certificate_ends", "Certificates",
            "Past its end no browser and no shop trusts the host. Renew it, and give the new one to the tenant or the node."
        ),
    ]

    static func id(_ name: String) -> String { "about-\(name)" }

    /// Of those that the page shows. One that is no figure here has no text, which a test finds.
    static func panel(of figures: [Row]) -> Panel {
        let names = Set(figures.map { $0["name"] })
        return Panel("What the figures say", id: "figure-words", live: 10) {
            """
            <dl class="facts">\(each: texts.filter { names.contains($0.name) }, { figure in
                #"<div id="\#(id(figure.name))"><dt>\#(figure.title)</dt><dd>\#(figure.text)</dd></div>"#
            })</dl>
            """
        }
    }
}
