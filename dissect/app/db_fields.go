package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of databases, whichever they are. What an event says of who asks, user and database, it says
// of every request, because a record only keeps what the first one said.
var (
	DBSystem = dbWords(500, "DB_SYSTEM", 16,
		"Database system that is spoken to: mysql, mariadb, postgresql, oracle, mssql, mongodb or redis.")
	DBUser = dbWords(501, "DB_USER", 32, "User who has logged in to the database, or tries to.")
	DBName = dbWords(502, "DB_NAME", 64,
		"Database in use, as the client has asked for it.")
	DBOperation = dbWords(503, "DB_OPERATION", 24,
		"Command of the protocol, for statements of SQL their first word in upper case.")
	DBStatement = dbWords(504, "DB_STATEMENT", 128,
		"First 255 octets of the statement, with literals as ? if it may set a password.")
	DBShape = dbWords(505, "DB_STATEMENT_SHAPE", 128,
		"First 255 octets of the statement with every literal as ?, so that statements that do the same are the same.")
	DBStatementOctets = dbNumber(506, "DB_STATEMENT_BYTES", flow.Unsigned32, "Length of the whole statement, octets.")
	DBErrorCode       = dbNumber(507, "DB_ERROR_CODE", flow.Unsigned32,
		"Number of the error that answers the request, in the database's own numbers.")
	DBState = dbWords(508, "DB_SQLSTATE", 5, "SQLSTATE of the error that answers the request (ISO/IEC 9075).")
	DBError = dbWords(509, "DB_ERROR_MESSAGE", 128,
		"First 255 octets of the error's message, with what is in quotes as ? if it answers what may set a password.")
	DBRows         = dbNumber(510, "DB_ROWS", flow.Unsigned64, "Rows that the response has returned.")
	DBAffectedRows = dbNumber(511, "DB_AFFECTED_ROWS", flow.Unsigned64,
		"Rows that the request has changed, inserted or deleted.")
	DBVersion  = dbWords(512, "DB_SERVER_VERSION", 32, "Version of the database, as the server says it.")
	DBPrepared = dbNumber(513, "DB_PREPARED", flow.Unsigned8,
		"1 if the request executes a statement that was prepared before.")
	DBApplication = dbWords(514, "DB_APPLICATION", 32, "Program that is the client, as it says.")
	DBAuth        = dbWords(515, "DB_AUTH_METHOD", 32, "How the user is to prove who he is.")
	DBCompression = dbWords(516, "DB_COMPRESSION", 8, "Compression of what follows the login: zlib or zstd.")
	DBFile        = dbWords(517, "DB_LOCAL_FILE", 64, "File that the server wants the client to send.")
	DBResults     = dbNumber(518, "DB_RESULT_SETS", flow.Unsigned32,
		"Result sets in the response, those without rows included.")
	DBKey = dbWords(519, "DB_KEY", 64,
		"First argument of a command, for most the key, in notices the channel, but for what proves who the user is.")
	DBClientUser = dbWords(523, "DB_CLIENT_USER", 32, "User of the client's operating system, as the client says.")
	DBErrorKind  = dbWords(520, "DB_ERROR_KIND", 16, "First word of the error that answers the request, as WRONGTYPE.")
)

// dbSQL are the fields that all databases have whose statements are SQL.
var dbSQL = []*flow.Field{
	FlowUser, DBSystem, DBUser, DBName, DBOperation, DBStatement, DBShape, DBStatementOctets,
	DBErrorCode, DBError, DBRows, DBVersion, DBPrepared,
}

func dbWords(id uint16, label string, width uint8, doc string) *flow.Field {
	return &flow.Field{
		Element: flow.Element{Label: label, ID: id, PEN: flow.Weir}, Type: flow.String, Width: width, Doc: doc,
	}
}

func dbNumber(id uint16, label string, kind flow.Type, doc string) *flow.Field {
	return &flow.Field{Element: flow.Element{Label: label, ID: id, PEN: flow.Weir}, Type: kind, Doc: doc}
}
