import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// A message to stakeholders or customers, as filled in and perhaps sent.
package struct MessageView: Hashable, Sendable, Codable {
    /// What must not go to customers.
    package struct Problem: Hashable, Sendable, Codable {
        /// The words in question.
        package var words: String
        /// Why not.
        package var reason: String

        /// Makes a problem.
        package init(words: String, reason: String) {
            self.words = words
            self.reason = reason
        }
    }

    /// The text.
    package var text: String
    /// Why it was not sent to customers; empty for a text that may go out.
    package var problems: [Problem] = []
    /// When the text promises the next update; nil when it promises none.
    package var nextUpdateAt: Timestamp?
    /// Whether it is on its way.
    package var isSent = false

    /// Makes a message that is not sent.
    package init(text: String, nextUpdateAt: Timestamp?) {
        self.text = text
        self.nextUpdateAt = nextUpdateAt
    }

    /// Reads the message.
    package init(_ proto: Tocsin_V1_ComposeMessageResponse) {
        self.init(
            text: proto.text,
            nextUpdateAt: proto.hasNextUpdateAtMillis ? Timestamp(millis: proto.nextUpdateAtMillis) : nil)
        problems = proto.problems.map { Problem(words: $0.words, reason: $0.reason) }
        isSent = proto.sent
    }

    /// The message.
    package var proto: Tocsin_V1_ComposeMessageResponse {
        .with {
            $0.text = text
            $0.problems = problems.map { problem in
                .with {
                    $0.words = problem.words
                    $0.reason = problem.reason
                }
            }
            if let nextUpdateAt { $0.nextUpdateAtMillis = nextUpdateAt.millis }
            $0.sent = isSent
        }
    }
}
