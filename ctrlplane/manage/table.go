package manage

import (
	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/ctrlplane/track"
)

// table returns all endpoints. What one is about is said once, here.
func (s *Server) table() (all []*route) {
	for _, part := range [][]route{entrance(), configuration(), operation(), records(), aggregations(),
		tracks(), persons(), system()} {
		for i := range part {
			all = append(all, &part[i])
		}
	}
	return all
}

// entrance is for who is not known yet.
func entrance() []route {
	return []route{
		{method: "GET", path: apiPath, doc: "This description.", out: Description{}, do: description},
		{method: "GET", path: "/v1/setup",
			doc: "Whether the first user has still to be made; at the socket, the code for it.",
			out: Setup{}, do: setup},
		{method: "POST", path: "/v1/setup", doc: "Make the first user, with the code that the console shows.",
			in: First{}, out: Session{}, do: first},
		{method: "POST", path: "/v1/login", doc: "Log in with a password.", in: Login{}, out: Session{}, do: login},
		{method: "POST", path: "/v1/logout", who: Read, doc: "Give up the token that this is asked with.",
			do: logout},
		{method: "GET", path: "/v1/whoami", who: Read, doc: "Who is asking.", out: identity{}, do: whoami},
		{method: "PUT", path: "/v1/password", who: Read, doc: "Change the own password.", in: Password{},
			do: password},
	}
}

func configuration() []route {
	version := param{"version", "Number of a version of the history.", "integer"}
	from := param{"from", "A version; none is the one that runs.", "integer"}
	return []route{
		{method: "GET", path: "/v1/config", who: Read, doc: "The configuration that runs.", out: tomlText,
			do: running},
		{method: "GET", path: "/v1/config/candidate", who: Read, doc: "The candidate.", out: tomlText,
			do: candidate},
		{method: "PUT", path: "/v1/config/candidate", who: Operate,
			doc: "Make a configuration the candidate; it may have mistakes.",
			in:  tomlText, out: Judgement{}, do: putCandidate},
		{method: "DELETE", path: "/v1/config/candidate", who: Operate, doc: "Forget the candidate.",
			do: dropCandidate},
		{method: "POST", path: "/v1/config/validate", who: Read, doc: "Judge a configuration without keeping it.",
			in:  tomlText,
			out: Judgement{}, quiet: true, do: validate},
		{method: "GET", path: "/v1/config/diff", who: Read,
			query: []param{from, {"to", "A version; none is the candidate.", "integer"}},
			doc:   "What differs between two configurations, and what has to be restarted for it.", out: Differences{},
			do: diff},
		{method: "POST", path: "/v1/config/commit", who: Operate, doc: "Have the candidate run.", in: Commit{},
			out: Committed{}, do: commit},
		{method: "POST", path: "/v1/config/confirm", who: Operate, doc: "Keep what was committed to be confirmed.",
			out: Committed{}, do: confirm},
		{method: "POST", path: "/v1/config/rollback", who: Operate,
			doc: "Have an earlier version run again; that before, if none is named.",
			in:  Rollback{}, out: Committed{}, do: rollback},
		{method: "GET", path: "/v1/config/history", who: Read,
			doc: "The versions that can run again, the latest first.", out: History{}, do: history},
		{method: "GET", path: "/v1/config/history/{version}", who: Read, query: []param{version},
			doc: "The text of a version.",
			out: tomlText, do: earlier},
	}
}

func operation() []route {
	name := param{"name", "Name of an exporter.", "string"}
	return []route{
		{method: "GET", path: "/v1/status", who: Read, doc: "How things are.", out: Status{}, do: status},
		{method: "GET", path: "/v1/workers", who: Read, doc: "Workers: what they counted, their tables and rings.",
			out: []Worker{}, do: workers},
		{method: "GET", path: "/v1/queues", who: Read, doc: "Receive queues: what came in and what was lost.",
			out: []Queue{}, do: queues},
		{method: "GET", path: "/v1/ports", who: Read, doc: "Inputs and their links.", out: []Port{}, do: ports},
		{method: "GET", path: "/v1/exporters", who: Read, doc: "What became of the records of every exporter.",
			out: []Exporter{}, do: exporters},
		{method: "GET", path: "/v1/collected", who: Read,
			doc: "What came from each exporter that is collected from, and since when it is silent.",
			out: []collect.Account{}, do: collected},
		{method: "POST", path: "/v1/exporters/{name}/pause", who: Operate, query: []param{name},
			doc: "Have an exporter keep its records until it is resumed, also when weir begins anew.", do: pause},
		{method: "POST", path: "/v1/exporters/{name}/resume", who: Operate, query: []param{name},
			doc: "Have an exporter deliver again.", do: resume},
		{method: "POST", path: "/v1/restart/{part}", who: Operate,
			query: []param{{"part", "dataplane, or egress for what exports.", "string"}},
			doc:   "Restart a part. Records wait while the egress restarts; packets are missed while the dataplane does.",
			do:    restart},
		{method: "GET", path: "/v1/log/level", who: Read, doc: "What the log tells.", out: Level{}, do: level},
		{method: "PUT", path: "/v1/log/level", who: Operate,
			doc: "Have the log tell more or less, until weir begins anew.", in: Level{}, do: setLevel},
	}
}

func records() []route {
	limit := param{"limit", "How many at most.", "integer"}
	kind := param{"kind", "Kinds of records, as records of [[exporter]], separated by commas; none is flow.",
		"string"}
	filter := param{"filter", "A condition, as filter of [[exporter]].", "string"}
	template := param{"template", "Fields, as template of [[exporter]]; none are all that are usual.", "string"}
	return []route{
		{method: "GET", path: "/v1/records", who: Read, query: []param{kind, filter, template, limit},
			doc: "Flows and events that came last, the latest first.", out: []any{}, do: recent},
		{method: "GET", path: "/v1/records/stream", who: Read, query: []param{kind, filter, template, limit},
			doc: "Records as they come: events \"record\", and \"missed\" with the number of those not shown.",
			out: events, do: stream},
		{method: "GET", path: "/v1/top", who: Read, query: []param{limit},
			doc: "Hosts with the most octets in the last minutes.",
			out: []Host{}, do: top},
		{method: "GET", path: "/v1/sessions", who: Read,
			query: []param{limit, {"kind", "As media, user or name.", "string"}},
			doc:   "What is remembered of addresses.", out: []Remembered{}, do: sessions},
	}
}

func aggregations() []route {
	query := []param{
		{"name", "Of an [[aggregate]] of the configuration; without it, what follows says what is summed up.", "string"},
		{"by", "Fields that rows are told apart by, separated by commas.", "string"},
		{"kind", "Kinds of records, as records of [[exporter]], separated by commas; none is flow.", "string"},
		{"filter", "A condition, as filter of [[exporter]].", "string"},
		{"sums", "Fields whose numbers are summed up, separated by commas.", "string"},
		{"greatest", "A field whose greatest number is kept.", "string"},
		{"order", "octets, packets, records, greatest, or a field of sums.", "string"},
		{"step", "How long a window is: 1s, 1m or 1h; none is 1m.", "string"},
		{"steps", "How many windows back, that of now included; none is 2, 0 is as many as there are.", "integer"},
		{"limit", "How many rows at most.", "integer"},
	}
	return []route{
		{method: "GET", path: "/v1/aggregates", who: Read,
			doc: "What is summed up: what the configuration has, and what people ask for.",
			out: []Aggregate{}, do: aggregates},
		{method: "GET", path: "/v1/aggregates/top", who: Read, query: query,
			doc: "Who has most of something. What nobody has asked for in the last minutes is counted from now on.",
			out: AggregateTop{}, do: aggregateTop},
		{method: "GET", path: "/v1/aggregates/series", who: Read, query: query,
			doc: "The same, and what each row had in each window.", out: AggregateTop{}, do: aggregateSeries},
	}
}

func tracks() []route {
	id := param{"id", "Of the track.", "integer"}
	return []route{
		{method: "GET", path: "/v1/tracks", who: Admin,
			doc: "Subscribers whose packets are or were kept, since weir began.",
			out: []track.Track{}, noted: true, do: trackList},
		{method: "POST", path: "/v1/tracks", who: Admin, doc: "Keep all packets of a subscriber, for a time.",
			in:  TrackWish{},
			out: track.Track{}, do: trackBegin},
		{method: "POST", path: "/v1/tracks/{id}/stop", who: Admin, query: []param{id},
			doc: "Keep no more packets of one.",
			out: track.Track{}, do: trackStop},
		{method: "GET", path: "/v1/tracks/{id}/capture", who: Admin, query: []param{id},
			doc: "The packets of one that has ended, in pcapng.", out: octets, noted: true, do: trackCapture},
		{method: "DELETE", path: "/v1/tracks/{id}", who: Admin, query: []param{id},
			doc: "Stop one, and remove its packets.", do: trackRemove},
	}
}

func persons() []route {
	name := param{"name", "Name of a user.", "string"}
	return []route{
		{method: "GET", path: "/v1/users", who: Admin, doc: "Who may.", out: []User{}, do: users},
		{method: "PUT", path: "/v1/users/{name}", who: Admin, query: []param{name},
			doc: "Add a user, or change one.", in: UserChange{}, do: putUser},
		{method: "DELETE", path: "/v1/users/{name}", who: Admin, query: []param{name},
			doc: "Remove a user and their tokens.", do: dropUser},
		{method: "GET", path: "/v1/tokens", who: Read, doc: "The own tokens; for admins, those of all.",
			out: []Token{}, do: tokens},
		{method: "POST", path: "/v1/tokens", who: Read, doc: "Make a token.", in: TokenWish{}, out: Session{},
			do: newToken},
		{method: "DELETE", path: "/v1/tokens/{id}", who: Read, query: []param{{"id", "Of the token.", "string"}},
			doc: "Revoke an own token; for admins, that of anybody.", do: dropToken},
		{method: "GET", path: "/v1/audit", who: Admin, query: []param{{"limit", "How many at most.", "integer"}},
			doc: "Who changed something or tried to, the latest first.", out: []Entry{}, do: auditLog},
	}
}

func system() []route {
	return []route{
		{method: "GET", path: "/v1/system", who: Read, doc: "The machine and the release of weir.", out: System{},
			do: machine},
		{method: "POST", path: "/v1/system/update", who: Admin,
			doc: "Install an update with the program that the configuration names.",
			in:  octets, out: Installed{}, do: install},
		{method: "POST", path: "/v1/system/reset", who: Admin,
			doc: "Begin anew: no configuration, history, users, certificate and audit log is left.",
			in:  Reset{}, out: Committed{}, do: factory},
		{method: "PUT", path: "/v1/system/certificate", who: Admin, doc: "Show another certificate.",
			in: Certificate{}, out: Shown{}, do: putCertificate},
		{method: "GET", path: "/v1/system/metrics", who: Read, doc: "Everything that is counted, for Prometheus.",
			out: plainText, do: metrics},
		{method: "GET", path: "/v1/system/support", who: Admin,
			doc: "An archive of what others need to help, without secrets.",
			out: archive, do: support},
	}
}
