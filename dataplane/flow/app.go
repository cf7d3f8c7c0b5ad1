package flow

// appFields are the application of a flow. Its names are attributes, which whoever knows the
// list of applications adds; this package does not.
var appFields = []*Field{
	{
		Element: Element{Label: "L7_PROTO", ID: 118, PEN: Ntop},
		Type:    Unsigned16, slot: of(&rec.Hot.Application), has: hasApplication,
		Doc: "Number of the application protocol, as nDPI numbers them.",
	},
	AppName, AppCategory,
	{
		Element: Element{Name: "applicationName", Label: "APPLICATION_NAME", ID: 96},
		Type:    String, Width: 16, calc: appName,
		Doc: "Name of the application protocol, the same as L7_PROTO_NAME.",
	},
	{
		Element: Element{Name: "applicationId", Label: "APPLICATION_ID", ID: 95},
		Type:    ApplicationID, calc: applicationID, has: hasApplication,
		Doc: "Application by classification engine and selector (RFC 6759), the engine being nDPI's numbers, 22.",
	},
	{
		Element: Element{Label: "L7_CONFIDENCE", ID: 560, PEN: Ntop},
		Type:    Unsigned8, calc: confidence, has: hasConfidence,
		Doc: "How the application was found, in nDPI's numbers: 1 by port, 5 by a name known before, 6 by content.",
	},
	ServiceName, ServiceCategory, ServiceNumber,
}

// Names of the application.
var (
	AppName = &Field{
		Element: Element{Label: "L7_PROTO_NAME", ID: 119, PEN: Ntop, ECS: "network.protocol"},
		Type:    String, Width: 16,
		Doc: "Name of the application protocol.",
	}
	AppCategory = &Field{
		Element: Element{Label: "L7_PROTO_CATEGORY", ID: 501, PEN: Ntop},
		Type:    String, Width: 16,
		Doc: "Category of the application protocol.",
	}
)

// What is offered under the host name that was asked for, whatever the application. Attributes
// as the names above.
var (
	ServiceName = &Field{
		Element: Element{Label: "SERVICE_NAME", ID: 270, PEN: Weir, ECS: "network.application"},
		Type:    String, Width: 16,
		Doc: "Service that is known by the host name in TLS, QUIC, HTTP or DNS, as YouTube.",
	}
	ServiceCategory = &Field{
		Element: Element{Label: "SERVICE_CATEGORY", ID: 271, PEN: Weir},
		Type:    String, Width: 16,
		Doc: "Category of the service, as Media.",
	}
	ServiceNumber = &Field{
		Element: Element{Label: "SERVICE_NUMBER", ID: 272, PEN: Weir},
		Type:    Unsigned16,
		Doc:     "Number of the service, as nDPI numbers it.",
	}
)

func hasApplication(r *Record, _ Dir) bool { return r.Hot.Application != 0 }
func hasConfidence(r *Record, _ Dir) bool  { return r.Confidence != 0 }

func appName(v *View, _ Dir, _ []byte) (Value, bool) { return v.attr(AppName) }

// applicationID puts the engine into the highest of four octets (RFC 6759, section 4).
func applicationID(v *View, _ Dir, _ []byte) (Value, bool) {
	const nDPI = 22
	return Value{U: nDPI<<24 | uint64(v.Hot.Application)}, true
}

// confidences are nDPI's numbers since its version 4.4.
var confidences = [...]uint64{ByPort: 1, ByName: 5, ByContent: 6}

func confidence(v *View, _ Dir, _ []byte) (Value, bool) {
	if int(v.Confidence) >= len(confidences) {
		return Value{}, false
	}
	return Value{U: confidences[v.Confidence]}, true
}
