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
        case .report: report
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

    private static let report = #"""
        # Incident Report: {{title}}

        {{#preliminary}}
        > Preliminary: {{incident}} is not resolved, it is {{preliminary}}.

        {{/preliminary}}
        ## Summary
        - **Incident**: {{incident}}{{#episode}}, episode {{episode}}{{/episode}}, {{service}} in {{cluster}}
        - **Date**: {{date}}
        - **Duration**: {{duration}}
        - **Severity**: {{#worstSeverity}}{{worstSeverity}} at its worst, then {{/worstSeverity}}{{severity}}
        - **Impact**: {{impact}}
        - **Detection delay**: {{detectionDelay}} after the first sign at {{firstSignAt}}
        - **Acknowledged**: {{#acknowledgements}}{{acknowledgements}}{{/acknowledgements}}{{^acknowledgements}}by nobody{{/acknowledgements}}
        {{#root}}
        - **Consequence of**: {{root}}
        {{/root}}

        ## Timeline
        - {{detectedAt}} - Incident detected
        - {{#investigatedAt}}{{investigatedAt}}{{/investigatedAt}}{{^investigatedAt}}not recorded{{/investigatedAt}} - Investigation started
        - {{#identifiedAt}}{{identifiedAt}}{{/identifiedAt}}{{^identifiedAt}}not recorded{{/identifiedAt}} - Root cause identified
        - {{#fixedAt}}{{fixedAt}}{{/fixedAt}}{{^fixedAt}}not recorded{{/fixedAt}} - Fix implemented
        - {{#resolvedAt}}{{resolvedAt}}{{/resolvedAt}}{{^resolvedAt}}not yet{{/resolvedAt}} - Incident resolved

        ### Events
        {{#timeline}}
        - {{time}} {{author}}: {{text}} [#{{sequence}}]
        {{/timeline}}
        {{#eventsOmitted}}
        - {{eventsOmitted}} more: `tocsin incident show {{incident}}`
        {{/eventsOmitted}}

        ### Levels
        {{#levels}}
        - {{time}} {{reason}} [{{rule}}]
        {{/levels}}
        {{#levelsOmitted}}
        - {{levelsOmitted}} more: `tocsin incident explain {{incident}}`
        {{/levelsOmitted}}

        ### Impacted workloads
        {{#workloads}}
        - {{path}}
        {{/workloads}}
        {{#workloadsOmitted}}
        - and {{workloadsOmitted}} more
        {{/workloadsOmitted}}
        {{#consequences}}
        - {{id}} {{title}} on {{subject}}, {{level}}, {{status}}
        {{/consequences}}
        {{^workloads}}
        - none beside {{service}}
        {{/workloads}}

        ### Messages
        {{#messages}}
        - {{time}} {{author}}: {{text}} [#{{sequence}}]
        {{/messages}}
        {{#messagesOmitted}}
        - {{messagesOmitted}} more: `tocsin incident show {{incident}}`
        {{/messagesOmitted}}
        {{^messages}}
        - none was sent
        {{/messages}}

        ### Runbook
        {{#checklist}}
        - First {{minutes}} minutes, {{step}}: {{status}}
        {{/checklist}}
        {{^checklist}}
        - not remembered any more
        {{/checklist}}

        ### Evidence
        {{#opening}}
        - What opened it: {{opening}}
        {{/opening}}
        {{#figures}}
        - {{name}}: {{value}}{{#source}} ({{source}}){{/source}}
        {{/figures}}
        {{#queries}}
        - {{title}}:

              {{text}}

        {{/queries}}

        ## Root Cause
        {{#cause}}
        {{cause}} (given by {{causeBy}})
        {{/cause}}
        {{^cause}}
        Unknown: nobody has given one.
        [to fill in: the root cause]
        {{/cause}}

        ## Contributing Factors
        - [to fill in: a factor]

        ## Resolution
        {{resolution}}

        ## Action Items
        - [ ] [to fill in: an action, who does it, by when]

        ## Lessons Learned
        - [to fill in: a lesson]

        """#
}
