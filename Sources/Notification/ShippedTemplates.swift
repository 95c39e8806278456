import Incidents

/// The texts of `deploy/templates`, so that the program has them wherever it runs.
///
/// A test compares the two and, told so, writes this file.
enum ShippedTemplates {
    /// The template of a kind.
    static func text(of kind: SentMessage.Kind) -> String {
        switch kind {
        case .initial: initial
        case .update: update
        case .resolution: resolution
        case .customer: customer
        }
    }

    private static let initial = #"""
        🚨 Incident Alert - {{severity}}

        Service: {{service}}
        Impact: {{impact}}
        Status: {{status}}
        ETA: {{eta}}

        {{#updateMinutes}}
        Updates will follow every {{updateMinutes}} minutes.
        {{/updateMinutes}}
        {{^updateMinutes}}
        An update will follow when something changes.
        {{/updateMinutes}}

        """#

    private static let update = #"""
        📊 Incident Update - {{severity}}

        Service: {{service}}
        Status: {{status}}
        Impact: {{impact}}
        Progress: {{progress}}
        Next Steps: {{nextSteps}}

        {{#updateMinutes}}
        Next update in {{updateMinutes}} minutes.
        {{/updateMinutes}}
        {{^updateMinutes}}
        The next update comes when something changes.
        {{/updateMinutes}}

        """#

    private static let resolution = #"""
        ✅ Incident Resolved - {{severity}}

        Service: {{service}}
        Duration: {{duration}}
        Root Cause: {{rootCause}}
        Resolution: {{resolution}}

        Post-incident review scheduled for {{review}}.

        """#

    private static let customer = #"""
        We are currently experiencing issues with {{service}}.
        Our team is actively working on resolving this.
        {{#updateMinutes}}
        We will provide updates every {{updateMinutes}} minutes.
        {{/updateMinutes}}
        {{^updateMinutes}}
        We will provide an update when something changes.
        {{/updateMinutes}}

        We apologize for any inconvenience.

        """#
}
