package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields that nProbe has of MySQL.
var (
	MySQLVersion = &flow.Field{
		Element: flow.Element{Label: "MYSQL_SERVER_VERSION", ID: 195, PEN: flow.Ntop,
			Aliases: []string{"MYSQL_SRV_VERSION"}},
		Type: flow.String, Width: 16,
		Doc: "Version of a server of MySQL or MariaDB, the same as DB_SERVER_VERSION.",
	}
	MySQLUser = &flow.Field{
		Element: flow.Element{Label: "MYSQL_USERNAME", ID: 196, PEN: flow.Ntop},
		Type:    flow.String, Width: 16,
		Doc: "User of MySQL, the same as DB_USER.",
	}
	MySQLDatabase = &flow.Field{
		Element: flow.Element{Label: "MYSQL_DB", ID: 197, PEN: flow.Ntop},
		Type:    flow.String, Width: 64,
		Doc: "Database of MySQL in use, the same as DB_NAME.",
	}
	MySQLQuery = &flow.Field{
		Element: flow.Element{Label: "MYSQL_QUERY", ID: 198, PEN: flow.Ntop},
		Type:    flow.String, Width: 128,
		Doc: "Statement for MySQL, the same as DB_STATEMENT.",
	}
	MySQLResponse = &flow.Field{
		Element: flow.Element{Label: "MYSQL_RESPONSE", ID: 199, PEN: flow.Ntop},
		Type:    flow.Unsigned16,
		Doc:     "Number of the error with which MySQL answers, 0 if there was none.",
	}
	MySQLLatency = &flow.Field{
		Element: flow.Element{Label: "MYSQL_APPL_LATENCY_USEC", ID: 320, PEN: flow.Ntop},
		Type:    flow.Unsigned32, Scale: 1e3,
		Doc: "Time from the end of a command for MySQL to its response, microseconds, if it is at most 1 KiB long.",
	}
)

var mysqlFields = append([]*flow.Field{
	MySQLVersion, MySQLUser, MySQLDatabase, MySQLQuery, MySQLResponse, MySQLLatency,
	DBState, DBAffectedRows, DBApplication, DBAuth, DBCompression, DBFile, DBResults,
}, dbSQL...)
