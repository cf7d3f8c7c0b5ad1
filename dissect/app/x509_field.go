package app

import "github.com/weir-probe/weir/dataplane/flow"

// What the server's certificate says. It is in clear up to TLS 1.2.
var (
	CertSubject = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_SUBJECT", ID: 200, PEN: flow.Weir, ECS: "tls.server.subject"},
		Type:    flow.String, Width: 64,
		Doc: "Subject of the server's certificate, in the form of RFC 4514.",
	}
	CertIssuer = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_ISSUER", ID: 201, PEN: flow.Weir, ECS: "tls.server.issuer"},
		Type:    flow.String, Width: 64,
		Doc: "Issuer of the server's certificate, in the form of RFC 4514.",
	}
	CertNames = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_NAMES", ID: 202, PEN: flow.Weir,
			ECS: "tls.server.x509.alternative_names"},
		Type: flow.String, Width: 64,
		Doc: "First names the server's certificate is for: hosts, addresses, URIs, with commas between them.",
	}
	CertSerial = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_SERIAL", ID: 203, PEN: flow.Weir,
			ECS: "tls.server.x509.serial_number"},
		Type: flow.OctetArray, Width: 20,
		Doc: "Serial number of the server's certificate, without zeroes before it.",
	}
	CertNotBefore = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_NOT_BEFORE", ID: 204, PEN: flow.Weir, ECS: "tls.server.not_before"},
		Type:    flow.DateTimeMilliseconds,
		Doc:     "Begin of the validity of the server's certificate, absent if before 1970.",
	}
	CertNotAfter = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_NOT_AFTER", ID: 205, PEN: flow.Weir, ECS: "tls.server.not_after"},
		Type:    flow.DateTimeMilliseconds,
		Doc:     "End of the validity of the server's certificate, absent if it has none before the year 2554.",
	}
	CertSHA1 = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_SHA1", ID: 206, PEN: flow.Weir, ECS: "tls.server.hash.sha1"},
		Type:    flow.OctetArray, Width: 20,
		Doc: "SHA-1 of the server's certificate.",
	}
	CertSHA256 = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_SHA256", ID: 207, PEN: flow.Weir, ECS: "tls.server.hash.sha256"},
		Type:    flow.OctetArray, Width: 32,
		Doc: "SHA-256 of the server's certificate.",
	}
	CertSelfSigned = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_SELF_SIGNED", ID: 208, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Whether the server's certificate names its subject as its issuer: 1 if so, 0 if not.",
	}
	CertExpired = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_EXPIRED", ID: 209, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Whether the server's certificate was no longer valid when it was sent: 1 if so, 0 if not.",
	}
	CertKey = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_KEY", ID: 210, PEN: flow.Weir,
			ECS: "tls.server.x509.public_key_algorithm"},
		Type: flow.String, Width: 16,
		Doc: "Type of the key in the server's certificate: RSA, EC, Ed25519, or its object identifier.",
	}
	CertKeyBits = &flow.Field{
		Element: flow.Element{Label: "TLS_CERT_KEY_BITS", ID: 211, PEN: flow.Weir,
			ECS: "tls.server.x509.public_key_size"},
		Type: flow.Unsigned16,
		Doc:  "Size of the key in the server's certificate, bits.",
	}
)

// What the client's certificate says.
var (
	ClientCertSubject = &flow.Field{
		Element: flow.Element{Label: "TLS_CLIENT_CERT_SUBJECT", ID: 212, PEN: flow.Weir, ECS: "tls.client.subject"},
		Type:    flow.String, Width: 64,
		Doc: "Subject of the client's certificate, in the form of RFC 4514.",
	}
	ClientCertIssuer = &flow.Field{
		Element: flow.Element{Label: "TLS_CLIENT_CERT_ISSUER", ID: 213, PEN: flow.Weir, ECS: "tls.client.issuer"},
		Type:    flow.String, Width: 64,
		Doc: "Issuer of the client's certificate, in the form of RFC 4514.",
	}
	ClientCertSerial = &flow.Field{
		Element: flow.Element{Label: "TLS_CLIENT_CERT_SERIAL", ID: 214, PEN: flow.Weir,
			ECS: "tls.client.x509.serial_number"},
		Type: flow.OctetArray, Width: 20,
		Doc: "Serial number of the client's certificate, without zeroes before it.",
	}
	ClientCertSHA256 = &flow.Field{
		Element: flow.Element{Label: "TLS_CLIENT_CERT_SHA256", ID: 215, PEN: flow.Weir,
			ECS: "tls.client.hash.sha256"},
		Type: flow.OctetArray, Width: 32,
		Doc: "SHA-256 of the client's certificate.",
	}
)
