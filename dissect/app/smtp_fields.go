package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of SMTP. Sender and recipient are those of the envelope.
var (
	smtpMailFrom = ntopText("SMTP_MAIL_FROM", 185, "Sender in the envelope of a mail.")
	smtpRcptTo   = ntopText("SMTP_RCPT_TO", 186, "Recipients in the envelope of a mail, with commas between.")

	smtpHelo      = mailText64("SMTP_HELO", 460, "Name by which the client of SMTP greets.")
	smtpGreeting  = mailText64("SMTP_GREETING", 461, "What the server of SMTP says of itself at first.")
	smtpCommand   = mailText64("SMTP_COMMAND", 462, "Command of SMTP that begins the transaction.")
	smtpReply     = mailNumber("SMTP_REPLY_CODE", 463, "Code of the reply of SMTP that ends the transaction.")
	smtpReplyText = mailText64("SMTP_REPLY_TEXT", 464, "First line of the reply of SMTP, without its code.")
	smtpRcpts     = mailNumber("SMTP_RCPT_COUNT", 465, "Recipients that the client of SMTP names for a mail.")
	smtpRefused   = mailNumber("SMTP_RCPT_REFUSED", 466, "Recipients of a mail that the server of SMTP refuses.")
	smtpSize      = mailNumber("SMTP_SIZE_DECLARED", 467, "Octets of the mail as its sender declares them.")
	smtpOctets    = mailNumber("SMTP_MAIL_BYTES", 468, "Octets of the mail as they were sent, without the final dot.")
	smtpMechanism = mailText64("SMTP_AUTH_MECHANISM", 469, "Mechanism by which the client of SMTP logs in.")
	smtpUser      = mailText64("SMTP_USER", 470, "User who logs in to a server of SMTP.")
)

var smtpFields = []*flow.Field{
	smtpMailFrom, smtpRcptTo, smtpHelo, smtpGreeting, smtpCommand, smtpReply, smtpReplyText, smtpRcpts,
	smtpRefused, smtpSize, smtpOctets, smtpMechanism, smtpUser, FlowUser,
	mailSubject, mailID, mailAuthor,
}

func ntopText(label string, id uint16, doc string) *flow.Field {
	return &flow.Field{
		Element: flow.Element{Label: label, ID: id, PEN: flow.Ntop},
		Type:    flow.String, Width: 64, Doc: doc,
	}
}

func mailText64(label string, id uint16, doc string) *flow.Field {
	return &flow.Field{
		Element: flow.Element{Label: label, ID: id, PEN: flow.Weir},
		Type:    flow.String, Width: 64, Doc: doc,
	}
}

func mailNumber(label string, id uint16, doc string) *flow.Field {
	return &flow.Field{
		Element: flow.Element{Label: label, ID: id, PEN: flow.Weir},
		Type:    flow.Unsigned64, Doc: doc,
	}
}
