import Foundation

/// Times as the kubelet prints them, whole seconds in UTC.
enum KubeletTime {
    static func text(_ date: Date) -> String {
        date.formatted(.iso8601)
    }

    static func date(_ text: String) -> Date? {
        guard text.utf8.count == 20, text.hasSuffix("Z") else { return nil }
        return try? Date(text, strategy: .iso8601)
    }

    /// `text` moved by `seconds`; as it is when it is no time, or the epoch by which the kubelet means "never".
    static func shift(_ text: String, by seconds: Double) -> String {
        guard let date = date(text), date.timeIntervalSince1970 > 86_400 else { return text }
        return self.text(date.addingTimeInterval(seconds))
    }
}
