/// The version of this build, said in `Hello`, `Welcome` and by `--version`.
package enum TocsinVersion {
    /// Semantic version.
    package static let current = "0.1.0"
}
