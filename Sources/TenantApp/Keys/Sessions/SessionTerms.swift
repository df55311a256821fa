/// How long somebody who signed in stays so.
package enum SessionTerms {
    package static let seconds: Int64 = 12 * 3600
    /// How long a page's session lasts while nobody asks for a page (U4).
    package static let pageIdleSeconds: Int64 = 2 * 3600
    /// What registration gives a dashboard to keep (A1, A2).
    package static let dashboardSeconds: Int64 = 90 * 86_400
    /// The prefix of tokens, in place of the blueprint's.
    package static let prefix = "tgs"
}
