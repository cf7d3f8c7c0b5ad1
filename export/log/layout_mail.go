package log

// Logs of mail and files, by the name of their format. They have a line for each transaction and notice.
// Nobody has published columns for them: first come those that all of them have.
var (
	SMTP = talk("smtp", []Column{
		{"Command", ASCII, 16, "SMTP_COMMAND", first},
		{"ReturnCode", Uint, 0, "SMTP_REPLY_CODE", first},
		{"ReturnText", ASCII, 128, "SMTP_GREETING SMTP_REPLY_TEXT", first},
		{"MailFrom", ASCII, 255, "SMTP_MAIL_FROM", first},
		{"RcptTo", ASCII, 255, "SMTP_RCPT_TO", first},
		{"NumRcpt", Uint, 0, "SMTP_RCPT_COUNT", first},
		{"NumRefused", Uint, 0, "SMTP_RCPT_REFUSED", first},
		{"MailBytes", Uint, 0, "SMTP_MAIL_BYTES", first},
		{"Helo", ASCII, 64, "SMTP_HELO", first},
		{"Mechanism", ASCII, 32, "SMTP_AUTH_MECHANISM", first},
		{"Subject", ASCII, 255, "MAIL_SUBJECT", first},
		{"MessageId", ASCII, 255, "MAIL_MESSAGE_ID", first},
	})
	IMAP = talk("imap", []Column{
		{"Command", ASCII, 16, "IMAP_COMMAND", first},
		{"Status", ASCII, 8, "IMAP_STATUS", first},
		{"StatusText", ASCII, 128, "IMAP_GREETING IMAP_RESPONSE_TEXT", first},
		{"Mailbox", ASCII, 128, "IMAP_MAILBOX", first},
		{"NumMessages", Uint, 0, "IMAP_MESSAGES", first},
		{"NumFetched", Uint, 0, "IMAP_FETCHED", first},
		{"Mechanism", ASCII, 32, "IMAP_AUTH_MECHANISM", first},
		{"Subject", ASCII, 255, "MAIL_SUBJECT", first},
		{"MessageId", ASCII, 255, "MAIL_MESSAGE_ID", first},
	})
	POP3 = talk("pop3", []Column{
		{"Command", ASCII, 16, "POP_COMMAND", first},
		{"Status", ASCII, 8, "POP_STATUS", first},
		{"StatusText", ASCII, 128, "POP_GREETING POP_RESPONSE_TEXT", first},
		{"NumMessages", Uint, 0, "POP_MESSAGES", first},
		{"MaildropBytes", Uint, 0, "POP_MAILDROP_BYTES", first},
		{"MailBytes", Uint, 0, "POP_MAIL_BYTES", first},
		{"Mechanism", ASCII, 32, "POP_AUTH_MECHANISM", first},
		{"Subject", ASCII, 255, "MAIL_SUBJECT", first},
		{"MessageId", ASCII, 255, "MAIL_MESSAGE_ID", first},
	})
	FTP = talk("ftp", []Column{
		{"Command", ASCII, 16, "FTP_COMMAND", first},
		{"Argument", ASCII, 255, "FTP_ARGUMENT", first},
		{"ReturnCode", Uint, 0, "FTP_COMMAND_RET_CODE", first},
		{"ReturnText", ASCII, 128, "FTP_GREETING FTP_REPLY_TEXT", first},
		{"DataListener", ASCII, 8, "FTP_DATA_LISTENER", first},
		{"DataAddress", ASCII, 46, "FTP_DATA_ADDRESS", first},
		{"DataPort", Uint, 0, "FTP_DATA_PORT", first},
	})
)

// talk returns the log of a dissector with columns of its own behind those that all have.
func talk(dissector string, own []Column) *Layout {
	return &Layout{[]string{dissector}, append([]Column{
		{"Client", ASCII, 46, "IPV4_SRC_ADDR", first},
		{"ClientPort", Uint, 0, "L4_SRC_PORT", first},
		{"Server", ASCII, 46, "IPV4_DST_ADDR", first},
		{"ServerPort", Uint, 0, "L4_DST_PORT", first},
		{"BeginTime", Epoch, 0, "TRANSACTION_REQUEST_START TRANSACTION_RESPONSE_START", seconds},
		{"EndTime", Epoch, 0, "TRANSACTION_RESPONSE_END TRANSACTION_REQUEST_END", seconds},
		{"State", ASCII, 12, "TRANSACTION_STATE", first},
		{"ServerResponseTime(ms)", Float, 0, "TRANSACTION_LATENCY_USEC", millis},
		{"User", ASCII, 64, "FLOW_USER_NAME", first},
	}, own...)}
}
