package log

import "github.com/weir-probe/weir/dataplane/flow"

// Logs of databases, by the name of their format. They have a line for each statement, command and login,
// answered or not.
var (
	MySQL  = database("mysql", Column{"ResponseCode", Uint, 0, "MYSQL_RESPONSE DB_ERROR_CODE", first})
	Oracle = database("oracle", Column{"ResponseCode", Uint, 0, "ORACLE_RSP_CODE DB_ERROR_CODE", first})
	// PostgreSQL is the same, but its codes have letters.
	PostgreSQL = database("postgresql", Column{"ResponseCode", ASCII, 5, "DB_SQLSTATE", first})
)

// database returns the log of a dissector with that column for the code of the response.
func database(dissector string, code Column) *Layout {
	return &Layout{[]string{dissector}, []Column{
		{"Client", ASCII, 32, "IPV4_SRC_ADDR", first},
		{"Server", ASCII, 32, "IPV4_DST_ADDR", first},
		{"User", ASCII, 32, "DB_USER", first},
		{"Query", ASCII, 256, "DB_STATEMENT DB_OPERATION", first},
		code,
		{"ResponseMsg", ASCII, 32, "DB_ERROR_MESSAGE", first},
		{"Bytes", Uint, 0, "TRANSACTION_REQUEST_BYTES TRANSACTION_RESPONSE_BYTES", sum},
		{"BeginTime", Epoch, 0, "TRANSACTION_REQUEST_START TRANSACTION_RESPONSE_START", seconds},
		{"EndTime", Epoch, 0, "TRANSACTION_RESPONSE_END TRANSACTION_REQUEST_END", seconds},
		{"QueryDuration(sec)", Uint, 0, "TRANSACTION_REQUEST_START TRANSACTION_RESPONSE_END", between},
		{"ClientLatency(ms)", Uint, 0, "CLIENT_NW_LATENCY_MS", millis},
		{"ServerLatency(ms)", Uint, 0, "SERVER_NW_LATENCY_MS", millis},
	}}
}

// between appends the time from the first field to the second in seconds with three decimals, if the
// record has both.
func between(c *column, dst []byte, v *flow.View) []byte {
	if len(c.fields) != 2 {
		return dst
	}
	from, ok := v.Value(c.fields[0])
	to, also := v.Value(c.fields[1])
	if !ok || !also || to.U < from.U {
		return dst
	}
	return thousandths(dst, to.U-from.U, 1e9)
}
