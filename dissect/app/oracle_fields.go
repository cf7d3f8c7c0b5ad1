package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields that nProbe has of Oracle, and others.
var (
	OracleUser = &flow.Field{
		Element: flow.Element{Label: "ORACLE_USERNAME", ID: 200, PEN: flow.Ntop},
		Type:    flow.String, Width: 32,
		Doc: "User of Oracle, the same as DB_USER.",
	}
	OracleQuery = &flow.Field{
		Element: flow.Element{Label: "ORACLE_QUERY", ID: 201, PEN: flow.Ntop},
		Type:    flow.String, Width: 128,
		Doc: "Statement for Oracle, the same as DB_STATEMENT.",
	}
	OracleCode = &flow.Field{
		Element: flow.Element{Label: "ORACLE_RSP_CODE", ID: 202, PEN: flow.Ntop},
		Type:    flow.Unsigned16,
		Doc:     "Number of the error with which Oracle answers, as 1403 for no data found, 0 if there was none.",
	}
	OracleMessage = &flow.Field{
		Element: flow.Element{Label: "ORACLE_RSP_STRING", ID: 203, PEN: flow.Ntop},
		Type:    flow.String, Width: 64,
		Doc: "Message of the error with which Oracle answers, the same as DB_ERROR_MESSAGE.",
	}
	OracleDuration = &flow.Field{
		Element: flow.Element{Label: "ORACLE_QUERY_DURATION", ID: 204, PEN: flow.Ntop},
		Type:    flow.Unsigned32, Scale: 1e6,
		Doc: "Time from the end of a call of Oracle to its answer, milliseconds.",
	}
	OracleFunction = dbNumber(521, "ORACLE_FUNCTION", flow.Unsigned8,
		"Number of the function of TTC that the client calls, as 94 for the execution of a statement.")
	OracleRedirect = dbWords(522, "ORACLE_REDIRECT", 64,
		"Address to which a listener of Oracle redirects the client.")
)

var oracleFields = []*flow.Field{
	FlowUser, DBSystem, DBUser, DBName, DBOperation, DBStatement, DBShape, DBStatementOctets, DBErrorCode,
	DBError, DBRows, DBAffectedRows, DBVersion, DBApplication, DBClientUser,
	OracleUser, OracleQuery, OracleCode, OracleMessage, OracleDuration, OracleFunction, OracleRedirect,
}
