/// The version that `tollgate version` prints and the provider's API tells, as CHANGELOG.md counts.
package enum Version {
    package static let text = "0.1.0"
}
