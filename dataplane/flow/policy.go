package flow

// Fields that a policy says: of any record, and of the alerts that it raises. Alerts have all of the record
// that they were raised for, too.
var (
	PolicyTags = &Field{
		Element: Element{Label: "POLICY_TAGS", ID: 2200, PEN: Weir, ECS: "tags"}, Type: String, Width: 64,
		Doc: "Tags that the policy gave the record, separated by commas.",
	}
	PolicyNote = &Field{
		Element: Element{Label: "POLICY_NOTE", ID: 2201, PEN: Weir}, Type: String, Width: 64,
		Doc: "What the policy says of the record in its own words.",
	}
	AlertName = &Field{
		Element: Element{Label: "ALERT_NAME", ID: 2202, PEN: Weir, ECS: "rule.name"}, Type: String, Width: 32,
		Doc: "What kind of alert it is, as the policy calls it.",
	}
	AlertMessage = &Field{
		Element: Element{Label: "ALERT_MESSAGE", ID: 2203, PEN: Weir, ECS: "message"}, Type: String, Width: 128,
		Doc: "What happened, in the words of the policy.",
	}
	AlertSeverity = &Field{
		Element: Element{Label: "ALERT_SEVERITY", ID: 2204, PEN: Weir, ECS: "event.severity"}, Type: Unsigned8,
		Doc: "Severity of RFC 5424: 0 emergency, 1 alert, 2 critical, 3 error, 4 warning, 5 notice, 6 info, 7 debug.",
	}
	AlertOf = &Field{
		Element: Element{Label: "ALERT_OF", ID: 2205, PEN: Weir}, Type: String, Width: 16,
		Doc: "What the alert was raised for: flow, call, or the protocol of an event, as dns.",
	}
)

var policyFields = []*Field{PolicyTags, PolicyNote, AlertName, AlertMessage, AlertSeverity, AlertOf}

// OfAlerts returns the fields of alerts besides those of the record they were raised for.
func OfAlerts() []*Field { return policyFields[2:] }
