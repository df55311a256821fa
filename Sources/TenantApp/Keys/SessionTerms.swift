/// How long somebody who signed in stays so.
package enum SessionTerms {
    package static let seconds: Int64 = 12 * 3600
    /// The prefix of tokens, in place of the blueprint's.
    package static let prefix = "tgs"
}
