package app

import "github.com/weir-probe/weir/dataplane/flow"

// FlowUser is who has logged in, or tries to, by whatever protocol tells.
var FlowUser = &flow.Field{
	Element: flow.Element{Label: "FLOW_USER_NAME", ID: 121, PEN: flow.Ntop, ECS: "user.name"},
	Type:    flow.String, Width: 32,
	Doc: "Name of the user who logs in over the flow.",
}
