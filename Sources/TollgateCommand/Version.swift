/// The version that `tollgate version` prints, as CHANGELOG.md counts.
enum Version {
    static let text = "0.1.0"
}
